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
