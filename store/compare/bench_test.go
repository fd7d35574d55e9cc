package compare

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/pkg/v3/traceutil"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	etcdmvcc "go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.uber.org/zap"

	"etcdsim/store"
	"etcdsim/store/mvcc"
)

var keyCount = flag.Int("keys", 100_000, "keys in the stores of benchmarks")

const (
	value    = "value-of-16-byte"
	watchers = 1000
)

// pair is the two stores that a benchmark compares, with the same keys in them: etcd's,
// on bbolt in a file that is never synced, and ours. Both are asked at the level of
// storage, without protobuf around it.
type pair struct {
	etcd  etcdmvcc.WatchableKV
	back  backend.Backend
	ours  *mvcc.Store
	index uint64 // of the last entry that ours applied
	keys  []string
	rnd   *rand.Rand
}

func newPair(b *testing.B) *pair {
	cfg := backend.DefaultBackendConfig(zap.NewNop())
	dir, err := os.MkdirTemp("", "etcd")
	if err != nil {
		b.Fatal(err)
	}
	cfg.Path, cfg.UnsafeNoFsync = filepath.Join(dir, "db"), true
	p := &pair{back: backend.New(cfg), ours: mvcc.New(mvcc.Config{}), rnd: rand.New(rand.NewPCG(1, 1))}
	p.etcd = etcdmvcc.New(zap.NewNop(), p.back, &lease.FakeLessor{}, etcdmvcc.StoreConfig{})
	b.Cleanup(func() {
		p.etcd.Close()
		p.back.Close()
		os.RemoveAll(dir)
	})
	for i := range *keyCount {
		p.keys = append(p.keys, fmt.Sprintf("/registry/pods/%08d", i))
	}
	return p
}

// fill puts all keys into both stores, in random order as a log has them.
func (p *pair) fill() *pair {
	p.fillEtcd()
	p.fillOurs()
	return p
}

func (p *pair) shuffled() []string {
	keys := slices.Clone(p.keys)
	p.rnd.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys
}

func (p *pair) fillEtcd() {
	for _, key := range p.shuffled() {
		p.etcd.Put([]byte(key), []byte(value), lease.NoLease)
	}
	p.etcd.Commit()
}

// fillOurs decodes each proposal, as a member does: so the store holds bytes of its own.
func (p *pair) fillOurs() {
	for _, key := range p.shuffled() {
		entry := store.AppendProposal(nil, &store.Proposal{Request: &store.PutRequest{Key: key, Value: value}})
		decoded, err := store.DecodeProposal(entry)
		if err != nil {
			panic(err)
		}
		p.apply(decoded.Request)
	}
}

func (p *pair) apply(req store.Request) store.Result {
	p.index++
	resp := p.ours.Apply(p.index, &store.Proposal{Request: req})
	if resp.Err != nil {
		panic(resp.Err)
	}
	return resp.Result
}

// some returns random keys, in bytes of their own as a request has them that was just
// decoded.
func (p *pair) some(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = strings.Clone(p.keys[p.rnd.IntN(len(p.keys))])
	}
	return keys
}

func toBytes(keys []string) [][]byte {
	list := make([][]byte, len(keys))
	for i, key := range keys {
		list[i] = []byte(key)
	}
	return list
}

// turn is how long one side goes on, at least, before it is the other's turn: long
// enough for its data to be in the caches again.
const turn = 20 * time.Millisecond

// race lets both sides do the same n operations over and over, by turns, and reports the
// median time of an operation of each, and how many times faster ours is. What disturbs
// the machine disturbs both; and time is the processor's that this process took, so that
// waiting for a processor does not count.
func race(b *testing.B, n int, etcd, ours func(i int)) {
	var times [2][]float64
	for b.Loop() {
		for side, do := range []func(int){etcd, ours} {
			took, done := time.Duration(0), 0
			for begun := processorTime(); took < turn; took = processorTime() - begun {
				for i := range n {
					do(i)
				}
				done += n
			}
			times[side] = append(times[side], float64(took.Nanoseconds())/float64(done))
		}
	}
	var median [2]float64
	for side := range times {
		slices.Sort(times[side])
		median[side] = times[side][len(times[side])/2]
	}
	b.ReportMetric(0, "ns/op") // of both together: it says nothing
	b.ReportMetric(median[0], "etcd-ns")
	b.ReportMetric(median[1], "ours-ns")
	b.ReportMetric(median[0]/median[1], "times-faster")
}

// processorTime is what this process, with all its threads, has taken of processors.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func BenchmarkPut(b *testing.B) {
	p := newPair(b).fill()
	keys := p.some(2000)
	raw, v := toBytes(keys), []byte(value)
	puts := make([]*store.PutRequest, len(keys))
	for i, key := range keys {
		puts[i] = &store.PutRequest{Key: key, Value: value}
	}
	race(b, len(keys),
		func(i int) { p.etcd.Put(raw[i], v, lease.NoLease) },
		func(i int) { p.apply(puts[i]) })
}

