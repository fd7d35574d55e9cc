package mvcc

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"etcdsim/sim"
	"etcdsim/store"
)

var benchKeys = flag.Int("keys", 100_000, "number of keys in the benchmarks' stores")

func benchKey(i int) string { return fmt.Sprintf("/registry/pods/%08d", i) }

// benchStore returns a store with the keys of the benchmarks, each written once,
// in random order as a member gets them from its log.
func benchStore() (*Store, []string) { return fillStore(true) }

func fillStore(shuffled bool) (*Store, []string) {
	s := New(Config{})
	keys := make([]string, *benchKeys)
	for i := range keys {
		keys[i] = benchKey(i)
	}
	order := slices.Clone(keys)
	if shuffled {
		rnd := sim.NewRand(1, "bench")
		rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	for i, key := range order {
		p, _ := store.DecodeProposal(store.AppendProposal(nil, putProposal(key, "value-of-16-byte")))
		s.Apply(uint64(i+1), p)
	}
	return s, keys
}

func putProposal(key, value string) *store.Proposal {
	return &store.Proposal{Request: &store.PutRequest{Key: key, Value: value}}
}

func BenchmarkPutNew(b *testing.B) {
	keys := make([]*store.Proposal, *benchKeys)
	for i := range keys {
		keys[i] = putProposal(benchKey(i), "value-of-16-byte")
	}
	rnd := sim.NewRand(1, "bench")
	rnd.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	s := New(Config{})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i == len(keys) {
			i = 0
			s = New(Config{})
		}
		s.Apply(0, keys[i])
		i++
	}
}

func BenchmarkPut(b *testing.B) {
	s, keys := benchStore()
	rnd := sim.NewRand(2, "bench")
	p := make([]*store.Proposal, 1<<16)
	for i := range p {
		p[i] = putProposal(keys[rnd.Intn(len(keys))], "value-of-16-byte")
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if i++; i%(1<<20) == 0 {
			s.Apply(0, &store.Proposal{Request: &store.CompactionRequest{Revision: s.Revision()}})
		}
		s.Apply(0, p[i&(1<<16-1)])
	}
}

func BenchmarkPutDecoded(b *testing.B) {
	s, keys := benchStore()
	rnd := sim.NewRand(2, "bench")
	p := make([][]byte, 1<<16)
	for i := range p {
		prop := putProposal(keys[rnd.Intn(len(keys))], "value-of-16-byte")
		prop.ID = 1000 + uint64(i)
		p[i] = store.AppendProposal(nil, prop)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		prop, err := store.DecodeProposal(p[i&(1<<16-1)])
		if err != nil {
			b.Fatal(err)
		}
		s.Apply(0, prop)
	}
}

func benchGet(b *testing.B, rev int64) {
	s, keys := benchStore()
	rnd := sim.NewRand(3, "bench")
	if rev != 0 {
		for range 3 * len(keys) {
			s.Apply(0, putProposal(keys[rnd.Intn(len(keys))], "value-of-16-byte"))
		}
		rev = s.Revision() / 2
	}
	req := make([]*store.RangeRequest, 1<<16)
	for i := range req {
		req[i] = &store.RangeRequest{Key: strings.Clone(keys[rnd.Intn(len(keys))]), Revision: rev}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		resp := s.Read(req[i&(1<<16-1)])
		if len(resp.Result.(*store.RangeResult).KVs) != 1 {
			b.Fatal("key not found")
		}
	}
}

func BenchmarkGet(b *testing.B)    { benchGet(b, 0) }
func BenchmarkGetOld(b *testing.B) { benchGet(b, 1) }

func BenchmarkRange100(b *testing.B) {
	b.Run("written=shuffled", func(b *testing.B) { benchRange(b, true) })
	b.Run("written=ascending", func(b *testing.B) { benchRange(b, false) })
}

func benchRange(b *testing.B, shuffled bool) {
	s, keys := fillStore(shuffled)
	rnd := sim.NewRand(4, "bench")
	req := make([]*store.RangeRequest, 1<<12)
	for i := range req {
		k := rnd.Intn(len(keys) - 100)
		req[i] = &store.RangeRequest{Key: keys[k], RangeEnd: keys[k+100]}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		resp := s.Read(req[i&(1<<12-1)])
		if len(resp.Result.(*store.RangeResult).KVs) != 100 {
			b.Fatal("keys not found")
		}
	}
}

