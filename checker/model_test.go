package checker

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/store"
	"etcdsim/store/conformance"
)

// The model answers as a real etcd did. This is what makes it a reference: the
// members' store passes the same comparison with other code.
func TestModelAnswersAsRecordedFromEtcd(t *testing.T) {
	records := conformance.Records(t)
	var m model
	s := emptyState()
	compared, failed := 0, 0
	for i := range records {
		r := &records[i]
		if r.Request == nil || store.Check(r.Request, 128) != nil {
			continue // no request to the store, or refused before it reaches one
		}
		next, answer, known := m.apply(&s, r.Request)
		if !known {
			continue
		}
		s = next
		compared++
		if !m.sameAnswer(&r.Response, &answer) {
			failed++
			if failed <= 5 {
				t.Errorf("line %d: %s %s\n%s", r.Line, r.Op, r.Desc, r.Diff(answer))
			}
		}
	}
	t.Logf("%d answers compared, %d differ", compared, failed)
	if compared < 1000 {
		t.Errorf("only %d answers were compared: expected at least 1000", compared)
	}
}

// Any older revision is found, in a number of steps that hardly grows.
func TestOlderRevisionsAreNear(t *testing.T) {
	r := firstRevision()
	for range 5000 {
		r = r.after(nil, 1)
	}
	most := 0
	for number := int64(1); number <= r.number; number++ {
		if got := r.at(number).number; got != number {
			t.Fatalf("looking for revision %d found %d", number, got)
		}
		steps := 0
		for at := r; at.number > number; steps++ {
			if at.jump.number >= number {
				at = at.jump
			} else {
				at = at.prev
			}
		}
		most = max(most, steps)
	}
	if most > 40 {
		t.Errorf("%d steps to a revision: expected at most 40 of 5000", most)
	}
}

// The map of keys against a plain one, and its shape, which must depend on the
// keys alone.
func TestKeysAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var root *keyNode
		plain := map[string]store.KeyValue{}
		for range rapid.IntRange(0, 60).Draw(t, "writes") {
			key := rapid.StringMatching(`[a-e]{1,2}`).Draw(t, "key")
			if _, ok := plain[key]; ok && rapid.Bool().Draw(t, "delete") {
				delete(plain, key)
				root = root.delete(key)
				continue
			}
			kv := store.KeyValue{Key: key, ModRevision: rapid.Int64Range(1, 9).Draw(t, "revision")}
			plain[key] = kv
			root = root.put(&kv)
		}
		keys := slices.Sorted(maps.Keys(plain))
		var again *keyNode
		for _, key := range keys {
			if got := root.get(key); got == nil || *got != plain[key] {
				t.Fatalf("%s is %+v, expected %+v", key, got, plain[key])
			}
			kv := plain[key]
			again = again.put(&kv)
		}
		if !root.equal(again) {
			t.Fatal("the same keys, put in another order, make another tree")
		}
		key := rapid.StringMatching(`[a-e]{1,2}`).Draw(t, "from")
		end := rapid.SampledFrom([]string{"", "\x00", "b", "cc", "e"}).Draw(t, "end")
		var want, got []string
		for _, k := range keys {
			if k == key || end != "" && k >= key && (end == "\x00" || k < end) {
				want = append(want, k)
			}
		}
		root.ascend(key, end, func(kv *store.KeyValue) { got = append(got, kv.Key) })
		if end != "" && end != "\x00" && end <= key {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Fatalf("[%q, %q) gave %v, expected %v", key, end, got, want)
		}
	})
}

// Applying never changes a state that somebody holds.
func TestStatesAreValues(t *testing.T) {
	h := generate(recipe{seed: 11, ops: 400, clients: 3, keys: 4})
	var m model
	s := emptyState()
	var states []state
	var contents []string
	for i := range h.Commits {
		states, contents = append(states, s), append(contents, fmt.Sprint(contentsOf(&s)))
		s, _, _ = m.apply(&s, h.Commits[i].Proposal.Request)
	}
	for i := range states {
		if now := fmt.Sprint(contentsOf(&states[i])); now != contents[i] {
			t.Fatalf("state %d was %s and is now %s", i, contents[i], now)
		}
	}
}

