package compare

import (
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/authpb"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"etcdsim/store"
)

// The requests and answers of our vocabulary as etcd's messages.

func toRange(r *store.RangeRequest) *pb.RangeRequest {
	return &pb.RangeRequest{
		Key: []byte(r.Key), RangeEnd: []byte(r.RangeEnd), Limit: r.Limit, Revision: r.Revision,
		SortOrder: pb.RangeRequest_SortOrder(r.SortOrder), SortTarget: pb.RangeRequest_SortTarget(r.SortTarget),
		Serializable: r.Serializable, KeysOnly: r.KeysOnly, CountOnly: r.CountOnly,
		MinModRevision: r.MinModRevision, MaxModRevision: r.MaxModRevision,
		MinCreateRevision: r.MinCreateRevision, MaxCreateRevision: r.MaxCreateRevision,
	}
}

func toPut(r *store.PutRequest) *pb.PutRequest {
	return &pb.PutRequest{
		Key: []byte(r.Key), Value: []byte(r.Value), Lease: r.Lease,
		PrevKv: r.PrevKV, IgnoreValue: r.IgnoreValue, IgnoreLease: r.IgnoreLease,
	}
}

func toDelete(r *store.DeleteRangeRequest) *pb.DeleteRangeRequest {
	return &pb.DeleteRangeRequest{Key: []byte(r.Key), RangeEnd: []byte(r.RangeEnd), PrevKv: r.PrevKV}
}

func toTxn(r *store.TxnRequest) *pb.TxnRequest {
	txn := &pb.TxnRequest{Success: toOps(r.Success), Failure: toOps(r.Failure)}
	for i := range r.Compare {
		txn.Compare = append(txn.Compare, toCompare(&r.Compare[i]))
	}
	return txn
}

func toCompare(c *store.Compare) *pb.Compare {
	to := &pb.Compare{
		Result: pb.Compare_CompareResult(c.Result), Target: pb.Compare_CompareTarget(c.Target),
		Key: []byte(c.Key), RangeEnd: []byte(c.RangeEnd),
	}
	switch c.Target {
	case store.CompareVersion:
		to.TargetUnion = &pb.Compare_Version{Version: c.Num}
	case store.CompareCreate:
		to.TargetUnion = &pb.Compare_CreateRevision{CreateRevision: c.Num}
	case store.CompareMod:
		to.TargetUnion = &pb.Compare_ModRevision{ModRevision: c.Num}
	case store.CompareValue:
		to.TargetUnion = &pb.Compare_Value{Value: []byte(c.Value)}
	case store.CompareLease:
		to.TargetUnion = &pb.Compare_Lease{Lease: c.Num}
	}
	return to
}

func toOps(ops []store.Op) []*pb.RequestOp {
	var list []*pb.RequestOp
	for _, op := range ops {
		to := new(pb.RequestOp)
		switch op := op.(type) {
		case *store.RangeRequest:
			to.Request = &pb.RequestOp_RequestRange{RequestRange: toRange(op)}
		case *store.PutRequest:
			to.Request = &pb.RequestOp_RequestPut{RequestPut: toPut(op)}
		case *store.DeleteRangeRequest:
			to.Request = &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: toDelete(op)}
		case *store.TxnRequest:
			to.Request = &pb.RequestOp_RequestTxn{RequestTxn: toTxn(op)}
		}
		list = append(list, to)
	}
	return list
}

func toWatch(r *store.WatchRequest) *pb.WatchCreateRequest {
	to := &pb.WatchCreateRequest{
		Key: []byte(r.Key), RangeEnd: []byte(r.RangeEnd), StartRevision: r.StartRevision, WatchId: r.WatchID,
		ProgressNotify: r.ProgressNotify, PrevKv: r.PrevKV, Fragment: r.Fragment,
	}
	if r.NoPut {
		to.Filters = append(to.Filters, pb.WatchCreateRequest_NOPUT)
	}
	if r.NoDelete {
		to.Filters = append(to.Filters, pb.WatchCreateRequest_NODELETE)
	}
	return to
}

func toPermission(p *store.Permission) *authpb.Permission {
	if p == nil {
		return nil
	}
	return &authpb.Permission{PermType: authpb.Permission_Type(p.Type), Key: []byte(p.Key), RangeEnd: []byte(p.RangeEnd)}
}

// answered makes an answer from a header and a result.
func answered(h *pb.ResponseHeader, result store.Result) store.Response {
	return store.Response{Revision: h.GetRevision(), Result: result}
}

