package saved

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"etcdsim/store"
	"etcdsim/store/bolt"
)

// sample is a snapshot with something of everything.
func sample() *Snapshot {
	kv := func(key, value string, created, modified, version int64) store.KeyValue {
		return store.KeyValue{Key: key, Value: value, CreateRevision: created, ModRevision: modified, Version: version}
	}
	s := &Snapshot{
		Index: 40, Term: 3, Revision: 9, Compacted: 4,
		Versions: []Version{
			{KeyValue: kv("k", "b", 2, 3, 2)},
			{KeyValue: kv("k", "", 0, 5, 0)},
			{KeyValue: kv("k", "c", 6, 6, 1)},
			{KeyValue: kv("l", "\x00\xff", 6, 6, 1), Sub: 1},
			{KeyValue: kv("m", "", 7, 7, 1), Sub: 2},
		},
		Leases: []Lease{{-8, 30, 0}, {7, 60, 20}},
		Auth: Auth{
			Enabled: true, Revision: 12,
			Users: []User{{Name: "root", Password: "$2a$", Roles: []string{"r", "root"}}, {Name: "u", NoPassword: true}},
			Roles: []Role{{Name: "r", Permissions: []store.Permission{
				{Type: store.PermitWrite, Key: "a", RangeEnd: "\x00"}, {Key: "b"},
			}}, {Name: "s"}},
		},
		Alarms: []store.Alarm{{MemberID: 1<<63 + 5, Type: store.AlarmNoSpace}, {MemberID: 2, Type: store.AlarmCorrupt}},
	}
	s.Versions[2].Lease = 7
	s.Revision = 7
	return s
}

func TestReadWhatWasWritten(t *testing.T) {
	for name, s := range map[string]*Snapshot{
		"empty":      {Revision: 1, Compacted: -1, Auth: Auth{Revision: 1}, Versions: []Version{}},
		"everything": sample(),
	} {
		file := Write(s)
		got, err := Read(file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again := Sealed(got.File); string(again) != string(file) || !strings.HasSuffix(string(file), sumOf(t, got)) {
			t.Errorf("%s: the snapshot does not know its file", name)
		}
		got.File = ""
		if !reflect.DeepEqual(got, s) {
			t.Errorf("%s: read\n%+v\nwant\n%+v", name, got, s)
		}
		got, err = Read(file[:len(file)-sha256.Size])
		if got.File = ""; err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%s: without its checksum: %v", name, err)
		}
	}
}

func sumOf(t *testing.T, s *Snapshot) string {
	sum, err := hex.DecodeString(s.Sum())
	if err != nil {
		t.Fatal(err)
	}
	return string(sum)
}

// Members go into a file and stay there.
func TestMembersAreWritten(t *testing.T) {
	s := sample()
	s.Members = []store.Member{{ID: 2, Name: "n2", PeerURLs: []string{"http://n2:2380"}}, {ID: 17, PeerURLs: []string{"http://x"}, Learner: true}}
	s.Removed = []uint64{1}
	file := string(Write(s))
	for _, want := range []string{
		`{"id":2,"peerURLs":["http://n2:2380"],"name":"n2"}`, `11{"id":17,"peerURLs":["http://x"],"isLearner":true}`,
		"1removed", `{"voters":[2],"learners":[17],"auto_leave":false}`,
	} {
		if !strings.Contains(file, want) {
			t.Errorf("the file does not hold %s", want)
		}
	}
	if got, err := Read([]byte(file)); err != nil || got.Members != nil || got.Removed != nil {
		t.Errorf("read with members %v, %v removed, %v", got.Members, got.Removed, err)
	}
}

// The bytes are those of etcd: a version and a deletion as its documentation has them.
func TestRecords(t *testing.T) {
	kv := &store.KeyValue{Key: "k", Value: "b", CreateRevision: 2, ModRevision: 3, Version: 2, Lease: 300}
	got := hex.EncodeToString(AppendValue(AppendKey(nil, 3, 1, false), kv))
	if want := "00000000000000035f0000000000000001" + "0a016b" + "1002" + "1803" + "2002" + "2a0162" + "30ac02"; got != want {
		t.Errorf("a version is %s, want %s", got, want)
	}
	got = hex.EncodeToString(AppendValue(AppendKey(nil, 4, 0, true), &store.KeyValue{Key: "k", ModRevision: 4}))
	if want := "00000000000000045f0000000000000000" + "74" + "0a016b"; got != want {
		t.Errorf("a deletion is %s, want %s", got, want)
	}
}