func BenchmarkPointRead(b *testing.B) {
	p := newPair(b).fill()
	keys := p.some(10_000)
	raw := toBytes(keys)
	reads := make([]*store.RangeRequest, len(keys))
	for i, key := range keys {
		reads[i] = &store.RangeRequest{Key: key}
	}
	race(b, len(keys),
		func(i int) { p.expect(b, 1, raw[i], nil) },
		func(i int) {
			if len(p.ours.Read(reads[i]).Result.(*store.RangeResult).KVs) != 1 {
				b.Fatal("ours has lost a key")
			}
		})
}

// expect reads so many keys from etcd.
func (p *pair) expect(b *testing.B, n int, key, end []byte) {
	if r, err := p.etcd.Range(b.Context(), key, end, etcdmvcc.RangeOptions{}); err != nil || len(r.KVs) != n {
		b.Fatalf("etcd answers with %d keys: %v", len(r.KVs), err)
	}
}

func BenchmarkRange100(b *testing.B) {
	p := newPair(b).fill()
	var from, to [][]byte
	var reads []*store.RangeRequest
	for range 500 {
		i := p.rnd.IntN(len(p.keys) - 100)
		key, end := strings.Clone(p.keys[i]), strings.Clone(p.keys[i+100])
		from, to = append(from, []byte(key)), append(to, []byte(end))
		reads = append(reads, &store.RangeRequest{Key: key, RangeEnd: end})
	}
	race(b, len(reads),
		func(i int) { p.expect(b, 100, from[i], to[i]) },
		func(i int) {
			if len(p.ours.Read(reads[i]).Result.(*store.RangeResult).KVs) != 100 {
				b.Fatal("ours has lost keys")
			}
		})
}

// BenchmarkTxn does transactions with one guard, two puts and two reads.
func BenchmarkTxn(b *testing.B) {
	p := newPair(b).fill()
	keys := p.some(1001)
	raw, v := toBytes(keys), []byte(value)
	txns := make([]*store.TxnRequest, len(keys)-1)
	for i := range txns {
		txns[i] = &store.TxnRequest{
			Compare: []store.Compare{{Target: store.CompareVersion, Result: store.CompareGreater, Key: keys[i]}},
			Success: []store.Op{
				&store.PutRequest{Key: keys[i], Value: value}, &store.PutRequest{Key: keys[i+1], Value: value},
				&store.RangeRequest{Key: keys[i]}, &store.RangeRequest{Key: keys[i+1]},
			},
		}
	}
	race(b, len(txns),
		func(i int) {
			txn := p.etcd.Write(traceutil.TODO())
			for j, key := range [][]byte{raw[i], raw[i+1], raw[i], raw[i+1], raw[i]} {
				if j == 1 || j == 2 {
					txn.Put(key, v, lease.NoLease)
				} else if _, err := txn.Range(b.Context(), key, nil, etcdmvcc.RangeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			txn.End()
		},
		func(i int) {
			if !p.apply(txns[i]).(*store.TxnResult).Succeeded {
				b.Fatal("ours has lost a key")
			}
		})
}

// BenchmarkFanOut puts a key that so many clients watch, each on a stream of its own,
// and lets each of them take the event.
func BenchmarkFanOut(b *testing.B) {
	p := newPair(b).fill()
	key := p.keys[len(p.keys)/2]
	put := &store.PutRequest{Key: key, Value: value}
	all := mvcc.NewWatchers(p.ours)
	var theirs []etcdmvcc.WatchStream
	var mine []*mvcc.Stream
	for range watchers {
		ws := p.etcd.NewWatchStream()
		defer ws.Close()
		if _, err := ws.Watch(b.Context(), 0, []byte(key), nil, 0); err != nil {
			b.Fatal(err)
		}
		theirs = append(theirs, ws)
		st := all.Open(0)
		st.Watch(&store.WatchRequest{Key: key})
		st.Next() // that it was created
		mine = append(mine, st)
	}
	race(b, 10,
		func(int) {
			p.etcd.Put([]byte(key), []byte(value), lease.NoLease)
			for _, ws := range theirs {
				if r := <-ws.Chan(); len(r.Events) != 1 || r.Events[0].Type != mvccpb.Event_PUT {
					b.Fatal("etcd sends no event")
				}
			}
		},
		func(int) {
			p.apply(put)
			for _, st := range mine {
				if r, ok := st.Next(); !ok || len(r.Events) != 1 {
					b.Fatal("ours sends no event")
				}
			}
		})
}

// BenchmarkMemory reports the heap that a key takes, with its own 22 bytes and the 16 of
// its value. Of etcd's that is the index alone; the rest is in the file.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		p := newPair(b)
		shuffled := p.shuffled() // both draw again: what drawing takes must not count
		before := heap()
		p.fillEtcd()
		between := heap()
		p.fillOurs()
		after := heap()
		n := float64(len(shuffled))
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(between-before)/n, "etcd-heap-B/key")
		b.ReportMetric(float64(p.back.Size())/n, "etcd-file-B/key")
		b.ReportMetric(float64(after-between)/n, "ours-heap-B/key")
		runtime.KeepAlive(p)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one finalized
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
