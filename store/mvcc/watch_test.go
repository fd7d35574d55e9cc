package mvcc

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/sim"
	"etcdsim/store"
)

// drain takes everything that a stream has.
func drain(st *Stream) []store.WatchResponse {
	var all []store.WatchResponse
	for resp, ok := st.Next(); ok; resp, ok = st.Next() {
		all = append(all, resp)
	}
	return all
}

// settle serves the watchers of a stream until none is behind.
func settle(t *testing.T, ws *Watchers, st *Stream) []store.WatchResponse {
	var got []store.WatchResponse
	for range 100 {
		got = append(got, drain(st)...)
		if ws.Behind() == 0 && ws.Waiting() == 0 {
			return got
		}
		ws.Retry()
		ws.Sync()
	}
	t.Fatalf("%d watchers behind, %d waiting, and no progress", ws.Behind(), ws.Waiting())
	return nil
}

// Whatever order watchers, writes, slow clients and restored snapshots come in,
// each watcher sees every event of its keys from its start on exactly once, in
// order, never a revision in two responses, and nothing else.
func TestWatchersSeeEverythingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, n := New(Config{}), newNaive()
		ws := NewWatchers(s)
		type watching struct {
			req    *store.WatchRequest
			stream *Stream
			start  int64
			got    []store.WatchResponse
		}
		var all []*watching
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			switch step := rapid.IntRange(0, 9).Draw(t, "step"); step {
			case 0, 1:
				r := rapid.SampledFrom(ranges).Draw(t, "range")
				if r[1] != "" && r[1] != "\x00" && r[0] >= r[1] {
					continue // refused; see TestObjections
				}
				w := &watching{stream: ws.Open(0), req: &store.WatchRequest{
					Key: r[0], RangeEnd: r[1], StartRevision: rapid.Int64Range(0, n.revision()+3).Draw(t, "start"),
					NoPut: rapid.IntRange(0, 5).Draw(t, "no put") == 0, NoDelete: rapid.IntRange(0, 5).Draw(t, "no delete") == 0,
				}}
				if w.start = w.req.StartRevision; w.start == 0 {
					w.start = n.revision() + 1
				}
				w.stream.Watch(w.req)
				all = append(all, w)
			case 2:
				ws.Sync()
			case 3:
				ws.Retry()
			case 4:
				if len(all) > 0 {
					w := rapid.SampledFrom(all).Draw(t, "drained")
					w.got = append(w.got, drain(w.stream)...)
				}
			case 5:
				restored, err := Decode(Config{}, s.Encode())
				if err != nil {
					t.Fatal(err)
				}
				behind := rapid.IntRange(0, 2).Draw(t, "behind")
				for j := range behind { // written elsewhere while this member was cut off
					ops := anyChange(t, fmt.Sprint(i, "-", j))
					n.change(ops)
					apply(restored, ops)
				}
				s = restored
				ws.Restore(s)
			case 6:
				// More than a stream holds.
				for range streamBuffer + rapid.IntRange(-1, 3).Draw(t, "too many") {
					ops := []store.Op{&store.PutRequest{Key: "c", Value: fmt.Sprint(i)}}
					n.change(ops)
					apply(s, ops)
				}
			default:
				ops := anyChange(t, fmt.Sprint(i))
				n.change(ops)
				apply(s, ops)
			}
		}
		for i := 0; ws.Behind() > 0 || ws.Waiting() > 0 || i == 0; i++ {
			for _, w := range all {
				w.got = append(w.got, drain(w.stream)...)
			}
			ws.Retry()
			ws.Sync()
			if i > 100 {
				t.Fatalf("%d watchers behind, %d waiting, and no progress", ws.Behind(), ws.Waiting())
			}
		}
		for _, w := range all {
			w.got = append(w.got, drain(w.stream)...)
			want := slices.DeleteFunc(n.since(w.req.Key, w.req.RangeEnd, w.start), func(e store.Event) bool {
				return w.req.NoPut && e.Type == store.EventPut || w.req.NoDelete && e.Type == store.EventDelete
			})
			var got []store.Event
			last := int64(0)
			for i, resp := range w.got {
				if resp.Created != (i == 0) || resp.Canceled || (len(resp.Events) == 0) != (i == 0) {
					t.Fatalf("response %d: %+v", i, resp)
				}
				for _, e := range resp.Events {
					if e.KV.ModRevision <= last || e.KV.ModRevision > resp.Revision {
						t.Fatalf("revision %d in a response of revision %d after one that ended with %d", e.KV.ModRevision, resp.Revision, last)
					}
				}
				if len(resp.Events) > 0 {
					last = resp.Events[len(resp.Events)-1].KV.ModRevision
				}
				got = append(got, resp.Events...)
			}
			if !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
				t.Fatalf("watch %+v\ngot  %v\nwant %v", *w.req, got, want)
			}
		}
	})
}

