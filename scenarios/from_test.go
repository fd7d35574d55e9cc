package scenarios_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/scenarios/workload"
	"etcdsim/sim/bug"
	"etcdsim/store"
	"etcdsim/store/saved"
)

// past is a snapshot with a history: the keys k1 and k2 that loads use, one of them
// deleted; a compaction at revision 3; a lease of 60 s with a key on it and one of 3 s;
// and authentication, with the users and passwords that loads have.
func past(t *testing.T, change func(*saved.Snapshot)) *saved.Snapshot {
	t.Helper()
	kv := func(key, value string, created, modified, version, lease int64) saved.Version {
		return saved.Version{KeyValue: store.KeyValue{
			Key: key, Value: value, CreateRevision: created, ModRevision: modified, Version: version, Lease: lease,
		}}
	}
	user := func(name string, roles ...string) saved.User {
		return saved.User{Name: name, Password: store.HashPassword(workload.PasswordOf(name), "salt"), Roles: roles}
	}
	snap := &saved.Snapshot{
		Index: 1000, Term: 12, Revision: 12, Compacted: 3,
		Versions: []saved.Version{
			kv("k0", "-1", 2, 3, 2, 0), kv("k2", "", 0, 3, 0, 0), kv("k1", "-2", 4, 4, 1, 0), kv("k0", "-3", 2, 5, 3, 0),
			kv("held", "-4", 6, 6, 1, 7), kv("k1", "", 0, 7, 0, 0), kv("k2", "-5", 8, 8, 1, 0), kv("k1", "-6", 9, 9, 1, 0),
			kv("brief", "-7", 10, 10, 1, -8), kv("k0", "-8", 2, 11, 4, 0), kv("z", "-9", 12, 12, 1, 0),
		},
		Leases: []saved.Lease{{ID: -8, TTL: 600, Remaining: 3}, {ID: 7, TTL: 60}},
		Auth: saved.Auth{
			Enabled: true, Revision: 20,
			Users: []saved.User{user("root", "root"), user("u1", "r1"), user("u2")},
			Roles: []saved.Role{{Name: "r1", Permissions: []store.Permission{{Type: store.PermitReadWrite, Key: "k", RangeEnd: "l"}}}},
		},
	}
	snap.Versions[1].Sub = 1
	if change != nil {
		change(snap)
	}
	read, err := saved.Read(saved.Write(snap))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// goesOn is a story that begins with it: clients read, write and watch what is there,
// the leader dies, and the brief lease ends.
const goesOn = `cluster nodes=3 from=past.db

# 1. what was there can be used
wait    leader within=20s
auth    off within=20s
load    w clients=3 keys=3 mix=put:4,get:4,past:2,delete:1,count:1
load    l life=lease clients=2 prefix=lease
watch   eyes clients=2 watchers=4 keys=3 past=100% prev=50%
wait    acked w >=60 within=20s
kill    leader
wait    leader within=20s
wait    elapsed 8s
`

func openPast(snap *saved.Snapshot) scenarios.Options {
	return scenarios.Options{Open: func(name, beside string) (*saved.Snapshot, error) {
		if name != "past.db" || beside != "test.scn" {
			return nil, errors.New("somebody asks for another file")
		}
		return snap, nil
	}}
}

func parsed(t *testing.T, text string) *scenarios.File {
	t.Helper()
	f, err := scenarios.Parse("test.scn", text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func goOn(t *testing.T, text string, seed uint64, o scenarios.Options) *scenarios.Result {
	t.Helper()
	r, err := scenarios.Run(parsed(t, text), seed, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestUniversesFromSnapshots(t *testing.T) {
	snap := past(t, nil)
	watched := 0 // times that the past was watched
	for seed := uint64(1); seed <= 6; seed++ {
		r := goOn(t, goesOn, seed, openPast(snap))
		if r.Outcome != scenarios.Pass {
			t.Fatalf("seed %d: %v %+v %+v", seed, r.Outcome, r.Failure, r.Report.Violations())
		}
		ended := slices.ContainsFunc(r.History.Commits, func(c history.Commit) bool {
			revoke, ok := c.Proposal.Request.(*store.LeaseRevokeRequest)
			return ok && revoke.ID == -8 && c.Response.Err == nil
		})
		for _, w := range r.History.Watches {
			for _, a := range w.Answers {
				if len(a.Response.Events) > 0 && a.Response.Events[0].KV.ModRevision <= snap.Revision {
					watched++
				}
			}
		}
		if !ended || !strings.HasPrefix(r.From, "past.db sha256:"+snap.Sum()) {
			t.Errorf("seed %d, from %s: the brief lease ended: %v", seed, r.From, ended)
		}
	}
	if watched == 0 {
		t.Error("nobody watched what had happened before")
	}
}

// Nobody sees the blank that etcdutl leaves when it raises the revision.
func TestUniversesFromRaisedSnapshots(t *testing.T) {
	raised := past(t, func(s *saved.Snapshot) {
		s.Revision, s.Scheduled = 1012, 1012
		s.Versions = append(s.Versions, saved.Version{KeyValue: store.KeyValue{CreateRevision: 1012, ModRevision: 1012, Version: 1}})
	})
	for seed := uint64(1); seed <= 2; seed++ {
		if r := goOn(t, goesOn, seed, openPast(raised)); r.Outcome != scenarios.Pass {
			t.Errorf("seed %d: %v %+v %+v", seed, r.Outcome, r.Failure, r.Report.Violations())
		}
	}
}

// What the members begin with decides the run, together with seed and scenario.
func TestSnapshotsDecideTheRun(t *testing.T) {
	const short = "cluster from=past.db\nwait leader within=20s\n"
	same := goOn(t, short, 1, openPast(past(t, nil))).Digest
	if again := goOn(t, short, 1, openPast(past(t, nil))).Digest; again != same {
		t.Errorf("the same snapshot gives digest %v and %v", same, again)
	}
	for name, change := range map[string]func(*saved.Snapshot){
		"a value":    func(s *saved.Snapshot) { s.Versions[0].Value = "other" },
		"a creation": func(s *saved.Snapshot) { s.Versions[9].CreateRevision = 3 },
		"a lease":    func(s *saved.Snapshot) { s.Leases[1].TTL++ },
		"a password": func(s *saved.Snapshot) { s.Auth.Users[1].Password = "x" },
	} {
		if other := goOn(t, short, 1, openPast(past(t, change))).Digest; other == same {
			t.Errorf("%s is another one, and the digest is the same", name)
		}
	}
}

// Defects in how members take a snapshot over are found by what clients see of it.
func TestDefectsThatASnapshotShows(t *testing.T) {
	for _, c := range []struct {
		bug   bug.ID
		judge string
	}{{bug.LeaseNotReloaded, "leases"}, {bug.RestoreTombstone, "watch"}} {
		caught := false
		for seed := uint64(1); seed <= 12 && !caught; seed++ {
			o := openPast(past(t, nil))
			o.Bugs = o.Bugs.With(c.bug)
			r := goOn(t, goesOn, seed, o)
			j, _ := r.Report.Judgement(c.judge)
			caught = r.Outcome == scenarios.Violation && j.Verdict == checker.Violated
		}
		if !caught {
			t.Errorf("%v: the judge of %s sees nothing in 12 seeds", c.bug, c.judge)
		}
	}
}

// The judges know what was there from the file alone. If it says something else than
// the members do, each of them objects.
func TestJudgesKnowWhatWasThere(t *testing.T) {
	const guarded = `cluster nodes=3 from=past.db
wait    leader within=20s
load    w clients=3 keys=3 users=2 mix=put:4,get:4,past:2
wait    acked w >=40 within=20s
`
	for _, c := range []struct {
		judge, text string
		change      func(*saved.Snapshot)
	}{
		{"linearizability", goesOn, func(s *saved.Snapshot) { s.Versions[9].Value = "other" }},
		{"watch", goesOn, func(s *saved.Snapshot) { s.Versions[6].Value = "other" }},
		{"leases", goesOn, func(s *saved.Snapshot) { s.Leases[0].Remaining = 30 }},
		{"auth", guarded, func(s *saved.Snapshot) { s.Auth.Roles[0].Permissions = nil }},
	} {
		r := goOn(t, c.text, 2, openPast(past(t, nil)))
		j, _ := r.Report.Judgement(c.judge)
		if r.Outcome != scenarios.Pass || j.Judged == 0 {
			t.Fatalf("%s: %v, %d judged, %+v %+v", c.judge, r.Outcome, j.Judged, r.Failure, r.Report.Violations())
		}
		h := r.History
		h.Initial = past(t, c.change)
		if j, _ := checker.Judge(h, checker.Options{}).Judgement(c.judge); j.Verdict != checker.Violated {
			t.Errorf("%s: %v, though the members began with something else", c.judge, j.Verdict)
		}
	}
}

// A session holds what its members began with, whatever lies in the file that its
// scenario names, and where there are no files.
func TestSessionsHoldTheirSnapshot(t *testing.T) {
	snap := past(t, nil)
	const text = "cluster from=past.db\nwait leader within=20s\nsession"
	const rest = "\nask n1 {\"range\":{\"Key\":\"z\"}} cn=\"root\" call=1\nwait acked outside >=1 within=20s\n"
	same := goOn(t, text+rest, 1, openPast(snap))
	held := text + " " + scenarios.SessionArgs{Snapshot: scenarios.Embed(snap)}.String() + rest
	for name, o := range map[string]scenarios.Options{
		"no files": {}, "another file": openPast(past(t, func(s *saved.Snapshot) { s.Versions[10].Value = "other" })),
	} {
		r := goOn(t, scenarios.Format(parsed(t, held)), 1, o)
		if r.Outcome != scenarios.Pass || r.Story != same.Story || r.From != same.From {
			t.Errorf("with %s: %v from %s, digest %v; want that of %s, %v", name, r.Outcome, r.From, r.Story, same.From, same.Story)
		}
	}
}

func TestSnapshotsThatCannotBeHad(t *testing.T) {
	f := parsed(t, "net drop=1%\ncluster from=past.db nodes=3\ndisk sync=1ms\n")
	for _, c := range []struct {
		o    scenarios.Options
		want string
	}{
		{scenarios.Options{}, "test.scn:2:9: cluster.from: past.db: expected a scenario without a snapshot: no files can be opened here"},
		{
			scenarios.Options{Open: func(_, _ string) (*saved.Snapshot, error) { return saved.Read([]byte("nonsense")) }},
			"test.scn:2:9: cluster.from: past.db: not a snapshot of etcd: not an intact bbolt database: 8 bytes without a meta page",
		},
		{
			scenarios.Options{Settings: []scenarios.Setting{{Section: "cluster", Name: "from", Value: "other.db"}}},
			"cluster.from: other.db: expected",
		},
	} {
		if _, err := scenarios.Run(f, 1, c.o); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	nothing := scenarios.Options{Settings: []scenarios.Setting{{Section: "cluster", Name: "from", Value: "nothing"}}}
	if r, err := scenarios.Run(f, 1, nothing); err != nil || r.Outcome != scenarios.Pass || r.From != "" {
		t.Errorf("from nothing: %v", err)
	}
}
