package rpc

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"etcdsim/store"
)

// Between etcd's messages and the vocabulary. The enumerations have the same
// values.

func toRange(r *pb.RangeRequest) *store.RangeRequest {
	return &store.RangeRequest{
		Key: string(r.Key), RangeEnd: string(r.RangeEnd), Limit: r.Limit, Revision: r.Revision,
		SortOrder: store.SortOrder(r.SortOrder), SortTarget: store.SortTarget(r.SortTarget), Serializable: r.Serializable,
		KeysOnly: r.KeysOnly, CountOnly: r.CountOnly,
		MinModRevision: r.MinModRevision, MaxModRevision: r.MaxModRevision,
		MinCreateRevision: r.MinCreateRevision, MaxCreateRevision: r.MaxCreateRevision,
	}
}

func toPut(r *pb.PutRequest) *store.PutRequest {
	return &store.PutRequest{
		Key: string(r.Key), Value: string(r.Value), Lease: r.Lease, PrevKV: r.PrevKv,
		IgnoreValue: r.IgnoreValue, IgnoreLease: r.IgnoreLease,
	}
}

func toDeleteRange(r *pb.DeleteRangeRequest) *store.DeleteRangeRequest {
	return &store.DeleteRangeRequest{Key: string(r.Key), RangeEnd: string(r.RangeEnd), PrevKV: r.PrevKv}
}

func toTxn(r *pb.TxnRequest) *store.TxnRequest {
	t := &store.TxnRequest{Success: toOps(r.Success), Failure: toOps(r.Failure)}
	for _, c := range r.Compare {
		t.Compare = append(t.Compare, toCompare(c))
	}
	return t
}

func toCompare(c *pb.Compare) store.Compare {
	to := store.Compare{
		Result: store.CompareResult(c.GetResult()), Target: store.CompareTarget(c.GetTarget()),
		Key: string(c.GetKey()), RangeEnd: string(c.GetRangeEnd()),
	}
	// The target decides which operand counts; one that does not fit counts as empty.
	switch to.Target {
	case store.CompareVersion:
		to.Num = c.GetVersion()
	case store.CompareCreate:
		to.Num = c.GetCreateRevision()
	case store.CompareMod:
		to.Num = c.GetModRevision()
	case store.CompareValue:
		to.Value = string(c.GetValue())
	case store.CompareLease:
		to.Num = c.GetLease()
	}
	return to
}

// toOps keeps operations without a request: the members refuse them.
func toOps(ops []*pb.RequestOp) []store.Op {
	var to []store.Op
	for _, op := range ops {
		var o store.Op
		switch r := op.GetRequest().(type) {
		case *pb.RequestOp_RequestRange:
			if r.RequestRange != nil {
				o = toRange(r.RequestRange)
			}
		case *pb.RequestOp_RequestPut:
			if r.RequestPut != nil {
				o = toPut(r.RequestPut)
			}
		case *pb.RequestOp_RequestDeleteRange:
			if r.RequestDeleteRange != nil {
				o = toDeleteRange(r.RequestDeleteRange)
			}
		case *pb.RequestOp_RequestTxn:
			if r.RequestTxn != nil {
				o = toTxn(r.RequestTxn)
			}
		}
		to = append(to, o)
	}
	return to
}

func fromKV(kv *store.KeyValue) *mvccpb.KeyValue {
	if kv == nil {
		return nil
	}
	return &mvccpb.KeyValue{
		Key: []byte(kv.Key), Value: []byte(kv.Value), CreateRevision: kv.CreateRevision, ModRevision: kv.ModRevision,
		Version: kv.Version, Lease: kv.Lease,
	}
}

func fromKVs(kvs []*store.KeyValue) []*mvccpb.KeyValue {
	if len(kvs) == 0 {
		return nil
	}
	to := make([]*mvccpb.KeyValue, len(kvs))
	for i, kv := range kvs {
		to[i] = fromKV(kv)
	}
	return to
}

func fromRange(r *store.RangeResult, h *pb.ResponseHeader) *pb.RangeResponse {
	return &pb.RangeResponse{Header: h, Kvs: fromKVs(r.KVs), More: r.More, Count: r.Count}
}

func fromPut(r *store.PutResult, h *pb.ResponseHeader) *pb.PutResponse {
	return &pb.PutResponse{Header: h, PrevKv: fromKV(r.PrevKV)}
}

func fromDeleteRange(r *store.DeleteRangeResult, h *pb.ResponseHeader) *pb.DeleteRangeResponse {
	return &pb.DeleteRangeResponse{Header: h, Deleted: r.Deleted, PrevKvs: fromKVs(r.PrevKVs)}
}

// fromTxn translates the answer to a transaction. Those within it have a header
// with nothing but the revision.
func fromTxn(r *store.TxnResult, h *pb.ResponseHeader) *pb.TxnResponse {
	to := &pb.TxnResponse{Header: h, Succeeded: r.Succeeded}
	for i := range r.Responses {
		in := &pb.ResponseHeader{Revision: r.Responses[i].Revision}
		op := &pb.ResponseOp{}
		switch res := r.Responses[i].Result.(type) {
		case *store.RangeResult:
			op.Response = &pb.ResponseOp_ResponseRange{ResponseRange: fromRange(res, in)}
		case *store.PutResult:
			op.Response = &pb.ResponseOp_ResponsePut{ResponsePut: fromPut(res, in)}
		case *store.DeleteRangeResult:
			op.Response = &pb.ResponseOp_ResponseDeleteRange{ResponseDeleteRange: fromDeleteRange(res, in)}
		case *store.TxnResult:
			op.Response = &pb.ResponseOp_ResponseTxn{ResponseTxn: fromTxn(res, in)}
		}
		to.Responses = append(to.Responses, op)
	}
	return to
}

func fromMember(m *store.Member) *pb.Member {
	return &pb.Member{ID: m.ID, Name: m.Name, PeerURLs: m.PeerURLs, ClientURLs: m.ClientURLs, IsLearner: m.Learner}
}

func fromMembers(members []store.Member) []*pb.Member {
	to := make([]*pb.Member, len(members))
	for i := range members {
		to[i] = fromMember(&members[i])
	}
	return to
}