func fromKV(kv *mvccpb.KeyValue) store.KeyValue {
	return store.KeyValue{
		Key: string(kv.Key), Value: string(kv.Value), Lease: kv.Lease,
		CreateRevision: kv.CreateRevision, ModRevision: kv.ModRevision, Version: kv.Version,
	}
}

func fromKVs(list []*mvccpb.KeyValue) []*store.KeyValue {
	var kvs []*store.KeyValue
	for _, kv := range list {
		kvs = append(kvs, fromOptionalKV(kv))
	}
	return kvs
}

func fromOptionalKV(kv *mvccpb.KeyValue) *store.KeyValue {
	if kv == nil {
		return nil
	}
	from := fromKV(kv)
	return &from
}

func fromRange(r *pb.RangeResponse) store.Response {
	return answered(r.Header, &store.RangeResult{KVs: fromKVs(r.Kvs), More: r.More, Count: r.Count})
}

func fromPut(r *pb.PutResponse) store.Response {
	return answered(r.Header, &store.PutResult{PrevKV: fromOptionalKV(r.PrevKv)})
}

func fromDelete(r *pb.DeleteRangeResponse) store.Response {
	return answered(r.Header, &store.DeleteRangeResult{Deleted: r.Deleted, PrevKVs: fromKVs(r.PrevKvs)})
}

func fromTxn(r *pb.TxnResponse) store.Response {
	res := &store.TxnResult{Succeeded: r.Succeeded}
	for _, one := range r.Responses {
		var resp store.Response
		switch one := one.Response.(type) {
		case *pb.ResponseOp_ResponseRange:
			resp = fromRange(one.ResponseRange)
		case *pb.ResponseOp_ResponsePut:
			resp = fromPut(one.ResponsePut)
		case *pb.ResponseOp_ResponseDeleteRange:
			resp = fromDelete(one.ResponseDeleteRange)
		case *pb.ResponseOp_ResponseTxn:
			resp = fromTxn(one.ResponseTxn)
		}
		res.Responses = append(res.Responses, resp)
	}
	return answered(r.Header, res)
}

func fromMember(m *pb.Member) store.Member {
	return store.Member{ID: m.ID, Name: m.Name, PeerURLs: m.PeerURLs, ClientURLs: m.ClientURLs, Learner: m.IsLearner}
}

func fromMembers(list []*pb.Member) []store.Member {
	var members []store.Member
	for _, m := range list {
		members = append(members, fromMember(m))
	}
	return members
}

func fromAlarms(r *pb.AlarmResponse) store.Response {
	res := new(store.AlarmResult)
	for _, a := range r.Alarms {
		res.Alarms = append(res.Alarms, store.Alarm{MemberID: a.MemberID, Type: store.AlarmType(a.Alarm)})
	}
	return answered(r.Header, res)
}

func fromStatus(r *pb.StatusResponse) store.Response {
	res := &store.StatusResult{
		Version: r.Version, StorageVersion: r.StorageVersion, Leader: r.Leader, IsLearner: r.IsLearner,
		DBSize: r.DbSize, DBSizeInUse: r.DbSizeInUse, DBSizeQuota: r.DbSizeQuota,
		RaftIndex: r.RaftIndex, RaftTerm: r.RaftTerm, RaftAppliedIndex: r.RaftAppliedIndex,
	}
	for _, text := range r.Errors {
		res.Errors = append(res.Errors, strings.Join(strings.Fields(text), " ")) // protobuf varies the spaces
	}
	return answered(r.Header, res)
}

func fromPermissions(r *pb.AuthRoleGetResponse) store.Response {
	res := new(store.RoleGetResult)
	for _, p := range r.Perm {
		res.Perms = append(res.Perms, store.Permission{Type: store.PermissionType(p.PermType), Key: string(p.Key), RangeEnd: string(p.RangeEnd)})
	}
	return answered(r.Header, res)
}

func fromWatch(r *pb.WatchResponse) store.WatchResponse {
	resp := store.WatchResponse{
		Revision: r.Header.GetRevision(), WatchID: r.WatchId, Created: r.Created, Canceled: r.Canceled,
		CancelReason: r.CancelReason, CompactRevision: r.CompactRevision, Fragment: r.Fragment,
	}
	for _, e := range r.Events {
		resp.Events = append(resp.Events, store.Event{
			Type: store.EventType(e.Type), KV: fromOptionalKV(e.Kv), PrevKV: fromOptionalKV(e.PrevKv),
		})
	}
	return resp
}

// unknownRequest is for a request that somebody forgot to translate.
func unknownRequest(r store.Request) string { return fmt.Sprintf("compare: no translation of a %T", r) }
