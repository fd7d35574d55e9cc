package mvcc

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/store"
)

// naive is a store as one would write it on a napkin: the whole key space at each
// revision, and what changed there.
type naive struct {
	states []map[string]store.KeyValue // by revision; those before 1 are empty
	events [][]store.Event             // by revision
}

func newNaive() *naive {
	return &naive{states: make([]map[string]store.KeyValue, 2), events: make([][]store.Event, 2)}
}

func (n *naive) revision() int64 { return int64(len(n.states)) - 1 }

// change makes a new revision by some puts and deletes; none if nothing changes.
func (n *naive) change(ops []store.Op) {
	rev := n.revision() + 1
	state := maps.Clone(n.states[rev-1])
	if state == nil {
		state = make(map[string]store.KeyValue)
	}
	var events []store.Event
	for _, op := range ops {
		switch op := op.(type) {
		case *store.PutRequest:
			kv := store.KeyValue{Key: op.Key, Value: op.Value, Lease: op.Lease, CreateRevision: rev, ModRevision: rev, Version: 1}
			if before, ok := state[op.Key]; ok {
				kv.CreateRevision, kv.Version = before.CreateRevision, before.Version+1
			}
			state[op.Key] = kv
			events = append(events, store.Event{KV: &kv})
		case *store.DeleteRangeRequest:
			for _, key := range slices.Sorted(maps.Keys(state)) {
				if within(key, op.Key, op.RangeEnd) {
					delete(state, key)
					events = append(events, store.Event{Type: store.EventDelete, KV: &store.KeyValue{Key: key, ModRevision: rev}})
				}
			}
		}
	}
	if len(events) > 0 {
		n.states = append(n.states, state)
		n.events = append(n.events, events)
	}
}

func equalKV(a, b *store.KeyValue) bool { return *a == *b }

func within(key, begin, end string) bool {
	if end == "" {
		return key == begin
	}
	return key >= begin && (end == "\x00" || key < end)
}

func (n *naive) read(begin, end string, rev int64) []*store.KeyValue {
	var kvs []*store.KeyValue
	for _, key := range slices.Sorted(maps.Keys(n.states[rev])) {
		if within(key, begin, end) {
			kv := n.states[rev][key]
			kvs = append(kvs, &kv)
		}
	}
	return kvs
}

// since returns the events of a range from a revision on.
func (n *naive) since(begin, end string, rev int64) []store.Event {
	var events []store.Event
	for _, changes := range n.events[min(rev, int64(len(n.events))):] {
		for _, e := range changes {
			if within(e.KV.Key, begin, end) {
				events = append(events, e)
			}
		}
	}
	return events
}

// All ranges that occur in these tests.
var ranges = [][2]string{{"\x00", "\x00"}, {"b", "e"}, {"c", ""}, {"d", "\x00"}, {"a", "b"}, {"e", "b"}, {"x", ""}}

var someKey = rapid.SampledFrom([]string{"a", "b", "b1", "c", "d", "e", "f"})

// anyChange draws the writes of one revision. A put never follows another write
// to its key: that is refused before it reaches a store.
func anyChange(t *rapid.T, value string) []store.Op {
	var ops []store.Op
	put := map[string]bool{}
	for i := range rapid.IntRange(1, 3).Draw(t, "writes") {
		if rapid.IntRange(0, 2).Draw(t, "write") > 0 {
			if key := someKey.Draw(t, "put"); !put[key] {
				put[key] = true
				ops = append(ops, &store.PutRequest{Key: key, Value: fmt.Sprint(value, ".", i)})
			}
			continue
		}
		r := rapid.SampledFrom(ranges).Draw(t, "delete")
		ops = append(ops, &store.DeleteRangeRequest{Key: r[0], RangeEnd: r[1]})
	}
	for i, op := range ops {
		if _, ok := op.(*store.DeleteRangeRequest); ok { // deletes first
			ops[0], ops[i] = ops[i], ops[0]
			break
		}
	}
	return ops
}