func BenchmarkTxn(b *testing.B) {
	s, keys := benchStore()
	rnd := sim.NewRand(5, "bench")
	p := make([]*store.Proposal, 1<<14)
	for i := range p {
		k := keys[rnd.Intn(len(keys))]
		p[i] = &store.Proposal{Request: &store.TxnRequest{
			Compare: []store.Compare{{Target: store.CompareVersion, Result: store.CompareGreater, Key: k}},
			Success: []store.Op{
				&store.PutRequest{Key: k, Value: "value-of-16-byte"},
				&store.PutRequest{Key: keys[rnd.Intn(len(keys))], Value: "value-of-16-byte"},
				&store.RangeRequest{Key: k},
				&store.RangeRequest{Key: keys[rnd.Intn(len(keys))]},
			},
		}}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if !s.Apply(0, p[i&(1<<14-1)]).Result.(*store.TxnResult).Succeeded {
			b.Fatal("comparison failed")
		}
	}
}

// BenchmarkFloorGet is a read from a plain Go map of versions, which knows one
// revision and nothing else.
func BenchmarkFloorGet(b *testing.B) {
	_, keys := benchStore()
	m := make(map[string]*version)
	order := slices.Clone(keys)
	rnd := sim.NewRand(3, "bench")
	rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, key := range order {
		key = strings.Clone(key)
		m[key] = &version{kv: store.KeyValue{Key: key}}
	}
	req := make([]*store.RangeRequest, 1<<16)
	for i := range req {
		req[i] = &store.RangeRequest{Key: strings.Clone(keys[rnd.Intn(len(keys))])}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		ver := m[req[i&(1<<16-1)].Key]
		floorAnswer = &store.RangeResult{Count: 1, KVs: []*store.KeyValue{&ver.kv}}
	}
}

var floorAnswer *store.RangeResult

// BenchmarkFloorRange100 is what it takes to look at 100 key-values that lie where a
// shuffled log puts them, and to answer with them.
func BenchmarkFloorRange100(b *testing.B) {
	rnd := sim.NewRand(1, "bench")
	places := make([]int, *benchKeys)
	for i := range places {
		places[i] = i
	}
	rnd.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	log := make([]version, *benchKeys)
	b.ReportAllocs()
	for b.Loop() {
		k := rnd.Intn(len(places) - 100)
		kvs := make([]*store.KeyValue, 100)
		for i := range kvs {
			if ver := &log[places[k+i]]; !ver.live() {
				kvs[i] = &ver.kv
			}
		}
		floorResult = kvs
	}
}

var floorResult []*store.KeyValue // on the heap, as an answer is

func BenchmarkClone(b *testing.B) {
	s, _ := benchStore()
	b.ReportAllocs()
	for b.Loop() {
		s.Clone()
	}
}

func BenchmarkEncode(b *testing.B) {
	s, _ := benchStore()
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(s.Encode())))
	}
}

func BenchmarkDecode(b *testing.B) {
	s, _ := benchStore()
	data := s.Encode()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(Config{}, data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHashKV(b *testing.B) {
	s, _ := benchStore()
	b.ReportAllocs()
	for b.Loop() {
		s.Read(&store.HashKVRequest{})
	}
}

func BenchmarkCompact(b *testing.B) {
	s, keys := benchStore()
	for _, key := range keys {
		s.Apply(0, putProposal(key, "value-of-16-byte"))
	}
	req := &store.Proposal{Request: &store.CompactionRequest{Revision: s.Revision()}}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		c := *s
		b.StartTimer()
		c.Apply(0, req)
	}
}

// BenchmarkSmall creates a store and writes the hundred keys of a usual
// simulation.
func BenchmarkSmall(b *testing.B) {
	p := make([]*store.Proposal, 100)
	for i := range p {
		p[i] = putProposal(fmt.Sprintf("k%d", i%10), "v")
	}
	b.ReportAllocs()
	for b.Loop() {
		s := New(Config{})
		for i := range p {
			s.Apply(uint64(i), p[i])
		}
	}
}

// BenchmarkMemory reports the heap that a key takes, its own bytes (22) and those
// of its value (16) included or not.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		encoded := make([][]byte, *benchKeys)
		for i := range encoded {
			encoded[i] = store.AppendProposal(nil, &store.Proposal{ID: uint64(i), Request: putProposal(benchKey(i), "value-of-16-byte").Request})
		}
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := New(Config{})
		for i := range encoded {
			p, _ := store.DecodeProposal(encoded[i])
			s.Apply(0, p)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		strings := 48 // size class of the decoded bytes, which keys and values share
		total := float64(after.HeapAlloc-before.HeapAlloc) / float64(*benchKeys)
		b.ReportMetric(total, "B/key")
		b.ReportMetric(total-float64(strings), "B/key-without-strings")
		runtime.KeepAlive(s)
		runtime.KeepAlive(encoded)
	}
}
