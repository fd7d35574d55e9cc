package mvcc

import (
	"fmt"
	"hash/crc32"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
	"pgregory.net/rapid"

	"etcdsim/store"
	"etcdsim/store/saved"
)

// throughFile returns the store that begins with another's file.
func throughFile(t interface{ Fatal(...any) }, s *Store) *Store {
	snap, err := saved.Read(saved.Write(s.Save()))
	if err != nil {
		t.Fatal(err)
	}
	return Load(Config{}, snap)
}

// A store that began with a file cannot be told from the one that wrote it, then and
// after every request that follows.
func TestFilesGiveTheStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := New(Config{})
		for range rapid.IntRange(0, 30).Draw(t, "before") {
			applyEntry(s, anyEntry(t, s))
		}
		loaded := throughFile(t, s)
		for range 6 {
			compareSaved(t, loaded, s)
			req := anyEntry(t, s)
			applyEntry(s, req)
			applyEntry(loaded, req)
		}
	})
}

// Whatever a file says that can be read, a store begins with it and can be used: lives
// that never began, leases that nobody granted, compactions in the future.
func TestAnyFileGivesAStore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		below := func(name string, n int64) int64 { return rapid.Int64Range(0, n-1).Draw(t, name) }
		snap := &saved.Snapshot{Revision: 1, Auth: saved.Auth{Revision: 1}}
		snap.Compacted, snap.Scheduled = below("compacted", 12)-1, below("scheduled", 12)
		main, sub := int64(1), int64(-1)
		for range rapid.IntRange(0, 8).Draw(t, "versions") {
			if step := below("step", 3); step > 0 || sub < 0 {
				main, sub = main+step, -1
			}
			sub += 1 + below("sub", 2)
			v := saved.Version{KeyValue: store.KeyValue{Key: string(rune('a' + below("key", 2))), ModRevision: main}, Sub: sub}
			switch below("deletion", 4) {
			case 0:
			case 1:
				v.Key, v.CreateRevision, v.Version = "", main, 1 // a blank
			default:
				v.CreateRevision, v.Version = 1+below("created", main), 1+below("version", 3)
				v.Lease, v.Value = below("lease", 3)-1, "v"
			}
			snap.Versions = append(snap.Versions, v)
		}
		snap, err := saved.Read(saved.Write(snap))
		if err != nil {
			t.Fatal(err)
		}
		s := Load(Config{}, snap)
		if got := s.Save(); snap.Scheduled == 0 && !slices.Equal(got.Versions, snap.Versions) {
			t.Fatalf("the store holds\n%+v, the file\n%+v", got.Versions, snap.Versions)
		}
		for rev := range snap.Revision + 2 {
			s.Read(&store.RangeRequest{Key: "\x00", RangeEnd: "\x00", Revision: rev})
			s.Read(&store.RangeRequest{Key: "a", Revision: rev})
			s.Read(&store.HashKVRequest{Revision: rev})
		}
		for range 6 {
			applyEntry(s, anyEntry(t, s))
		}
		if _, err := saved.Read(saved.Write(s.Save())); err != nil {
			t.Fatalf("the file of that store: %v", err)
		}
	})
}

func compareSaved(t *rapid.T, got, want *Store) {
	t.Helper()
	if a, b := fmt.Sprintf("%+v", got.Save()), fmt.Sprintf("%+v", want.Save()); a != b {
		t.Fatalf("the store from the file holds\n%s\nwant\n%s", a, b)
	}
	reqs := []store.Request{&store.RangeRequest{Key: "\x00", RangeEnd: "\x00"}, &store.LeaseLeasesRequest{}}
	for rev := max(want.compacted+1, 1); rev <= want.rev; rev++ {
		reqs = append(reqs, &store.HashKVRequest{Revision: rev}, &store.RangeRequest{Key: "\x00", RangeEnd: "\x00", Revision: rev})
	}
	for _, le := range want.leases.all() {
		reqs = append(reqs, &store.LeaseTimeToLiveRequest{ID: le.id, Keys: true})
	}
	for _, req := range reqs {
		if a, b := got.Read(req), want.Read(req); !reflect.DeepEqual(a, b) {
			t.Fatalf("%s: the store from the file answers %+v, want %+v", store.Describe(req), a.Result, b.Result)
		}
	}
	if got.inUse != want.inUse {
		t.Fatalf("%d bytes in use, want %d", got.inUse, want.inUse)
	}
}

// What begins with other data is another state, though nothing was ever applied.
func TestLoadedStatesHaveHashes(t *testing.T) {
	sum := func(change func(*saved.Snapshot)) uint64 {
		snap := sample().Save()
		change(snap)
		return Load(Config{}, snap).StateHash()
	}
	same := sum(func(*saved.Snapshot) {})
	for name, change := range map[string]func(*saved.Snapshot){
		"a value": func(s *saved.Snapshot) { s.Versions[0].Value += "x" },
		"a lease": func(s *saved.Snapshot) { s.Leases[0].Remaining++ },
		"a user":  func(s *saved.Snapshot) { s.Auth.Users = append(s.Auth.Users, saved.User{Name: "u"}) },
		"auth":    func(s *saved.Snapshot) { s.Auth.Enabled = true },
		"an alarm": func(s *saved.Snapshot) {
			s.Alarms = append(s.Alarms, store.Alarm{MemberID: 1, Type: store.AlarmNoSpace})
		},
		"no change": func(*saved.Snapshot) {},
	} {
		if other := sum(change); (other == same) != (name == "no change") {
			t.Errorf("%s: hash %016x, without it %016x", name, other, same)
		}
	}
}

