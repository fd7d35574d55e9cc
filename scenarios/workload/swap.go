package workload

import (
	"strconv"
	"strings"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// Clients that read, think, and write only if nothing has changed since: what most
// applications do with etcd. Each remembers what it was told, and tries again with
// what it learned when somebody was faster.

// swapper is a client that compares and swaps.
type swapper struct {
	holder
}

func (l *Load) swapper(s *Session) swapper {
	return swapper{holder{load: l, s: s, dice: dice{load: l, s: s}}}
}

// entry is a key-value as a client knows it.
type entry struct {
	value string
	// mod is the revision that wrote it, 0 if there is none.
	mod int64
}

// read reads a key. ok is false if there was no answer.
func (w *swapper) read(key string) (e entry, ok bool) {
	op := w.do(Get, w.dice.read(key, ""))
	return entryOf(op.Response.Result), op.Outcome == history.OK
}

func entryOf(r store.Result) entry {
	res, ok := r.(*store.RangeResult)
	if !ok || len(res.KVs) == 0 {
		return entry{}
	}
	return entry{res.KVs[0].Value, res.KVs[0].ModRevision}
}

// unchanged compares a key with what is known of it.
func unchanged(key string, e entry) store.Compare {
	return store.Compare{Key: key, Target: store.CompareMod, Result: store.CompareEqual, Num: e.mod}
}

// update changes a key until nobody is faster, as often as a client would.
func (w *swapper) update(key string, change func(value string) string) {
	e, ok := w.read(key)
	for tries := 0; ok && tries < 4; tries++ {
		op := w.do(Txn, &store.TxnRequest{
			Compare: []store.Compare{unchanged(key, e)},
			Success: []store.Op{&store.PutRequest{Key: key, Value: change(e.value)}},
			Failure: []store.Op{&store.RangeRequest{Key: key}},
		})
		res, answered := op.Response.Result.(*store.TxnResult)
		if !answered || res.Succeeded {
			return // done, or nobody knows
		}
		e = entryOf(res.Responses[0].Result)
	}
}

// counters is the life of a client that adds to counters. What is counted twice or
// not at all shows in the value.
func (l *Load) counters(s *Session) {
	for w := l.swapper(s); !w.over; w.think() {
		w.update(w.dice.key(), func(value string) string {
			n, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				n = 0 // it begins
			}
			return strconv.FormatUint(n+1, 10)
		})
	}
}

// listMax is how long a list grows before it begins anew.
const listMax = 24

// appends is the life of a client that appends to lists. Each element is appended
// once in a run, so that a list tells in which order writes took effect.
func (l *Load) appends(s *Session) {
	for w := l.swapper(s); !w.over; w.think() {
		if s.rand.Intn(2) == 0 {
			w.read(w.dice.key())
			continue
		}
		element := w.dice.value()
		w.update(w.dice.key(), func(value string) string {
			if value == "" || strings.Count(value, ",") >= listMax-1 {
				return element
			}
			return value + "," + element
		})
	}
}

// balance is what an account holds before the first transfer, when it has no key.
const balance = 100

// transfers is the life of a client of a bank: it reads two accounts, and moves
// something from one to the other if neither has changed. Others add up all accounts.
func (l *Load) transfers(s *Session) {
	for w := l.swapper(s); !w.over; w.think() {
		if s.rand.Intn(3) == 0 || len(l.keys) < 2 {
			w.do(Range, w.dice.read(l.cfg.Prefix, l.end))
			continue
		}
		i := s.rand.Intn(len(l.keys))
		j := (i + 1 + s.rand.Intn(len(l.keys)-1)) % len(l.keys)
		from, to := l.keys[i], l.keys[j]
		a, ok := w.read(from)
		b, alsoOK := w.read(to)
		amount := 1 + s.rand.Intn(balance/4)
		if !ok || !alsoOK || holds(a) < amount {
			continue
		}
		w.do(Txn, &store.TxnRequest{
			Compare: []store.Compare{unchanged(from, a), unchanged(to, b)},
			Success: []store.Op{
				&store.PutRequest{Key: from, Value: strconv.Itoa(holds(a) - amount)},
				&store.PutRequest{Key: to, Value: strconv.Itoa(holds(b) + amount)},
			},
		})
	}
}

// holds is what is on an account.
func holds(e entry) int {
	n, err := strconv.Atoi(e.value)
	if err != nil {
		return balance
	}
	return n
}

// queue is the life of a client that puts items into a queue, or takes them out, in
// the order in which they came. What is lost or taken twice shows in the store.
func (l *Load) queue(s *Session) {
	for w := l.swapper(s); !w.over; w.think() {
		name := w.dice.key()
		if s.rand.Intn(2) == 0 {
			item := name + "/" + w.dice.value()
			w.do(Txn, &store.TxnRequest{
				Compare: []store.Compare{unchanged(item, entry{})},
				Success: []store.Op{&store.PutRequest{Key: item, Value: item}},
			})
			continue
		}
		w.takeItem(name)
	}
}

// takeItem takes the oldest item of a queue, if there is one and nobody is faster.
func (w *swapper) takeItem(name string) {
	prefix, end := store.QueuePrefix(name)
	q := w.dice.read(prefix, end)
	q.SortTarget, q.SortOrder, q.Limit = store.SortByCreate, store.SortAscend, 1
	op := w.do(Range, q)
	res, ok := op.Response.Result.(*store.RangeResult)
	if !ok || len(res.KVs) == 0 {
		return
	}
	kv := res.KVs[0]
	w.do(Txn, &store.TxnRequest{
		Compare: []store.Compare{unchanged(kv.Key, entry{kv.Value, kv.ModRevision})},
		Success: []store.Op{&store.DeleteRangeRequest{Key: kv.Key}},
	})
}
