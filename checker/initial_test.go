package checker

import (
	"slices"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
	"etcdsim/store/saved"
)

// began is a store of another universe as a snapshot has it: at revision 2 a came, at
// 3 b on lease 9, at 4 both changed, at 5 a ended.
func began(compacted int64) *saved.Snapshot {
	version := func(sub int64, v store.KeyValue) saved.Version { return saved.Version{KeyValue: v, Sub: sub} }
	leased := kv("b", "1", 3, 3, 1)
	leased.Lease = 9
	return &saved.Snapshot{
		Revision: 5, Compacted: compacted,
		Versions: []saved.Version{
			version(0, kv("a", "1", 2, 2, 1)),
			version(0, leased),
			version(0, kv("a", "2", 2, 4, 2)),
			version(1, kv("b", "2", 3, 4, 2)),
			version(0, store.KeyValue{Key: "a", ModRevision: 5}),
		},
		Leases: []saved.Lease{{ID: 7, TTL: 5}, {ID: 9, TTL: 5}},
		Alarms: []store.Alarm{{MemberID: 1, Type: store.AlarmNoSpace}},
		Auth: saved.Auth{
			Enabled: true, Revision: 6,
			Users: []saved.User{{Name: "u", Roles: []string{"r"}}, {Name: "v"}},
			Roles: []saved.Role{{Name: "r", Permissions: []store.Permission{{Type: store.PermitRead, Key: "a"}}}, {Name: "s"}},
		},
	}
}

// What a universe begins with is what the model makes of the requests behind it.
func TestInitialState(t *testing.T) {
	s := initialState(began(-1))
	if s.rev() != 5 || s.compacted != -1 || !slices.Equal(s.leases, []int64{7, 9}) || len(s.alarms) != 1 {
		t.Errorf("at revision %d, compacted to %d, with leases %v and alarms %v", s.rev(), s.compacted, s.leases, s.alarms)
	}
	var m model
	made := emptyState()
	for _, r := range []store.Request{
		&store.LeaseGrantRequest{ID: 9, TTL: 5},
		put("a", "1"), &store.PutRequest{Key: "b", Value: "1", Lease: 9},
		&store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "a", Value: "2"}, &store.PutRequest{Key: "b", Value: "2"}}},
		&store.DeleteRangeRequest{Key: "a"},
	} {
		var answer store.Response
		if made, answer, _ = m.apply(&made, r); answer.Err != nil {
			t.Fatal(answer.Err)
		}
	}
	for rev := int64(1); rev <= 5; rev++ {
		if !s.now.at(rev).root.equal(made.now.at(rev).root) {
			t.Errorf("revision %d holds other keys than the requests left", rev)
		}
	}
	if one, other := initialState(began(-1)), began(-1); one.now.hash != s.now.hash {
		t.Error("the same snapshot leads to another hash")
	} else if other.Versions[3].Value = "3"; initialState(other).now.hash == s.now.hash {
		t.Error("another value leads to the same hash")
	}

	// Up to the compaction there is one state, also where that is all there is.
	s = initialState(began(4))
	if s.rev() != 5 || s.compacted != 4 || s.now.at(4).root.get("a") == nil || s.now.at(5).root.get("a") != nil || !s.now.at(4).first() {
		t.Errorf("compacted to %d, at revision %d", s.compacted, s.rev())
	}
	bare := &saved.Snapshot{Revision: 9, Compacted: 9}
	if s = initialState(bare); s.rev() != 9 {
		t.Errorf("an empty store compacted to revision 9 is at %d", s.rev())
	}
	if s = initialState(nil); s.rev() != 1 || s.compacted != -1 {
		t.Errorf("an empty store begins at revision %d", s.rev())
	}
}

