package conformance

import (
	"fmt"

	"etcdsim/store"
)

func (l *jsonLine) record() (Record, error) {
	r := Record{Line: l.I, Op: l.Op, Desc: l.Desc, Stream: l.Stream}
	for _, field := range l.Volatile {
		if field != "TTL" {
			return r, fmt.Errorf("unknown volatile field %q", field)
		}
		r.TTLVolatile = true
	}
	if l.Watch != nil {
		return r, l.watched(&r)
	}
	if err := l.request(&r); err != nil {
		return r, err
	}
	if l.Error == nil {
		return r, nil
	}
	r.Response = store.Response{Err: &store.Error{Text: l.Error.Message}}
	for code := range store.Code(32) {
		if code.String() == l.Error.Code {
			r.Response.Err.Code = code
			return r, nil
		}
	}
	return r, fmt.Errorf("unknown code %q", l.Error.Code)
}

func (l *jsonLine) watched(r *Record) error {
	w := l.Watch
	r.Watched = &Watched{Created: watchResponse(w.Created), Canceled: watchResponse(w.Canceled), UpTo: w.UpToRevision}
	for i := range w.Events {
		e := &w.Events[i]
		event := store.Event{Type: store.EventType(e.Type), KV: keyValue(&e.KV)}
		if e.PrevKV != nil {
			event.PrevKV = keyValue(e.PrevKV)
		}
		r.Watched.Events = append(r.Watched.Events, event)
	}
	if l.Op != "Watch" && l.Op != "WatchOpen" {
		return nil
	}
	req, err := parse[jsonWatch](l.Request)
	r.Watch = &store.WatchRequest{
		Key: string(req.Key), RangeEnd: string(req.RangeEnd), StartRevision: req.StartRevision, WatchID: req.WatchID,
		ProgressNotify: req.ProgressNotify, PrevKV: req.PrevKV, Fragment: req.Fragment,
	}
	for _, filter := range req.Filters {
		if filter == 0 {
			r.Watch.NoPut = true
		} else {
			r.Watch.NoDelete = true
		}
	}
	return err
}

func watchResponse(j *jsonWatchResponse) *store.WatchResponse {
	if j == nil {
		return nil
	}
	return &store.WatchResponse{
		Revision: j.Header.Revision, WatchID: j.WatchID, Created: j.Created, Canceled: j.Canceled,
		CompactRevision: j.CompactRevision, CancelReason: j.CancelReason,
	}
}

// request translates the request and its answer.
func (l *jsonLine) request(r *Record) (err error) {
	switch l.Op {
	case "Put":
		return translate(l, r, put, putResult)
	case "Range":
		return translate(l, r, func(j jsonRange) store.Request { return rangeRequest(&j) }, rangeResult)
	case "RangeStream":
		stream := func(j jsonRange) store.Request { return &store.RangeStreamRequest{Range: *rangeRequest(&j)} }
		return translate(l, r, stream, rangeResult)
	case "DeleteRange":
		return translate(l, r, deleteRange, deleteRangeResult)
	case "Txn":
		return translate(l, r, func(j jsonTxn) store.Request { return txn(&j) }, txnResult)
	case "Compact":
		compaction := func(j jsonCompaction) store.Request {
			return &store.CompactionRequest{Revision: j.Revision, Physical: j.Physical}
		}
		return translate(l, r, compaction, func(j jsonPutResult) store.Response { return answer(j.Header, &store.CompactionResult{}) })
	case "HashKV":
		hash := func(j jsonCompaction) store.Request { return &store.HashKVRequest{Revision: j.Revision} }
		return translate(l, r, hash, hashResult)
	}
	return translate(l, r, func(j jsonLease) store.Request { return leaseRequest(l.Op, j) },
		func(j jsonLeaseResult) store.Response { return leaseResult(l.Op, &j) })
}

func translate[Q, A any](l *jsonLine, r *Record, request func(Q) store.Request, response func(A) store.Response) error {
	q, err := parse[Q](l.Request)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	a, err := parse[A](l.Response)
	if err != nil {
		return fmt.Errorf("response: %w", err)
	}
	r.Request, r.Response = request(q), response(a)
	if r.Request == nil {
		return fmt.Errorf("unknown op %q", l.Op)
	}
	return nil
}

func answer(h jsonHeader, result store.Result) store.Response {
	return store.Response{Revision: h.Revision, Result: result}
}

func put(j jsonPut) store.Request {
	return &store.PutRequest{
		Key: string(j.Key), Value: string(j.Value), Lease: j.Lease,
		PrevKV: j.PrevKV, IgnoreValue: j.IgnoreValue, IgnoreLease: j.IgnoreLease,
	}
}

func putResult(j jsonPutResult) store.Response {
	res := new(store.PutResult)
	if j.PrevKV != nil {
		res.PrevKV = keyValue(j.PrevKV)
	}
	return answer(j.Header, res)
}