func contentsOf(s *state) (kvs []store.KeyValue) {
	s.now.root.ascend("\x00", "\x00", func(kv *store.KeyValue) { kvs = append(kvs, *kv) })
	return kvs
}

// Leases exist from their grant to their end, in whatever order they came.
func TestLeasesOfTheModel(t *testing.T) {
	m := model{minTTL: 2}
	s := emptyState()
	do := func(r store.Request, want *store.Error) store.Response {
		t.Helper()
		next, answer, known := m.apply(&s, r)
		if !known || answer.Err != want {
			t.Errorf("%s: %v (known: %v), want %v", store.Describe(r), answer.Err, known, want)
		}
		s = next
		return answer
	}
	do(&store.LeaseGrantRequest{TTL: 5}, store.ErrLeaseNotFound) // somebody is to have chosen an ID
	do(&store.LeaseGrantRequest{ID: 9, TTL: maxLeaseTTL}, nil)
	do(&store.LeaseGrantRequest{ID: 8, TTL: maxLeaseTTL + 1}, store.ErrLeaseTTLTooLarge)
	if ttl := do(&store.LeaseGrantRequest{ID: 7, TTL: 1}, nil).Result.(*store.LeaseGrantResult).TTL; ttl != 2 {
		t.Errorf("a TTL of %d, want 2: the least", ttl)
	}
	do(&store.LeaseGrantRequest{ID: 7, TTL: 5}, store.ErrLeaseExists)
	do(&store.PutRequest{Key: "a", Lease: 7}, nil)
	do(&store.PutRequest{Key: "b", Lease: 9}, nil)
	do(&store.LeaseCheckpointRequest{}, nil)
	if rev := do(&store.LeaseRevokeRequest{ID: 7}, nil).Revision; rev != 4 || s.now.root.get("a") != nil || s.now.root.get("b") == nil {
		t.Errorf("the end of lease 7 led to revision %d, want 4, without a and with b", rev)
	}
	do(&store.LeaseRevokeRequest{ID: 7}, store.ErrLeaseNotFound)
	do(&store.PutRequest{Key: "a", Lease: 7}, store.ErrLeaseNotFound)
	do(&store.PutRequest{Key: "a", Lease: 9}, nil)
	do(&store.LeaseGrantRequest{ID: 7, TTL: 5}, nil)
	if !slices.Equal(s.leases, []int64{7, 9}) {
		t.Errorf("the leases are %v", s.leases)
	}
	if _, _, known := m.apply(&s, &store.MemberListRequest{}); known {
		t.Error("the model has an opinion on members")
	}
	sorted := &store.RangeStreamRequest{Range: store.RangeRequest{Key: "a", SortTarget: store.SortByValue}}
	if _, _, known := m.apply(&s, sorted); known {
		t.Error("the model knows how etcd cuts a sorted stream into parts")
	}
	sorted.Range.CountOnly = true
	if _, _, known := m.apply(&s, sorted); !known {
		t.Error("the model does not know a count")
	}
}

// Two states are equal if no request tells them apart, and then they have one hash.
func TestStatesAreEqual(t *testing.T) {
	var m model
	build := func(requests ...store.Request) *state {
		s := emptyState()
		for _, r := range requests {
			s, _, _ = m.apply(&s, r)
		}
		return &s
	}
	a, b := put("a", "1"), put("b", "1")
	lease := &store.LeaseGrantRequest{ID: 7, TTL: 5}
	alarm := &store.AlarmRequest{Action: store.AlarmActivate, Alarm: store.Alarm{MemberID: 1, Type: store.AlarmNoSpace}}
	base := build(a, b)
	if again := build(a, b); !base.equal(again) || !base.equal(base) || base.hash() != again.hash() {
		t.Error("the same requests lead to different states")
	}
	// Within a transaction the order of writes leaves no trace.
	txn := func(ops ...store.Op) *state { return build(&store.TxnRequest{Success: ops}) }
	one, other := txn(a.(store.Op), b.(store.Op)), txn(b.(store.Op), a.(store.Op))
	if one.hash() != other.hash() || !one.equal(other) {
		t.Error("the order of the writes of a transaction makes a difference")
	}
	for name, s := range map[string]*state{
		"a key less":           build(a),
		"another value":        build(a, put("b", "2")),
		"another key":          build(a, put("c", "1")),
		"another order":        build(b, a),
		"a deletion more":      build(a, b, &store.DeleteRangeRequest{Key: "b"}),
		"a compaction":         build(a, b, &store.CompactionRequest{Revision: 3}),
		"a lease":              build(lease, a, b),
		"an alarm":             build(a, b, alarm),
		"the keys in one step": one,
	} {
		if base.equal(s) || s.equal(base) {
			t.Errorf("%s makes no difference", name)
		}
		if base.hash() == s.hash() {
			t.Errorf("%s makes no difference to the hash", name)
		}
	}
	if l, k := build(lease), build(&store.LeaseGrantRequest{ID: 8, TTL: 5}); l.hash() == k.hash() || l.equal(k) {
		t.Error("two leases are one")
	}
	raised := *alarm
	raised.Alarm.MemberID = 2
	if x, y := build(alarm), build(&raised); x.hash() == y.hash() || x.equal(y) {
		t.Error("two alarms are one")
	}
}