func TestObjections(t *testing.T) {
	s := New(Config{})
	apply(s, []store.Op{&store.PutRequest{Key: "a"}})
	st := NewWatchers(s).Open(0)
	for _, c := range []struct {
		req    store.WatchRequest
		id     int64
		reason string
	}{
		{store.WatchRequest{Key: "a"}, 0, ""},
		{store.WatchRequest{Key: "a"}, 1, ""},
		{store.WatchRequest{Key: "a", WatchID: 2}, 2, ""},
		{store.WatchRequest{Key: "a"}, 3, ""}, // 2 is taken
		{store.WatchRequest{Key: "a", WatchID: 2}, -1, "mvcc: duplicate watch ID provided on the WatchStream"},
		{store.WatchRequest{Key: "b", RangeEnd: "a"}, -1, "mvcc: watcher range is empty"},
		{store.WatchRequest{Key: "a", RangeEnd: "a"}, -1, "mvcc: watcher range is empty"},
		{store.WatchRequest{Key: "a", StartRevision: -1}, -1, "etcdserver: mvcc: required revision has been compacted"},
		{store.WatchRequest{RangeEnd: "\x00"}, 4, ""}, // all keys
	} {
		st.Watch(&c.req)
		want := []store.WatchResponse{{Revision: 2, WatchID: c.id, Created: true, Canceled: c.reason != "", CancelReason: c.reason}}
		if got := drain(st); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\ngot  %+v\nwant %+v", c.req, got, want)
		}
	}
	st.Cancel(2)
	st.Cancel(2) // ignored
	if got, want := drain(st), []store.WatchResponse{{Revision: 2, WatchID: 2, Canceled: true}}; !reflect.DeepEqual(got, want) {
		t.Errorf("cancel: got %+v, want %+v", got, want)
	}
	st.Watch(&store.WatchRequest{Key: "a", WatchID: 2})
	if got := drain(st); got[0].WatchID != 2 {
		t.Errorf("the ID of a cancelled watcher is not free: %+v", got)
	}
}

// A watcher that falls behind a compaction is told so: it must never go on as if
// nothing was missing (etcd #17529).
func TestSlowWatcherIsCancelledByCompaction(t *testing.T) {
	s := New(Config{})
	ws := NewWatchers(s)
	st := ws.Open(0)
	st.Watch(&store.WatchRequest{Key: "a"})
	for range streamBuffer + 1 {
		apply(s, []store.Op{&store.PutRequest{Key: "a"}})
	}
	if ws.Waiting() != 1 {
		t.Fatalf("%d watchers wait for room, want 1", ws.Waiting())
	}
	apply(s, []store.Op{&store.PutRequest{Key: "a"}})
	apply(s, []store.Op{&store.PutRequest{Key: "a"}})
	compact(s, s.Revision())
	got := settle(t, ws, st)
	if n := len(got); n != 1+streamBuffer+1+1 {
		t.Fatalf("%d responses, want the creation, %d events and a cancellation", n, streamBuffer+1)
	}
	want := store.WatchResponse{Canceled: true, CompactRevision: s.Revision()}
	if last := got[len(got)-1]; !reflect.DeepEqual(last, want) {
		t.Errorf("got %+v at last, want %+v", last, want)
	}
	if len(ws.synced.all) != 0 {
		t.Error("the cancelled watcher is still served")
	}
}

// A long history goes to a watcher in parts of a thousand revisions, none of them
// torn apart.
func TestLongHistoryComesInParts(t *testing.T) {
	s := New(Config{})
	for range 2*syncRevisions + 1 {
		apply(s, []store.Op{&store.PutRequest{Key: "a"}, &store.PutRequest{Key: "b"}})
	}
	ws := NewWatchers(s)
	st := ws.Open(0)
	st.Watch(&store.WatchRequest{Key: "a", RangeEnd: "c", StartRevision: 1})
	var sizes []int
	for _, resp := range settle(t, ws, st)[1:] {
		sizes = append(sizes, len(resp.Events))
	}
	if want := []int{2 * syncRevisions, 2 * syncRevisions, 2}; !slices.Equal(sizes, want) {
		t.Errorf("parts of %v events, want %v", sizes, want)
	}
}