// Users, roles and alarms are those of etcd, too: what is 0 is left out, and a user's
// options are there without any.
func TestRightsAndAlarms(t *testing.T) {
	for _, c := range []struct{ what, got, want string }{
		{"a user", string(appendUser(nil, User{Name: "u", Password: "p", Roles: []string{"r"}})), "0a0175" + "120170" + "1a0172" + "2200"},
		{"one without a password", string(appendUser(nil, User{Name: "u", NoPassword: true})), "0a0175" + "22020801"},
		{
			"a role", string(appendRole(nil, Role{"r", []store.Permission{{Key: "k"}, {Type: store.PermitReadWrite, Key: "a", RangeEnd: "b"}}})),
			"0a0172" + "1203" + "12016b" + "1208" + "0802" + "120161" + "1a0162",
		},
		{"alarms", alarmKeys(store.Alarm{MemberID: 300, Type: store.AlarmNoSpace}, store.Alarm{MemberID: 2}), "0802" + "08ac021001"},
	} {
		if got := hex.EncodeToString([]byte(c.got)); got != c.want {
			t.Errorf("%s is %s, want %s", c.what, got, c.want)
		}
	}
}

func alarmKeys(alarms ...store.Alarm) (all string) {
	for _, it := range (&Snapshot{Alarms: alarms}).alarmItems() {
		all += it.Key
	}
	return all
}

// A compaction that had begun counts as one, and is known as such afterwards.
func TestScheduledCompaction(t *testing.T) {
	for _, c := range []struct{ compacted, scheduled, history, left int64 }{
		{-1, 0, -1, 0}, {0, 0, 0, 0}, {4, 0, 4, 0}, {4, 9, 9, 9}, {-1, 9, 9, 9}, {4, 4, 4, 0}, {9, 4, 9, 0},
	} {
		s := &Snapshot{Revision: 12, Compacted: c.compacted, Scheduled: c.scheduled, Auth: Auth{Revision: 1}}
		got, err := Read(Write(s))
		if err != nil {
			t.Fatal(err)
		}
		if got.Compacted != c.compacted || got.Scheduled != c.left || got.History() != c.history {
			t.Errorf("compacted at %d, scheduled at %d: read %d and %d, history from %d; want %d and %d, history from %d",
				c.compacted, c.scheduled, got.Compacted, got.Scheduled, got.History(), c.compacted, c.left, c.history)
		}
	}
}

