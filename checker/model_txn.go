package checker

import (
	"cmp"
	"strings"

	"etcdsim/store"
)

// txn answers a transaction in etcd's three steps: all comparisons, nested ones
// included, look at the state before; then every operation of the chosen path is
// checked against that state; only then are they done, and none can fail.
func (e *edit) txn(r *store.TxnRequest) (store.Response, *store.Error) {
	root := &txnPath{}
	root.choose(e, r)
	if err := root.check(e); err != nil {
		return store.Response{}, err
	}
	return store.Response{Revision: e.rev(), Result: root.run(e)}, nil
}

// txnPath is the path that a transaction takes: which branch, and within it the
// paths of the nested transactions, in order.
type txnPath struct {
	succeeded bool
	ops       []store.Op
	nested    []*txnPath
}

func (p *txnPath) choose(e *edit, r *store.TxnRequest) {
	p.succeeded, p.ops = true, r.Success
	for i := range r.Compare {
		if !e.holds(&r.Compare[i]) {
			p.succeeded, p.ops = false, r.Failure
			break
		}
	}
	for _, op := range p.ops {
		if t, ok := op.(*store.TxnRequest); ok {
			below := &txnPath{}
			below.choose(e, t)
			p.nested = append(p.nested, below)
		}
	}
}

func (p *txnPath) check(e *edit) *store.Error {
	nested := p.nested
	for _, op := range p.ops {
		var err *store.Error
		switch op := op.(type) {
		case *store.RangeRequest:
			err = checkRangeInTxn(e.before, op.Revision)
		case *store.PutRequest:
			err = e.checkPut(op)
		case *store.TxnRequest:
			err = nested[0].check(e)
			nested = nested[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkRangeInTxn differs from the check of a plain range: a negative revision
// does not mean the present.
func checkRangeInTxn(s *state, rev int64) *store.Error {
	switch {
	case rev == 0:
		return nil
	case rev > s.rev():
		return store.ErrFutureRevision
	case rev < s.compacted:
		return store.ErrCompacted
	}
	return nil
}

func (p *txnPath) run(e *edit) *store.TxnResult {
	result := &store.TxnResult{Succeeded: p.succeeded, Responses: make([]store.Response, len(p.ops))}
	nested := p.nested
	for i, op := range p.ops {
		switch op := op.(type) {
		case *store.RangeRequest:
			result.Responses[i], _ = e.rangeKeys(op, &store.RangeResult{}) // checked before
		case *store.PutRequest:
			result.Responses[i] = e.put(op)
		case *store.DeleteRangeRequest:
			result.Responses[i] = e.deleteRange(op)
		case *store.TxnRequest:
			// The header of a nested transaction stays empty in etcd.
			result.Responses[i] = store.Response{Result: nested[0].run(e)}
			nested = nested[1:]
		}
	}
	return result
}

// holds reports whether a comparison holds: for every key of its range, or on a
// missing key for one whose numbers are all 0. A missing key has no value, and
// no comparison of values holds for it.
func (e *edit) holds(c *store.Compare) bool {
	found, all := false, true
	e.before.now.root.ascend(c.Key, c.RangeEnd, func(kv *store.KeyValue) {
		found = true
		all = all && holdsFor(c, kv)
	})
	if !found {
		return c.Target != store.CompareValue && holdsFor(c, &store.KeyValue{})
	}
	return all
}

func holdsFor(c *store.Compare, kv *store.KeyValue) bool {
	var order int
	switch c.Target {
	case store.CompareValue:
		order = strings.Compare(kv.Value, c.Value)
	case store.CompareCreate:
		order = cmp.Compare(kv.CreateRevision, c.Num)
	case store.CompareMod:
		order = cmp.Compare(kv.ModRevision, c.Num)
	case store.CompareVersion:
		order = cmp.Compare(kv.Version, c.Num)
	case store.CompareLease:
		order = cmp.Compare(kv.Lease, c.Num)
	}
	switch c.Result {
	case store.CompareEqual:
		return order == 0
	case store.CompareNotEqual:
		return order != 0
	case store.CompareGreater:
		return order > 0
	case store.CompareLess:
		return order < 0
	}
	return true
}