// Trees of keys are equal if they hold the same.
func TestKeysAreEqual(t *testing.T) {
	build := func(values ...string) (root *keyNode) {
		for i, v := range values {
			root = root.put(&store.KeyValue{Key: string(rune('a' + i)), Value: v})
		}
		return root
	}
	base := build("1", "2", "3", "4")
	if !base.equal(build("1", "2", "3", "4")) {
		t.Error("the same keys make other trees")
	}
	for _, other := range []*keyNode{
		nil, build("1", "2", "3"), build("1", "2", "3", "5"), build("0", "2", "3", "4"), build("1", "0", "3", "4"), build("1", "2", "0", "4"),
	} {
		if base.equal(other) || other.equal(base) {
			t.Errorf("a tree of 1 to 4 is equal to one of %v", contentsOf(&state{now: &revision{root: other}}))
		}
	}
}

// Keys are filtered before they are sorted and limited, and only where nothing else is
// asked for does etcd take no more of them than the limit needs.
func TestRangeFilters(t *testing.T) {
	s := emptyState()
	for _, kv := range []store.KeyValue{kv("a", "1", 2, 5, 2), kv("b", "1", 3, 4, 2), kv("c", "1", 2, 2, 1)} {
		s.now.root = s.now.root.put(&kv)
	}
	for _, tt := range []struct {
		r    store.RangeRequest
		want string
		more bool
	}{
		{store.RangeRequest{}, "abc", false},
		{store.RangeRequest{MinModRevision: 4}, "ab", false},
		{store.RangeRequest{MaxModRevision: 4}, "bc", false},
		{store.RangeRequest{MinCreateRevision: 3}, "b", false},
		{store.RangeRequest{MaxCreateRevision: 2}, "ac", false},
		{store.RangeRequest{SortTarget: store.SortByMod}, "cba", false},
		{store.RangeRequest{SortTarget: store.SortByMod, Limit: 1}, "b", true},
		{store.RangeRequest{SortTarget: store.SortByMod, Limit: 1, SortOrder: store.SortAscend}, "c", true},
		{store.RangeRequest{SortTarget: store.SortByMod, Limit: 1, MinModRevision: 1}, "c", true},
		{store.RangeRequest{SortTarget: store.SortByMod, Limit: 1, MaxModRevision: 9}, "c", true},
		{store.RangeRequest{SortTarget: store.SortByMod, Limit: 1, MinCreateRevision: 1}, "c", true},
		{store.RangeRequest{SortTarget: store.SortByMod, Limit: 1, MaxCreateRevision: 9}, "c", true},
		{store.RangeRequest{Limit: 3}, "abc", false},
	} {
		tt.r.Key, tt.r.RangeEnd = "a", "z"
		var m model
		_, answer, _ := m.apply(&s, &tt.r)
		res := answer.Result.(*store.RangeResult)
		got := ""
		for _, kv := range res.KVs {
			got += kv.Key
		}
		if got != tt.want || res.More != tt.more || res.Count != 3 {
			t.Errorf("%s: %q of %d (more: %v), want %q (%v)", store.Describe(&tt.r), got, res.Count, res.More, tt.want, tt.more)
		}
	}
}