// A blank raises the revision and is in the checksums, and that is all: nobody reads,
// counts, deletes or watches it. Compactions keep the last one.
func TestBlanks(t *testing.T) {
	version := func(key string, created, modified int64) saved.Version {
		kv := store.KeyValue{Key: key, Value: "v", CreateRevision: created, ModRevision: modified, Version: 1}
		if key == "" {
			kv.Value = ""
		}
		return saved.Version{KeyValue: kv}
	}
	snap := &saved.Snapshot{
		Revision: 2003, Compacted: 1003, Auth: saved.Auth{Revision: 1}, Scheduled: 2003,
		Versions: []saved.Version{version("k", 2, 2), version("", 1003, 1003), version("l", 1004, 1004), version("", 2003, 2003)},
	}
	s := Load(Config{}, snap)
	sum := func(records ...string) uint32 {
		return crc32.Checksum([]byte("key"+strings.Join(records, "")), castagnoli)
	}
	record := func(v saved.Version) string {
		return string(saved.AppendValue(saved.AppendKey(nil, v.ModRevision, 0, false), &v.KeyValue))
	}
	last := string(saved.AppendKey(nil, 2003, 0, false))
	ws := NewWatchers(s)
	st := ws.Open(0)
	st.Watch(&store.WatchRequest{RangeEnd: "\x00", StartRevision: 2003})
	applyEntry(s, put("k"))
	k := version("k", 2, 2004)
	k.Version = 2
	if got, want := hashKV(t, s, 0).Hash, sum(record(snap.Versions[2]), last, record(k)); got != want {
		t.Errorf("checksum %d, want %d", got, want)
	}
	everything := store.RangeRequest{Key: "\x00", RangeEnd: "\x00"}
	if got := s.Read(&everything).Result.(*store.RangeResult); got.Count != 2 || len(got.KVs) != 2 {
		t.Errorf("two keys and a blank are %+v", got)
	}
	ws.Sync()
	var told []store.Event
	for _, resp := range drain(st) {
		told = append(told, resp.Events...)
	}
	if len(told) != 1 || *told[0].KV != k.KeyValue {
		t.Errorf("from the blank on, a watcher is told of %+v", told)
	}
	applyEntry(s, &store.DeleteRangeRequest{Key: everything.Key, RangeEnd: everything.RangeEnd})
	applyEntry(s, put("k"))
	applyEntry(s, &store.CompactionRequest{Revision: s.rev})
	want := []saved.Version{snap.Versions[3], version("k", 2006, 2006)}
	if got := throughFile(t, s).Save().Versions; !slices.Equal(got, want) {
		t.Errorf("a compaction leaves %+v, want %+v", got, want)
	}
}

// A compaction that had begun when the file was taken is ended, and TTLs are raised,
// as etcd does when it starts.
func TestLoadEndsCompactions(t *testing.T) {
	s := New(Config{})
	for _, req := range []store.Request{
		&store.LeaseGrantRequest{ID: 7, TTL: 1}, put("k"), put("k"), put("k"), &store.DeleteRangeRequest{Key: "k"}, put("l"),
	} {
		applyEntry(s, req)
	}
	snap := s.Save()
	snap.Scheduled = 4
	loaded := Load(Config{MinLeaseTTL: 3}, snap)
	applyEntry(s, &store.CompactionRequest{Revision: 4})
	if a, b := loaded.Save().Versions, s.Save().Versions; !reflect.DeepEqual(a, b) || loaded.CompactRevision() != 4 {
		t.Errorf("compacted at %d: %+v, want %+v", loaded.CompactRevision(), a, b)
	}
	if le, _ := loaded.Lease(7); le.TTL != 3 {
		t.Errorf("a lease of %d s, where 3 are the least", le.TTL)
	}
}

// Users may do the same with what a file says as they could before.
func TestLoadedRights(t *testing.T) {
	s := guarded()
	asks(s, "root", &store.UserChangePasswordRequest{Name: "cert", Password: "none"})
	s = throughFile(t, s)
	for _, u := range s.Save().Auth.Users {
		if u.NoPassword != (u.Name == "cert") || (u.Password == "") != u.NoPassword {
			t.Errorf("user %+v; want all but cert to have a password", u)
		}
	}
	for _, c := range []struct {
		user string
		req  store.Request
		want *store.Error
	}{
		{"u", put("f"), nil},
		{"u", get("f"), nil},
		{"u", put("g"), store.ErrPermissionDenied},
		{"cert", get("f"), store.ErrPermissionDenied},
		{"", put("f"), store.ErrUserEmpty},
		{"root", put("g"), nil},
		{"root", &store.UserListRequest{}, nil},
		{"u", &store.UserListRequest{}, store.ErrPermissionDenied},
	} {
		who := Identity{User: c.user}
		if c.user != "" {
			who.Revision = s.AuthRevision()
		}
		if err := s.Admit(who, c.req); err != c.want {
			t.Errorf("%q, %s: %v, want %v", c.user, store.Describe(c.req), err, c.want)
		}
	}
}

// A user's password from a real etcd is one of bcrypt.
func TestBcryptPasswords(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	s := guarded()
	asks(s, "root", &store.UserChangePasswordRequest{Name: "u", HashedPassword: string(hash)})
	s = throughFile(t, s)
	if err := s.CheckPassword("u", "secret"); err != nil {
		t.Errorf("the password: %v", err)
	}
	if err := s.CheckPassword("u", "Secret"); err != store.ErrAuthFailed {
		t.Errorf("another one: %v, want %v", err, store.ErrAuthFailed)
	}
}