func rangeRequest(j *jsonRange) *store.RangeRequest {
	return &store.RangeRequest{
		Key: string(j.Key), RangeEnd: string(j.RangeEnd), Limit: j.Limit, Revision: j.Revision,
		SortOrder: store.SortOrder(j.SortOrder), SortTarget: store.SortTarget(j.SortTarget),
		Serializable: j.Serializable, KeysOnly: j.KeysOnly, CountOnly: j.CountOnly,
		MinModRevision: j.MinModRevision, MaxModRevision: j.MaxModRevision,
		MinCreateRevision: j.MinCreateRevision, MaxCreateRevision: j.MaxCreateRevision,
	}
}

func rangeResult(j jsonRangeResult) store.Response {
	return answer(j.Header, &store.RangeResult{KVs: keyValues(j.KVs), More: j.More, Count: j.Count})
}

func deleteRange(j jsonDeleteRange) store.Request {
	return &store.DeleteRangeRequest{Key: string(j.Key), RangeEnd: string(j.RangeEnd), PrevKV: j.PrevKV}
}

func deleteRangeResult(j jsonDeleteRangeResult) store.Response {
	return answer(j.Header, &store.DeleteRangeResult{Deleted: j.Deleted, PrevKVs: keyValues(j.PrevKVs)})
}

func txn(j *jsonTxn) *store.TxnRequest {
	req := &store.TxnRequest{Success: ops(j.Success), Failure: ops(j.Failure)}
	for i := range j.Compare {
		c := &j.Compare[i]
		req.Compare = append(req.Compare, store.Compare{
			Result: store.CompareResult(c.Result), Target: compareTargets[c.Target],
			Key: string(c.Key), RangeEnd: string(c.RangeEnd),
			// At most one of these is there.
			Value: string(c.Value), Num: c.Version + c.CreateRevision + c.ModRevision + c.Lease,
		})
	}
	return req
}

func ops(list []jsonOp) []store.Op {
	var ops []store.Op
	for i := range list {
		var op store.Op
		switch j := &list[i]; {
		case j.Range != nil:
			op = rangeRequest(j.Range)
		case j.Put != nil:
			op = put(*j.Put).(store.Op)
		case j.DeleteRange != nil:
			op = deleteRange(*j.DeleteRange).(store.Op)
		case j.Txn != nil:
			op = txn(j.Txn)
		}
		ops = append(ops, op)
	}
	return ops
}

func txnResult(j jsonTxnResult) store.Response {
	res := &store.TxnResult{Succeeded: j.Succeeded}
	for i := range j.Responses {
		var resp store.Response
		switch one := &j.Responses[i]; {
		case one.Range != nil:
			resp = rangeResult(*one.Range)
		case one.Put != nil:
			resp = putResult(*one.Put)
		case one.DeleteRange != nil:
			resp = deleteRangeResult(*one.DeleteRange)
		case one.Txn != nil:
			resp = txnResult(*one.Txn)
		}
		res.Responses = append(res.Responses, resp)
	}
	return answer(j.Header, res)
}

func hashResult(j jsonHashKVResult) store.Response {
	return answer(j.Header, &store.HashKVResult{Hash: j.Hash, CompactRevision: j.CompactRevision, HashRevision: j.HashRevision})
}

func leaseRequest(op string, j jsonLease) store.Request {
	switch op {
	case "LeaseGrant":
		return &store.LeaseGrantRequest{ID: j.ID, TTL: j.TTL}
	case "LeaseRevoke":
		return &store.LeaseRevokeRequest{ID: j.ID}
	case "LeaseTimeToLive":
		return &store.LeaseTimeToLiveRequest{ID: j.ID, Keys: j.Keys}
	case "LeaseKeepAlive":
		return &store.LeaseKeepAliveRequest{ID: j.ID}
	case "LeaseLeases":
		return &store.LeaseLeasesRequest{}
	}
	return nil
}

func leaseResult(op string, j *jsonLeaseResult) store.Response {
	switch op {
	case "LeaseGrant":
		return answer(j.Header, &store.LeaseGrantResult{ID: j.ID, TTL: j.TTL})
	case "LeaseRevoke":
		return answer(j.Header, &store.LeaseRevokeResult{})
	case "LeaseTimeToLive":
		res := &store.LeaseTimeToLiveResult{ID: j.ID, TTL: j.TTL, GrantedTTL: j.GrantedTTL}
		for _, key := range j.Keys {
			res.Keys = append(res.Keys, string(key))
		}
		return answer(j.Header, res)
	case "LeaseKeepAlive":
		return answer(j.Header, &store.LeaseKeepAliveResult{ID: j.ID, TTL: j.TTL})
	}
	res := new(store.LeaseLeasesResult)
	for _, lease := range j.Leases {
		res.Leases = append(res.Leases, lease.ID)
	}
	return answer(j.Header, res)
}

func keyValue(j *jsonKV) *store.KeyValue {
	return &store.KeyValue{
		Key: string(j.Key), Value: string(j.Value), Lease: j.Lease,
		CreateRevision: j.CreateRevision, ModRevision: j.ModRevision, Version: j.Version,
	}
}

func keyValues(list []jsonKV) []*store.KeyValue {
	var kvs []*store.KeyValue
	for i := range list {
		kvs = append(kvs, keyValue(&list[i]))
	}
	return kvs
}
