package recorded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// Between our own format and the vocabulary of package store, both ways.

// errRequest is what a request must be.
var errRequest = errors.New("expected one of range, put, delete_range, txn, compact, lease_grant and lease_revoke")

func (j *jsonRequest) decode() (store.Request, error) {
	var all []store.Request
	if r := j.Range; r != nil {
		all = append(all, &store.RangeRequest{
			Key: r.Key, RangeEnd: r.RangeEnd, Limit: r.Limit, Revision: r.Revision, Serializable: r.Serializable,
			KeysOnly: r.KeysOnly, CountOnly: r.CountOnly,
			SortOrder: store.SortOrder(r.SortOrder), SortTarget: store.SortTarget(r.SortTarget),
			MinModRevision: r.MinModRevision, MaxModRevision: r.MaxModRevision,
			MinCreateRevision: r.MinCreateRevision, MaxCreateRevision: r.MaxCreateRevision,
		})
	}
	if r := j.Put; r != nil {
		all = append(all, &store.PutRequest{
			Key: r.Key, Value: r.Value, Lease: r.Lease, PrevKV: r.PrevKV, IgnoreValue: r.IgnoreValue, IgnoreLease: r.IgnoreLease,
		})
	}
	if r := j.DeleteRange; r != nil {
		all = append(all, &store.DeleteRangeRequest{Key: r.Key, RangeEnd: r.RangeEnd, PrevKV: r.PrevKV})
	}
	if j.Txn != nil {
		txn, err := j.Txn.decode()
		if err != nil {
			return nil, fmt.Errorf("txn: %w", err)
		}
		all = append(all, txn)
	}
	if j.Compact != nil {
		all = append(all, &store.CompactionRequest{Revision: j.Compact.Revision})
	}
	if j.LeaseGrant != nil {
		all = append(all, &store.LeaseGrantRequest{TTL: j.LeaseGrant.TTL, ID: j.LeaseGrant.ID})
	}
	if j.LeaseRevoke != nil {
		all = append(all, &store.LeaseRevokeRequest{ID: j.LeaseRevoke.ID})
	}
	if len(all) != 1 {
		return nil, errRequest
	}
	return all[0], nil
}

func (j *jsonTxn) decode() (*store.TxnRequest, error) {
	txn := &store.TxnRequest{}
	for i, c := range j.Compare {
		target, result := slices.Index(targetNames, c.Target), slices.Index(resultNames, c.Result)
		if target < 0 || result < 0 {
			return nil, fmt.Errorf("compare %d: target %q and result %q: expected one of %v and one of %v",
				i+1, c.Target, c.Result, targetNames, resultNames)
		}
		txn.Compare = append(txn.Compare, store.Compare{
			Key: c.Key, RangeEnd: c.RangeEnd, Target: store.CompareTarget(target), Result: store.CompareResult(result),
			Num: c.Number, Value: c.Value,
		})
	}
	var err error
	if txn.Success, err = decodeOps(j.Success); err == nil {
		txn.Failure, err = decodeOps(j.Failure)
	}
	return txn, err
}