func TestProgress(t *testing.T) {
	s := New(Config{})
	ws := NewWatchers(s)
	st := ws.Open(0)
	st.Progress()
	if got := drain(st); got != nil {
		t.Fatalf("a stream without watchers answered %+v", got)
	}
	apply(s, []store.Op{&store.PutRequest{Key: "a"}})
	st.Watch(&store.WatchRequest{Key: "a", StartRevision: 1, ProgressNotify: true})
	drain(st)
	st.Progress()
	st.NotifyProgress()
	if got := drain(st); got != nil {
		t.Fatalf("a stream with a watcher behind answered %+v", got)
	}
	ws.Sync()
	st.Progress()
	got := drain(st) // the event comes first
	if len(got) != 2 || len(got[0].Events) != 1 || !reflect.DeepEqual(got[1], store.WatchResponse{Revision: 2, WatchID: store.NoWatcher}) {
		t.Fatalf("got %+v, want an event and the progress of all", got)
	}
	st.NotifyProgress() // not due: an event was sent
	st.NotifyProgress()
	if got, want := drain(st), []store.WatchResponse{{Revision: 2}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPreviousValuesAndFragments(t *testing.T) {
	s := New(Config{})
	ws := NewWatchers(s)
	st := ws.Open(200)
	st.Watch(&store.WatchRequest{Key: "a", RangeEnd: "z", PrevKV: true, Fragment: true})
	var ops []store.Op
	for _, key := range []string{"a", "b", "c", "d", "e"} {
		ops = append(ops, &store.PutRequest{Key: key, Value: string(make([]byte, 80))})
	}
	apply(s, ops)
	apply(s, []store.Op{&store.PutRequest{Key: "a", Value: "2"}})
	apply(s, []store.Op{&store.DeleteRangeRequest{Key: "a"}})
	got := drain(st)[1:]
	var sizes []int
	for _, resp := range got {
		if resp.Fragment != (len(sizes) < 2) {
			t.Errorf("response %d: fragment is %v", len(sizes), resp.Fragment)
		}
		sizes = append(sizes, len(resp.Events))
	}
	if want := []int{2, 2, 1, 1, 1}; !slices.Equal(sizes, want) {
		t.Fatalf("responses of %v events, want %v", sizes, want)
	}
	for i, want := range []int64{0, 0, 0, 2, 3} { // mod revisions before
		before := int64(0)
		if kv := got[i].Events[0].PrevKV; kv != nil {
			before = kv.ModRevision
		}
		if before != want {
			t.Errorf("response %d: the value before is of revision %d, want %d", i, before, want)
		}
	}
}

func TestIntervalsFindWhatAScanFinds(t *testing.T) {
	point := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})
	rapid.Check(t, func(t *rapid.T) {
		var tree intervals
		var list []*watcher
		for i := range rapid.IntRange(0, 30).Draw(t, "steps") {
			if len(list) > 0 && rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				j := rapid.IntRange(0, len(list)-1).Draw(t, "which")
				tree.remove(list[j])
				list = slices.Delete(list, j, j+1)
			} else {
				w := &watcher{number: uint64(i), keys: interval{begin: point.Draw(t, "begin"), end: point.Draw(t, "end")}}
				if rapid.IntRange(0, 5).Draw(t, "unbounded") == 0 {
					w.keys = interval{begin: w.keys.begin, unbounded: true}
				}
				tree.add(w)
				list = append(list, w)
			}
			key := point.Draw(t, "key")
			var got, want []*watcher
			tree.stab(key, func(part []*watcher) { got = append(got, part...) })
			for _, w := range list {
				if w.keys.contains(key) {
					want = append(want, w)
				}
			}
			slices.SortFunc(got, byCreation)
			if !slices.Equal(got, want) {
				t.Fatalf("%q: found %d watchers, want %d", key, len(got), len(want))
			}
		}
	})
}

func benchWatchers(b *testing.B, key func(i int) (string, string), watchers, concerned int) {
	s := New(Config{})
	ws := NewWatchers(s)
	streams := make([]*Stream, watchers)
	for i := range streams {
		begin, end := key(i)
		streams[i] = ws.Open(0)
		streams[i].Watch(&store.WatchRequest{Key: begin, RangeEnd: end})
		streams[i].Next()
	}
	p := putProposal("k0500", "value-of-16-byte")
	b.ReportAllocs()
	for b.Loop() {
		s.Apply(0, p)
		got := 0
		for _, st := range streams {
			if _, ok := st.Next(); ok {
				got++
			}
		}
		if got != concerned {
			b.Fatalf("%d watchers were told, want %d", got, concerned)
		}
	}
}

// A put to a key that all of 1,000 watchers want, that one of them wants, and
// that one of 1,000 watchers of ranges wants.
func BenchmarkWatch(b *testing.B) {
	name := func(i int) string { return fmt.Sprintf("k%04d", i) }
	b.Run("all of 1000", func(b *testing.B) {
		benchWatchers(b, func(int) (string, string) { return "k0", "k1" }, 1000, 1000)
	})
	b.Run("one of 1000 keys", func(b *testing.B) {
		benchWatchers(b, func(i int) (string, string) { return name(i), "" }, 1000, 1)
	})
	b.Run("one of 1000 ranges", func(b *testing.B) {
		benchWatchers(b, func(i int) (string, string) { return name(i), name(i + 1) }, 1000, 1)
	})
}

func BenchmarkWatchHistory(b *testing.B) {
	s, keys := benchStore()
	rnd := sim.NewRand(7, "bench")
	for range 1000 {
		s.Apply(0, putProposal(keys[rnd.Intn(len(keys))], "new"))
	}
	start := s.Revision() - 999
	ws := NewWatchers(s)
	b.ReportAllocs()
	for b.Loop() {
		st := ws.Open(0)
		st.Watch(&store.WatchRequest{Key: "\x00", RangeEnd: "\x00", StartRevision: start})
		ws.Sync()
		if got := drain(st); len(got) != 2 || len(got[1].Events) != 1000 {
			b.Fatal("events are missing")
		}
		st.Close()
	}
}