// An error says which item of which bucket is wrong, and what was expected.
func TestErrorsNameThePlace(t *testing.T) {
	rev := func(main, sub int64) string { return string(AppendKey(nil, main, sub, false)) }
	kv := func(created, modified, version int64) string {
		return string(AppendValue(nil, &store.KeyValue{Key: "k", CreateRevision: created, ModRevision: modified, Version: version}))
	}
	seven := bigText(7)
	for _, c := range []struct{ bucket, key, value, want string }{
		{"key", "short", "", `item "short": expected a revision`},
		{"key", strings.Replace(rev(5, 0), "_", "-", 1), kv(5, 5, 1), "expected a revision as the key"},
		{"key", rev(0, 0), kv(5, 5, 1), "from 1.0 on"},
		{"key", rev(5, MaxSub+1), kv(5, 5, 1), "sub-revision up to"},
		{"key", rev(5, 0), "\x0a\x09k", "not a protobuf message"},
		{"key", rev(5, 0), "\x0b", "wire type 3"},
		{"key", rev(5, 0), "\x02\x01k", "number 0"},
		{"key", rev(5, 0), "\x10\x05", "with a key"},
		{"key", rev(5, 0), kv(5, 6, 1), "changed at 6"},
		{"key", rev(5, 0), kv(6, 5, 1), "began at 1 to 5"},
		{"key", rev(5, 0) + "t", "", "with a key"},
		{"key", rev(1<<62+1, 0), kv(5, 1<<62+1, 1), "counted on from"},
		{"key", strings.Repeat("long", 20), "", `item "` + strings.Repeat("long", 10) + `"...: expected a revision`},
		{"lease", seven, "\x08", "protobuf"},
		{"lease", seven, "\x08\x08", "a lease of this ID"},
		{"lease", seven, "\x08\x07\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "-1 s left"},
		{"lease", seven, "\x08\x07\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "TTL of -1"},
		{"auth", "authRevision", "\x01", "8 bytes"},
		{"authUsers", "u", "\x0a\x01v", `found "v"`},
		{"authUsers", "u", "\x0a\x01u\x22\x01\x08", "protobuf"},
		{"authUsers", "u", "\x0a\x01u\x22\x01\x08\x22\x02\x08\x01", "protobuf"},
		{"authUsers", "u", "\x0a\x01u\x1a\x01\xff", `item "u": expected the name of a role in UTF-8, found "\xff"`},
		{"authRoles", "r", "\x0a\x01s", `found "s"`},
		{"authRoles", "r", "\x0a\x01r\x12\x01\x08", "protobuf"},
		{"alarm", "\x08", "", "protobuf"},
		{"alarm", "\x78\x05", "", "found NONE of member 0"},
		{"meta", "consistent_index", "1", "8 bytes"},
		{"meta", "finishedCompactRev", "1", "17 bytes"},
		{"meta", "scheduledCompactRev", string(AppendKey(nil, -1, 0, false)), "17 bytes"},
	} {
		buckets := []bolt.Bucket{{Name: c.bucket, Items: []bolt.Item{{Key: c.key, Value: c.value}}}}
		if c.bucket != "key" {
			buckets = append(buckets, bolt.Bucket{Name: "key"})
			if c.bucket > "key" {
				buckets[0], buckets[1] = buckets[1], buckets[0]
			}
		}
		s, err := Read(bolt.Write(buckets))
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.want) || s != nil {
			t.Errorf("bucket %s, key %q: error %v, want %q", c.bucket, c.key, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":             {nil, "0 bytes without a meta page"},
		"something else":      {[]byte(strings.Repeat("nonsense", 4096)), "without a meta page"},
		"another application": {bolt.Write([]bolt.Bucket{{Name: "widgets"}}), "no database of etcd"},
		"another checksum":    {append(Write(sample())[:5*4096], make([]byte, sha256.Size)...), "another SHA-256"},
	} {
		if s, err := Read(c.file); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), c.want) || s != nil {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	rewritten := Write(sample())
	for n := range 40 {
		if _, err := Read(rewritten[:len(rewritten)*n/40]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first %d of %d bytes: error %v, want one", len(rewritten)*n/40, len(rewritten), err)
		}
	}
}

// A put and a deletion cannot have the same revision, what "etcdutl snapshot restore
// --bump-revision" leaves is a blank, the least and largest numbers are numbers, and no
// alarm is there twice.
func TestPeculiarRecords(t *testing.T) {
	value := string(AppendValue(nil, &store.KeyValue{Key: "k", CreateRevision: 5, ModRevision: 5, Version: 1}))
	put := bolt.Item{Key: string(AppendKey(nil, 5, 0, false)), Value: value}
	deletion := bolt.Item{Key: string(AppendKey(nil, 5, 0, true)), Value: "\x0a\x01k"}
	_, err := Read(bolt.Write([]bolt.Bucket{{Name: "key", Items: []bolt.Item{put, deletion}}}))
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "another revision") {
		t.Errorf("a put and a deletion of one revision: error %v, want one", err)
	}
	bumped := bolt.Item{Key: string(AppendKey(nil, 1_000_005, 0, false))}
	mark := bolt.Item{Key: itemScheduled, Value: bumped.Key}
	for _, meta := range [][]bolt.Item{nil, {mark}} {
		s, err := Read(bolt.Write([]bolt.Bucket{{Name: "key", Items: []bolt.Item{put, bumped}}, {Name: "meta", Items: meta}}))
		blank := Version{KeyValue: store.KeyValue{CreateRevision: 1_000_005, ModRevision: 1_000_005, Version: 1}}
		if err != nil || s.Revision != 1_000_005 || (s.Scheduled == s.Revision) != (meta != nil) || s.Versions[1] != blank {
			t.Errorf("a bumped revision: %v, %+v", err, s)
			continue
		}
		again, err := Read(Write(s))
		if s.File, again.File = "", ""; err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("a bumped revision is written as %+v, %v; want %+v", again, err, s)
		}
	}
	last := store.KeyValue{Key: "k", CreateRevision: 1, ModRevision: 1, Version: 1}
	s, err := Read(bolt.Write([]bolt.Bucket{{Name: "key", Items: []bolt.Item{
		{Key: string(AppendKey(nil, 1, MaxSub, false)), Value: string(AppendValue(nil, &last))},
	}}}))
	if err != nil || len(s.Versions) != 1 || s.Versions[0] != (Version{last, MaxSub}) {
		t.Errorf("the last write that the first revision can have: %+v, %v", s, err)
	}
	alarm := "\x08\x05\x10\x01"
	_, err = Read(bolt.Write([]bolt.Bucket{{Name: "alarm", Items: []bolt.Item{{Key: alarm}, {Key: alarm + "\x78\x05"}}}, {Name: "key"}}))
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "found NOSPACE of member 5") {
		t.Errorf("an alarm that is there twice: error %v, want one", err)
	}
}