// apply applies writes, as a transaction if there are several.
func apply(s *Store, ops []store.Op) store.Response {
	req := store.Request(&store.TxnRequest{Success: ops})
	if len(ops) == 1 {
		req = ops[0]
	}
	return s.Apply(s.Applied()+1, &store.Proposal{Request: req})
}

func compact(s *Store, rev int64) store.Response {
	return s.Apply(s.Applied()+1, &store.Proposal{Request: &store.CompactionRequest{Revision: rev}})
}

// agree compares all reads of a store at all its revisions with the model.
func agree(t *rapid.T, s *Store, n *naive) {
	if s.Revision() != n.revision() {
		t.Fatalf("revision %d, want %d", s.Revision(), n.revision())
	}
	for rev := max(1, s.CompactRevision()); rev <= n.revision(); rev++ {
		for _, r := range ranges {
			want := n.read(r[0], r[1], rev)
			req := &store.RangeRequest{Key: r[0], RangeEnd: r[1], Revision: rev}
			got := s.Read(req).Result.(*store.RangeResult)
			if got.Count != int64(len(want)) || !slices.EqualFunc(got.KVs, want, equalKV) {
				t.Fatalf("%s\ngot  %d %v\nwant %d %v", store.Describe(req), got.Count, got.KVs, len(want), want)
			}
			count := s.Read(&store.RangeRequest{Key: r[0], RangeEnd: r[1], Revision: rev, CountOnly: true}).Result.(*store.RangeResult)
			if count.Count != int64(len(want)) || count.KVs != nil {
				t.Fatalf("%s, count only: got %+v", store.Describe(req), count)
			}
			limited := s.Read(&store.RangeRequest{Key: r[0], RangeEnd: r[1], Revision: rev, Limit: 2}).Result.(*store.RangeResult)
			if first := want[:min(2, len(want))]; !slices.EqualFunc(limited.KVs, first, equalKV) ||
				limited.More != (len(want) > 2) || limited.Count != int64(len(want)) {
				t.Fatalf("%s, limit 2: got %+v, want the first of %v", store.Describe(req), limited, want)
			}
		}
	}
}

func TestStoreAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, n := New(Config{}), newNaive()
		type copied struct {
			store *Store
			model naive
			bytes []byte
		}
		var copies []copied
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				if rev := rapid.Int64Range(-1, s.Revision()+1).Draw(t, "compact"); rev <= s.CompactRevision() {
					if resp := compact(s, rev); resp.Err != store.ErrCompacted {
						t.Fatalf("compact %d again: %v", rev, resp.Err)
					}
				} else if resp := compact(s, rev); (resp.Err == store.ErrFutureRevision) != (rev > n.revision()) {
					t.Fatalf("compact %d: %v", rev, resp.Err)
				}
			case 1:
				clone := s.Clone()
				copies = append(copies, copied{clone, naive{slices.Clip(n.states), slices.Clip(n.events)}, clone.Encode()})
			case 2:
				var err error
				if s, err = Decode(Config{}, s.Encode()); err != nil {
					t.Fatal(err)
				}
			case 3:
				s = s.Clone() // the original is not used again, so this one goes on
			default:
				ops := anyChange(t, fmt.Sprint(i))
				n.change(ops)
				apply(s, ops)
			}
		}
		agree(t, s, n)
		for _, c := range copies {
			agree(t, c.store, &c.model)
			if !reflect.DeepEqual(c.store.Encode(), c.bytes) {
				t.Fatal("a clone changed while the original went on")
			}
			ops := anyChange(t, "clone")
			c.model.change(ops)
			apply(c.store, ops)
			agree(t, c.store, &c.model)
		}
		agree(t, s, n)
	})
}

