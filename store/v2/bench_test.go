package v2store

import (
	"fmt"
	"testing"

	"etcdsim/store"
)

// benchKeys is how many files, in directories of a hundred, a store of a
// benchmark has.
const benchKeys = 10_000

func benchStore() (*Store, []string) {
	s := New()
	paths := make([]string, benchKeys)
	for i := range paths {
		paths[i] = fmt.Sprintf("/app/%02d/key%02d", i/100%100, i%100)
		s.Apply(Command{Method: MethodPut, Path: paths[i], Value: "some value", Time: Epoch})
	}
	return s, paths
}

func BenchmarkApply(b *testing.B) {
	for _, bm := range []struct {
		name    string
		command Command
	}{
		{"set", Command{Method: MethodPut, Value: "v"}},
		{"set-ttl", Command{Method: MethodPut, Value: "v", Expiration: Epoch.add(60)}},
		{"swap", Command{Method: MethodPut, Value: "some value", PrevValue: "some value"}},
		{"read", Command{Method: MethodQGet}},
		{"refused", Command{Method: MethodPut, PrevValue: "other"}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			s, paths := benchStore()
			c := bm.command
			c.Time = Epoch
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				c.Path = paths[i*7919%benchKeys]
				s.Apply(c)
				i++
			}
		})
	}
}

// BenchmarkQueue adds to one directory that grows, as job queues do.
func BenchmarkQueue(b *testing.B) {
	s := New()
	b.ReportAllocs()
	for b.Loop() {
		s.Apply(Command{Method: MethodPost, Path: "/queue", Value: "job", Time: Epoch})
	}
}

// BenchmarkWatched sets a key that a hundred recursive streams hear of.
func BenchmarkWatched(b *testing.B) {
	s, paths := benchStore()
	ws := make([]*Watcher, 100)
	for i := range ws {
		w, err := s.Watch("/app", true, true, 0)
		if err != nil {
			b.Fatal(err)
		}
		ws[i] = w
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Apply(Command{Method: MethodPut, Path: paths[0], Value: "v", Time: Epoch})
		for _, w := range s.Ready() {
			w.Next()
		}
	}
}

// BenchmarkScan looks through the whole history in vain.
func BenchmarkScan(b *testing.B) {
	s, _ := benchStore()
	b.ReportAllocs()
	for b.Loop() {
		w, err := s.Watch("/elsewhere", true, false, s.Index()-HistorySize+1)
		if err != nil {
			b.Fatal(err)
		}
		s.Cancel(w)
	}
}

func BenchmarkWhole(b *testing.B) {
	s, _ := benchStore()
	snapshot := s.Snapshot()
	perKey := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchKeys, "ns/key")
	}
	b.Run("snapshot", func(b *testing.B) {
		for b.Loop() {
			s.Snapshot()
		}
		perKey(b)
		b.ReportMetric(float64(len(snapshot))/benchKeys, "bytes/key")
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := Restore(snapshot); err != nil {
				b.Fatal(err)
			}
		}
		perKey(b)
	})
	b.Run("clone", func(b *testing.B) {
		for b.Loop() {
			s.Clone()
		}
		perKey(b)
	})
	b.Run("hash", func(b *testing.B) {
		for b.Loop() {
			s.Hash()
		}
		perKey(b)
	})
	b.Run("list", func(b *testing.B) {
		var body []byte
		for b.Loop() {
			body = s.Get("/", true, Epoch).Event.AppendJSON(body[:0])
		}
		perKey(b)
	})
}

func BenchmarkHTTP(b *testing.B) {
	s, _ := benchStore()
	r := &store.HTTPRequest{Method: "PUT", Path: "/v2/keys/app/00/key00", Query: "prevExist=true", Body: "value=some+value"}
	b.ReportAllocs()
	for b.Loop() {
		call := Parse(r, Epoch, Member{})
		call.Serve(s, Epoch, Member{})
	}
}

func BenchmarkCommand(b *testing.B) {
	c := Command{Method: MethodPut, Path: "/app/00/key00", Value: "some value", PrevIndex: 12345, Time: Epoch, Expiration: Epoch}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = c.Append(buf[:0])
		if _, err := DecodeCommand(buf); err != nil {
			b.Fatal(err)
		}
	}
}