// A user's roles are put in order, each once, and options that are not known say nothing
// of the password.
func TestPeculiarUser(t *testing.T) {
	user := bolt.Item{Key: "u", Value: "\x0a\x01u" + "\x1a\x01z" + "\x1a\x01a" + "\x1a\x01z" + "\x22\x02\x10\x01"}
	s, err := Read(bolt.Write([]bolt.Bucket{{Name: "authUsers", Items: []bolt.Item{user}}, {Name: "key"}}))
	if err != nil {
		t.Fatal(err)
	}
	if want := []User{{Name: "u", Roles: []string{"a", "z"}}}; !reflect.DeepEqual(s.Auth.Users, want) {
		t.Errorf("users %+v, want %+v", s.Auth.Users, want)
	}
}

// Fields that a later etcd may add do no harm.
func TestUnknownFields(t *testing.T) {
	s := sample()
	buckets := s.buckets()
	for i := range buckets {
		if b := &buckets[i]; b.Name == bucketLease || b.Name == bucketUsers {
			for j := range b.Items {
				b.Items[j].Value += "\x78\x05" + "\x7d1234" + "\x7912345678" + "\x7a\x02ab"
			}
		}
	}
	got, err := Read(bolt.Write(append(buckets, bolt.Bucket{Name: "zzz"})))
	if got.File = ""; err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("with fields of the future: %v, %v", err, got)
	}
}

// Files are long, and to make one shorter takes a minute each time: with
// -fuzzminimizetime 1x thousands are tried in a second, and a few in a minute without.
func FuzzRead(f *testing.F) {
	whole := Write(sample())
	f.Add(whole[:len(whole)-sha256.Size])
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := Read(file)
		if err != nil {
			return
		}
		again, err := Read(Write(s))
		if err != nil {
			t.Fatalf("what was read cannot be read again after writing it: %v", err)
		}
		if s.File, again.File = "", ""; fmt.Sprint(again) != fmt.Sprint(s) {
			t.Errorf("read %+v, and after writing it %+v", s, again)
		}
	})
}

// Whatever byte is another one, there is an error or a snapshot, and no panic.
func TestDamage(t *testing.T) {
	whole := Write(sample())
	file, refused := whole[:len(whole)-sha256.Size], 0
	for at := range file {
		if file[at] == 0 && at%16 != 0 { // most of a file is empty
			continue
		}
		for _, flip := range []byte{1, 0x80} {
			file[at] ^= flip
			s, err := Read(file)
			if err != nil {
				refused++
			}
			if err != nil && (!errors.Is(err, ErrCorrupt) || s != nil) {
				t.Fatalf("byte %d: %v", at, err)
			}
			file[at] ^= flip
		}
	}
	if refused == 0 {
		t.Error("no damage was noticed")
	}
}