func decodeOps(list []jsonRequest) (ops []store.Op, err error) {
	for i := range list {
		r, err := list[i].decode()
		if err != nil {
			return nil, err
		}
		op, ok := r.(store.Op)
		if !ok {
			return nil, errors.New("expected range, put, delete_range or txn within a transaction")
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// The names of targets and results, at the positions of their values.
var (
	targetNames = []string{"version", "create", "mod", "value", "lease"}
	resultNames = []string{"==", ">", "<", "!="}
)

func (j *jsonResponse) decode(r store.Request) (resp store.Response, err error) {
	resp.Revision = j.Revision
	if j.Error != nil {
		resp.Err = errorOf(store.Code(j.Error.Code), j.Error.Message)
		return resp, nil
	}
	missing := func(name string) error { return fmt.Errorf("expected %s, as in the request, or error", name) }
	switch r := r.(type) {
	case *store.RangeRequest:
		if j.Range == nil {
			return resp, missing("range")
		}
		resp.Result = &store.RangeResult{KVs: decodeKVs(j.Range.KVs), Count: j.Range.Count, More: j.Range.More}
	case *store.PutRequest:
		if j.Put == nil {
			return resp, missing("put")
		}
		resp.Result = &store.PutResult{PrevKV: j.Put.PrevKV.decode()}
	case *store.DeleteRangeRequest:
		if j.DeleteRange == nil {
			return resp, missing("delete_range")
		}
		resp.Result = &store.DeleteRangeResult{Deleted: j.DeleteRange.Deleted, PrevKVs: decodeKVs(j.DeleteRange.PrevKVs)}
	case *store.TxnRequest:
		if j.Txn == nil {
			return resp, missing("txn")
		}
		resp.Result, err = j.Txn.decode(r)
	case *store.CompactionRequest:
		resp.Result = &store.CompactionResult{}
	case *store.LeaseGrantRequest:
		if j.LeaseGrant == nil {
			return resp, missing("lease_grant")
		}
		resp.Result = &store.LeaseGrantResult{ID: j.LeaseGrant.ID, TTL: j.LeaseGrant.TTL}
	case *store.LeaseRevokeRequest:
		resp.Result = &store.LeaseRevokeResult{}
	}
	return resp, err
}

func (j *jsonTxnResult) decode(r *store.TxnRequest) (*store.TxnResult, error) {
	ops := r.Failure
	if j.Succeeded {
		ops = r.Success
	}
	if len(ops) != len(j.Responses) {
		return nil, fmt.Errorf("txn: %d responses: expected %d, as many as the path taken has operations", len(j.Responses), len(ops))
	}
	res := &store.TxnResult{Succeeded: j.Succeeded}
	for i := range ops {
		one, err := j.Responses[i].decode(ops[i])
		if err != nil {
			return nil, fmt.Errorf("txn: response %d: %w", i+1, err)
		}
		res.Responses = append(res.Responses, one)
	}
	return res, nil
}

func (j *jsonKV) decode() *store.KeyValue {
	if j == nil {
		return nil
	}
	return &store.KeyValue{
		Key: j.Key, Value: j.Value, CreateRevision: j.CreateRevision, ModRevision: j.ModRevision, Version: j.Version, Lease: j.Lease,
	}
}

func decodeKVs(list []jsonKV) (kvs []*store.KeyValue) {
	for i := range list {
		kvs = append(kvs, list[i].decode())
	}
	return kvs
}

// errorOf returns the error of a code and a text: the same one each time for those
// that the state of a store can cause.
func errorOf(code store.Code, text string) *store.Error {
	for _, known := range []*store.Error{
		store.ErrKeyNotFound, store.ErrCompacted, store.ErrFutureRevision, store.ErrLeaseNotFound, store.ErrLeaseExists,
		store.ErrLeaseTTLTooLarge, store.ErrNoSpace, store.ErrCorrupt,
	} {
		if known.Code == code && known.Text == text {
			return known
		}
	}
	return &store.Error{Code: code, Text: text}
}

// Write writes the operations of a history that are about the key-value store, in our
// own format, in the order in which they ended. What only a simulator knows is left
// out.
func Write(w io.Writer, ops []history.Op) error {
	for i := range ops {
		op := &ops[i]
		request, ok := encode(op.Request)
		if !ok {
			continue
		}
		j := jsonOp{
			Client: op.Client, Member: op.Member, Call: int64(op.Invoke), Outcome: op.Outcome.String(), Request: request,
			Text: store.DescribeAnswered(op.Request, op.Response),
		}
		if op.Outcome != history.Unknown {
			j.Response = encodeResponse(&op.Response)
		}
		if op.Return != sim.Forever {
			at := int64(op.Return)
			j.Return = &at
		}
		line, err := json.Marshal(&j)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func encode(r store.Request) (j jsonRequest, ok bool) {
	switch r := r.(type) {
	case *store.RangeRequest:
		j.Range = &jsonRange{
			Key: r.Key, RangeEnd: r.RangeEnd, Limit: r.Limit, Revision: r.Revision, Serializable: r.Serializable,
			KeysOnly: r.KeysOnly, CountOnly: r.CountOnly, SortOrder: int32(r.SortOrder), SortTarget: int32(r.SortTarget),
			MinModRevision: r.MinModRevision, MaxModRevision: r.MaxModRevision,
			MinCreateRevision: r.MinCreateRevision, MaxCreateRevision: r.MaxCreateRevision,
		}
	case *store.PutRequest:
		j.Put = &jsonPut{
			Key: r.Key, Value: r.Value, Lease: r.Lease, PrevKV: r.PrevKV, IgnoreValue: r.IgnoreValue, IgnoreLease: r.IgnoreLease,
		}
	case *store.DeleteRangeRequest:
		j.DeleteRange = &jsonDeleteRange{Key: r.Key, RangeEnd: r.RangeEnd, PrevKV: r.PrevKV}
	case *store.TxnRequest:
		j.Txn = &jsonTxn{Success: encodeOps(r.Success), Failure: encodeOps(r.Failure)}
		for _, c := range r.Compare {
			j.Txn.Compare = append(j.Txn.Compare, jsonCompare{
				Key: c.Key, RangeEnd: c.RangeEnd, Target: targetNames[c.Target], Result: resultNames[c.Result], Number: c.Num, Value: c.Value,
			})
		}
	case *store.CompactionRequest:
		j.Compact = &jsonCompact{Revision: r.Revision}
	case *store.LeaseGrantRequest:
		j.LeaseGrant = &jsonLeaseGrant{TTL: r.TTL, ID: r.ID}
	case *store.LeaseRevokeRequest:
		j.LeaseRevoke = &jsonLeaseRevoke{ID: r.ID}
	default:
		return j, false
	}
	return j, true
}

func encodeOps(ops []store.Op) (list []jsonRequest) {
	for _, op := range ops {
		one, _ := encode(op)
		list = append(list, one)
	}
	return list
}

func encodeResponse(r *store.Response) *jsonResponse {
	j := &jsonResponse{Revision: r.Revision}
	if r.Err != nil {
		j.Error = &jsonError{Code: uint32(r.Err.Code), Message: r.Err.Text}
		return j
	}
	switch res := r.Result.(type) {
	case *store.RangeResult:
		j.Range = &jsonRangeResult{KVs: encodeKVs(res.KVs), Count: res.Count, More: res.More}
	case *store.PutResult:
		j.Put = &jsonPutResult{PrevKV: encodeKV(res.PrevKV)}
	case *store.DeleteRangeResult:
		j.DeleteRange = &jsonDeleteRangeResult{Deleted: res.Deleted, PrevKVs: encodeKVs(res.PrevKVs)}
	case *store.TxnResult:
		j.Txn = &jsonTxnResult{Succeeded: res.Succeeded}
		for i := range res.Responses {
			j.Txn.Responses = append(j.Txn.Responses, *encodeResponse(&res.Responses[i]))
		}
	case *store.CompactionResult:
		j.Compact = &struct{}{}
	case *store.LeaseGrantResult:
		j.LeaseGrant = &jsonLeaseGrant{TTL: res.TTL, ID: res.ID}
	case *store.LeaseRevokeResult:
		j.LeaseRevoke = &struct{}{}
	}
	return j
}

func encodeKV(kv *store.KeyValue) *jsonKV {
	if kv == nil {
		return nil
	}
	return &jsonKV{kv.Key, kv.Value, kv.CreateRevision, kv.ModRevision, kv.Version, kv.Lease}
}

func encodeKVs(kvs []*store.KeyValue) (list []jsonKV) {
	for _, kv := range kvs {
		list = append(list, *encodeKV(kv))
	}
	return list
}
