package workload

import (
	"strconv"
	"strings"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// dice draws the requests of one client, from the client's own stream.
type dice struct {
	load *Load
	s    *Session
	// seen holds the mod revision at which this client last saw each key, 0 where
	// it saw none: what a client that compares and swaps knows.
	seen []int64
	// newest is the highest revision that this client was told.
	newest int64
}

// draw returns the next request.
func (d *dice) draw() (Kind, store.Request) {
	kind := Kind(draw(d.load.cfg.Mix[:], &d.s.rand))
	return kind, d.request(kind)
}

func (d *dice) request(kind Kind) store.Request {
	l, r, slab := d.load, &d.s.rand, &d.s.cs.requests
	switch kind {
	case Put:
		p := slab.puts.New()
		p.Key, p.Value = d.key(), d.value()
		return p
	case Get:
		return d.read(d.key(), "")
	case Range:
		q := d.read(l.cfg.Prefix, l.end)
		if r.Intn(4) == 0 {
			q.Limit = int64(1 + r.Intn(len(l.keys)))
		}
		return q
	case Count:
		q := d.read(l.cfg.Prefix, l.end)
		q.CountOnly = true
		return q
	case Past:
		return d.readPast()
	case TxnPast:
		return &store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: d.key(), Value: d.value()}, d.readPast()}}
	case Ahead:
		q := d.read(d.key(), "")
		q.Revision = d.newest + int64(r.Below(aheadMax))
		return q
	case Delete:
		return &store.DeleteRangeRequest{Key: d.key()}
	case Clear:
		i := r.Intn(len(l.keys))
		return &store.DeleteRangeRequest{Key: l.keys[i], RangeEnd: l.end}
	case Txn:
		return d.txn()
	}
	panic("workload: no request of kind " + strconv.Itoa(int(kind)))
}

// txn draws one of the things applications do with transactions.
func (d *dice) txn() *store.TxnRequest {
	r := &d.s.rand
	i := r.Intn(len(d.load.keys))
	key := d.load.keys[i]
	other := d.load.keys[(i+1)%len(d.load.keys)]
	switch shape := r.Intn(4); {
	case shape == 0 && other != key:
		// Two keys at once: a reader must never see one without the other.
		return &store.TxnRequest{Success: []store.Op{
			&store.PutRequest{Key: key, Value: d.value()},
			&store.PutRequest{Key: other, Value: d.value()},
		}}
	case shape == 1 && other != key:
		// Move: if the key exists, it goes and the other comes.
		return &store.TxnRequest{
			Compare: []store.Compare{{Target: store.CompareVersion, Result: store.CompareGreater, Key: key}},
			Success: []store.Op{&store.DeleteRangeRequest{Key: key}, &store.PutRequest{Key: other, Value: d.value()}},
			Failure: []store.Op{&store.RangeRequest{Key: other}},
		}
	}
	// Compare and swap: the key is as this client last saw it.
	return &store.TxnRequest{
		Compare: []store.Compare{{Target: store.CompareMod, Result: store.CompareEqual, Key: key, Num: d.seen[i]}},
		Success: []store.Op{&store.PutRequest{Key: key, Value: d.value()}},
		Failure: []store.Op{&store.RangeRequest{Key: key}},
	}
}

// readPast returns a read of one key at a revision that this client was told of, or
// an older one.
func (d *dice) readPast() *store.RangeRequest {
	q := d.read(d.key(), "")
	if d.newest > 0 {
		q.Revision = 1 + int64(d.s.rand.Below(uint64(d.newest)))
	}
	return q
}

// read returns a read of keys, serializable in the load's share.
func (d *dice) read(key, end string) *store.RangeRequest {
	q := d.s.cs.requests.ranges.New()
	q.Key, q.RangeEnd = key, end
	q.Serializable = d.s.rand.Hit(d.load.cfg.Serializable)
	return q
}

func (d *dice) key() string { return d.load.keys[d.s.rand.Intn(len(d.load.keys))] }

// value returns a value that is written only once in the run.
func (d *dice) value() string {
	v := strconv.FormatUint(d.s.cs.value(), 10)
	if missing := int(d.load.cfg.ValueBytes) - len(v); missing > 0 {
		v += strings.Repeat(".", missing)
	}
	return v
}

// learn remembers what an answer told.
func (d *dice) learn(op *history.Op) {
	if op.Outcome != history.OK {
		return
	}
	d.newest = max(d.newest, op.Response.Revision)
	d.learnFrom(op.Request, &op.Response)
}

func (d *dice) learnFrom(req store.Request, resp *store.Response) {
	switch req := req.(type) {
	case *store.PutRequest:
		d.saw(req.Key, resp.Revision)
	case *store.RangeRequest:
		res, ok := resp.Result.(*store.RangeResult)
		if !ok || req.Revision != 0 || req.Serializable {
			return
		}
		if req.RangeEnd == "" && len(res.KVs) == 0 {
			d.saw(req.Key, 0)
		}
		for i := range res.KVs {
			d.saw(res.KVs[i].Key, res.KVs[i].ModRevision)
		}
	case *store.TxnRequest:
		res, ok := resp.Result.(*store.TxnResult)
		if !ok {
			return
		}
		ops := req.Failure
		if res.Succeeded {
			ops = req.Success
		}
		for i := range res.Responses {
			d.learnFrom(ops[i], &res.Responses[i])
		}
	}
}

// saw remembers the mod revision of a key of the load.
func (d *dice) saw(key string, mod int64) {
	n, err := strconv.Atoi(strings.TrimPrefix(key, d.load.cfg.Prefix))
	if err == nil && n >= 1 && n <= len(d.seen) {
		d.seen[n-1] = mod
	}
}

// requests are slabs that requests are cut from: a request is referred to from
// the history until the end, so that one allocation serves many.
type requests struct {
	puts   sim.Slab[store.PutRequest]
	ranges sim.Slab[store.RangeRequest]
}
