package mvcc

import (
	"cmp"

	"etcdsim/store"
)

// applyTxn does a transaction in etcd's three steps: first all comparisons are
// decided, those of nested transactions included, then the operations on the
// chosen path are checked, and only if none must be refused they are done. So the
// comparisons and checks see nothing of what the transaction itself writes.
func (s *Store) applyTxn(req *store.TxnRequest) store.Response {
	s.paths = s.choose(s.paths[:0], req)
	if err, _ := s.checkTxn(req, s.paths); err != nil {
		return s.refuse(err)
	}
	result, _ := s.execute(req, s.paths)
	resp := store.Response{Revision: s.present(), Result: result}
	s.commit()
	return resp
}

// choose appends the path that req takes, and those of the transactions nested
// on that path, in the order of their appearance.
func (s *Store) choose(paths []bool, req *store.TxnRequest) []bool {
	taken := s.compareAll(req.Compare)
	paths = append(paths, taken)
	for _, op := range path(req, taken) {
		if nested, ok := op.(*store.TxnRequest); ok {
			paths = s.choose(paths, nested)
		}
	}
	return paths
}

func path(req *store.TxnRequest, taken bool) []store.Op {
	if taken {
		return req.Success
	}
	return req.Failure
}

func (s *Store) compareAll(compares []store.Compare) bool {
	for i := range compares {
		if !s.compare(&compares[i]) {
			return false
		}
	}
	return true
}

// compare decides one guard.
func (s *Store) compare(c *store.Compare) bool {
	if c.RangeEnd == "" {
		return holds(c, s.lookup(c.Key))
	}
	empty := true
	for sc := s.scan(c.Key, c.RangeEnd); len(sc.ids) > 0; sc.next() {
		for _, id := range sc.ids {
			if p := s.placeAt(id, s.present()); p != 0 {
				if empty = false; !holds(c, s.table.at(p)) {
					return false
				}
			}
		}
	}
	return !empty || holds(c, s.table.at(0))
}

// missing is what a key without a live version is compared as.
var missing store.KeyValue

// holds decides a guard for one key. No value equals, exceeds or differs from
// that of a missing key; its numbers are 0.
func holds(c *store.Compare, ver *version) bool {
	kv := &ver.kv
	if !ver.live() {
		if c.Target == store.CompareValue {
			return false
		}
		kv = &missing
	}
	var order int
	switch c.Target {
	case store.CompareVersion:
		order = cmp.Compare(kv.Version, c.Num)
	case store.CompareCreate:
		order = cmp.Compare(kv.CreateRevision, c.Num)
	case store.CompareMod:
		order = cmp.Compare(kv.ModRevision, c.Num)
	case store.CompareValue:
		order = cmp.Compare(kv.Value, c.Value)
	case store.CompareLease:
		order = cmp.Compare(kv.Lease, c.Num)
	}
	switch c.Result {
	case store.CompareEqual:
		return order == 0
	case store.CompareGreater:
		return order > 0
	case store.CompareLess:
		return order < 0
	case store.CompareNotEqual:
		return order != 0
	}
	return true // an unknown relation, as in etcd
}

// checkTxn refuses a transaction if an operation on the chosen path must be
// refused. It returns the paths that belong to what follows.
func (s *Store) checkTxn(req *store.TxnRequest, paths []bool) (*store.Error, []bool) {
	taken, paths := paths[0], paths[1:]
	for _, op := range path(req, taken) {
		var err *store.Error
		switch op := op.(type) {
		case *store.RangeRequest:
			err = s.checkRevision(op.Revision)
		case *store.PutRequest:
			err = s.checkPut(op)
		case *store.TxnRequest:
			err, paths = s.checkTxn(op, paths)
		}
		if err != nil {
			return err, nil
		}
	}
	return nil, paths
}

// checkRevision refuses revisions that a range inside a transaction cannot read.
// Unlike outside, a negative one is compacted.
func (s *Store) checkRevision(rev int64) *store.Error {
	switch {
	case rev == 0:
		return nil
	case rev > s.rev:
		return store.ErrFutureRevision
	case rev < s.compacted:
		return store.ErrCompacted
	}
	return nil
}

// execute does the operations on the chosen path. It returns the paths that
// belong to what follows.
func (s *Store) execute(req *store.TxnRequest, paths []bool) (*store.TxnResult, []bool) {
	taken, paths := paths[0], paths[1:]
	ops := path(req, taken)
	res := &store.TxnResult{Succeeded: taken}
	if len(ops) > 0 {
		res.Responses = make([]store.Response, len(ops))
	}
	for i, op := range ops {
		resp := &res.Responses[i]
		switch op := op.(type) {
		case *store.RangeRequest:
			*resp = s.readRange(op)
		case *store.PutRequest:
			*resp = s.put(op)
		case *store.DeleteRangeRequest:
			*resp = s.deleteRange(op)
		case *store.TxnRequest:
			// etcd leaves the header of a nested transaction empty.
			resp.Result, paths = s.execute(op, paths)
		}
	}
	return res, paths
}