// What happened before the beginning can be watched from the compaction on.
func TestInitialChanges(t *testing.T) {
	text := func(changes []change) (all []string) {
		for _, c := range changes {
			all = append(all, eventText(&c.Event)+" after "+kvTextOr(c.before, "nothing"))
		}
		return all
	}
	whole := []string{
		"a = 1 (rev 2) after nothing",
		"b = 1 (rev 3) after nothing",
		"a = 2 (rev 4) after a = 1 (rev 2)",
		"b = 2 (rev 4) after b = 1 (rev 3)",
		"the end of a (rev 5) after a = 2 (rev 4)",
	}
	if got := text(initialChanges(began(-1))); !slices.Equal(got, whole) {
		t.Errorf("got %q, want %q", got, whole)
	}
	// The values before the compaction are gone.
	late := []string{"a = 2 (rev 4) after nothing", "b = 2 (rev 4) after nothing", whole[4]}
	if got := text(initialChanges(began(4))); !slices.Equal(got, late) {
		t.Errorf("compacted: got %q, want %q", got, late)
	}
	if got := initialChanges(nil); got != nil {
		t.Errorf("nothing happened, and yet %q", text(got))
	}

	w := watchStory{Watch: &history.Watch{Request: store.WatchRequest{Key: "a", StartRevision: 2}}, member: 1, stream: 1}
	w.Initial, w.Watches = began(4), []*history.Watch{w.Watch}
	w.created(5, 2, 5).compacted(6, 4)
	expect(t, judged(t, "watch", w.History, Options{}), "")
	w.Answers = nil
	w.created(5, 2, 5).compacted(6, 5)
	expect(t, judged(t, "watch", w.History, Options{}), "Client 0, watch a from 2: n1 ended it because rev 5 was compacted, "+
		"but the watcher needs rev 2, and only what precedes rev 4 is gone.")
}

// The rights that a universe begins with are in force from its first entry on.
func TestInitialAuthority(t *testing.T) {
	a := initialAuthority(began(-1))
	if !a.on || a.revision != 6 || !a.hasRole("r") || !a.hasRole("s") || a.users["u"] == nil || a.users["v"] == nil {
		t.Errorf("%+v", a)
	}
	if !a.may("u", false, "a", "") || a.may("v", false, "a", "") || a.may("u", true, "a", "") {
		t.Error("u may read a, and nobody may do more")
	}
	if a = initialAuthority(nil); a.on || a.revision != 1 {
		t.Errorf("nothing: %+v", a)
	}
	h := history.History{Initial: began(-1)}
	if _, ok := Judge(h, Options{}).Judgement("auth"); !ok {
		t.Error("rights are on from the beginning, and nobody judges them")
	}
}

// An operation is found by its ID, whether IDs count upwards or not.
func TestOpFinder(t *testing.T) {
	for _, ids := range [][]uint64{{3, 1, 2}, {1 << 60, 5, 1 << 40}, {0}} {
		var ops []history.Op
		for _, id := range ids {
			ops = append(ops, history.Op{ID: id})
		}
		find := opFinder(ops)
		for i, id := range ids {
			if got := find(id); got != int32(i) {
				t.Errorf("%d of %v is at %d, want %d", id, ids, got, i)
			}
		}
		for _, id := range []uint64{4, 7000, 1<<64 - 1} {
			if got := find(id); got != -1 {
				t.Errorf("%d, which is not in %v, is at %d", id, ids, got)
			}
		}
	}
}

// When an entry was committed is what its commit says, or when it was first applied.
func TestCommitTime(t *testing.T) {
	c := twoPuts()
	c.Commits[1].At = 0
	inv := NewInvariants(3)
	inv.applied = make([]applyMark, 7)
	inv.applied[5].at, inv.applied[6].at = ms(1), ms(77)
	r := newRecord(c.History, inv)
	if r.commitTime(0) != c.Commits[0].At || r.commitTime(1) != ms(77) {
		t.Errorf("committed at %v and %v", r.commitTime(0), r.commitTime(1))
	}
	c.Commits[1].Index = 7
	if at := newRecord(c.History, inv).commitTime(1); at != 0 {
		t.Errorf("an entry that nobody applied was committed at %v", at)
	}
	if at := newRecord(c.History, nil).commitTime(1); at != sim.Time(0) {
		t.Errorf("nobody watched, and an entry was committed at %v", at)
	}
}