// A compaction must change nothing for those who read or watch at or after it,
// and nothing in the hash, whatever follows.
func TestCompactionIsInvisibleFromItsRevisionOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, n := New(Config{}), newNaive()
		for i := range rapid.IntRange(1, 12).Draw(t, "steps") {
			ops := anyChange(t, fmt.Sprint(i))
			n.change(ops)
			apply(s, ops)
		}
		for rev := int64(1); rev <= n.revision(); rev++ {
			c, m := s.Clone(), naive{slices.Clip(n.states), slices.Clip(n.events)}
			compact(c, rev)
			for i := range 3 {
				agree(t, c, &m)
				if got, want := eventsSince(c, rev), m.since("\x00", "\x00", rev); !reflect.DeepEqual(got, want) {
					t.Fatalf("events since %d:\ngot  %v\nwant %v", rev, got, want)
				}
				if c.Hash() != hashOf(&m) {
					t.Fatalf("compacting at %d changed the hash", rev)
				}
				ops := anyChange(t, fmt.Sprint("after", i))
				m.change(ops)
				apply(c, ops)
				if i == 1 && c.Revision() > rev {
					compact(c, c.Revision())
					rev := c.Revision()
					if got, want := eventsSince(c, rev), m.since("\x00", "\x00", rev); !reflect.DeepEqual(got, want) {
						t.Fatalf("events since %d:\ngot  %v\nwant %v", rev, got, want)
					}
					break
				}
			}
		}
	})
}

func eventsSince(s *Store, rev int64) []store.Event {
	var events []store.Event
	for p := s.table.since(rev, s.limit); p < min(s.table.next, s.limit); p++ {
		events = append(events, event(s.table.at(p)))
	}
	return events
}

// hashOf returns the hash of a store that did exactly what the model did.
func hashOf(n *naive) uint64 {
	s := New(Config{})
	for _, events := range n.events {
		var ops []store.Op
		for _, e := range events {
			if e.Type == store.EventDelete {
				ops = append(ops, &store.DeleteRangeRequest{Key: e.KV.Key})
			} else {
				ops = append(ops, &store.PutRequest{Key: e.KV.Key, Value: e.KV.Value})
			}
		}
		if len(ops) > 0 {
			apply(s, ops)
		}
	}
	return s.Hash()
}

// Different histories must have different hashes: of the versions for each write,
// of the state for each compaction and lease, too.
func TestHashesTellHistoriesApart(t *testing.T) {
	grant := &store.LeaseGrantRequest{ID: 7, TTL: 60}
	histories := [][]store.Request{
		{},
		{&store.PutRequest{Key: "a"}},
		{&store.PutRequest{Key: "b"}},
		{&store.PutRequest{Key: "a", Value: "v"}},
		{&store.PutRequest{Key: "a"}, &store.PutRequest{Key: "a"}},
		{&store.PutRequest{Key: "a"}, &store.PutRequest{Key: "b"}},
		{&store.PutRequest{Key: "b"}, &store.PutRequest{Key: "a"}},
		{&store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "a"}, &store.PutRequest{Key: "b"}}}},
		{&store.PutRequest{Key: "a"}, &store.DeleteRangeRequest{Key: "a"}},
		{grant, &store.PutRequest{Key: "a", Lease: 7}},
	}
	seen := make(map[uint64]int)
	for i, history := range histories {
		s := New(Config{})
		for _, req := range history {
			s.Apply(s.Applied()+1, &store.Proposal{Request: req})
		}
		if j, ok := seen[s.Hash()]; ok {
			t.Errorf("histories %d and %d have the same hash", j, i)
		}
		seen[s.Hash()] = i
	}

	s := New(Config{})
	states := map[uint64]string{s.StateHash(): "nothing"}
	for _, req := range []store.Request{
		grant, &store.LeaseCheckpointRequest{Checkpoints: []store.LeaseCheckpoint{{ID: 7, RemainingTTL: 30}}},
		&store.LeaseRevokeRequest{ID: 7}, &store.CompactionRequest{Revision: 1},
	} {
		s.Apply(s.Applied()+1, &store.Proposal{Request: req})
		if s.Hash() != New(Config{}).Hash() {
			t.Errorf("%s changed the hash of the versions", store.Describe(req))
		}
		if before, ok := states[s.StateHash()]; ok {
			t.Errorf("%s leads to the same state as %s", store.Describe(req), before)
		}
		states[s.StateHash()] = store.Describe(req)
	}
}
