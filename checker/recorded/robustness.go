package recorded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// The operations.json of a client in a report of etcd's robustness tests
// (etcd-io/etcd, tests/robustness/report, v3.7): porcupine's operations, one JSON
// object after another, with their model's requests and answers. Files of several
// clients are judged together when they stand one after another.
//
// The model tells less than an answer of etcd does: no create revisions, no leases of
// keys, and of a long value only a hash. Writes are transactions throughout.

type robustOp struct {
	ClientId     int
	Call, Return int64
	Input        robustRequest
	Output       robustResponse
	Metadata     json.RawMessage
}

type robustRequest struct {
	Type       string
	LeaseGrant *struct {
		LeaseID int64
	}
	LeaseRevoke *struct {
		LeaseID int64
	}
	Range *struct {
		robustRange
		Revision int64
	}
	Txn        *robustTxn
	Defragment *struct{}
	Compact    *struct {
		Revision int64
	}
}

type robustRange struct {
	Start, End string
	Limit      int64
	KeysOnly   bool
}

type robustTxn struct {
	Conditions []struct {
		Key                               string
		ExpectedRevision, ExpectedVersion int64
	}
	OperationsOnSuccess, OperationsOnFailure []robustStep
}

type robustStep struct {
	Type  string
	Range robustRange
	Put   struct {
		Key     string
		Value   robustValue
		LeaseID int64
	}
	Delete struct {
		Key string
	}
}

// robustValue is a value, or the hash of one of 20 bytes and more.
type robustValue struct {
	Value string
	Hash  uint32
}

func (v robustValue) text() string {
	if v.Hash != 0 {
		return fmt.Sprintf("(FNV-1a %08x)", v.Hash)
	}
	return v.Value
}

type robustKV struct {
	Key                  string
	Value                robustValue
	ModRevision, Version int64
}

type robustRangeResult struct {
	KVs   []robustKV
	Count int64
}

type robustResponse struct {
	Txn *struct {
		Failure bool
		Results []struct {
			robustRangeResult
			Deleted int64
		}
	}
	Range       *robustRangeResult
	LeaseGrant  *struct{ LeaseID int64 }
	LeaseRevoke *struct{}
	Defragment  *struct{}
	Compact     *struct{}
	ClientError string
	Revision    int64
	MemberID    string `json:"member-id"`

	Persisted         bool
	PersistedRevision int64
	Error             string
}

// notLinearizable is the revision of answers to requests that promise no order.
const notLinearizable = -1

func (r *reader) judgeRobustness() (Finding, error) {
	var h history.History
	var lines []int
	d := json.NewDecoder(bytes.NewReader(r.data))
	d.DisallowUnknownFields()
	for {
		line := r.lineAt(d.InputOffset())
		var j robustOp
		err := d.Decode(&j)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Finding{}, r.fail(r.lineAt(d.InputOffset()), "%v: expected an operation of a robustness report", err)
		}
		op, judged, err := j.decode()
		if err != nil {
			return Finding{}, r.fail(line, "%v", err)
		}
		if !judged {
			continue
		}
		op.ID = uint64(len(lines) + 1)
		h.Ops = append(h.Ops, op)
		lines = append(lines, line)
	}
	return judgeRequests("etcd, as its robustness tests see it", h, lines, checker.Options{Partial: true}), nil
}

// lineAt returns the line on which the value behind an offset begins.
func (r *reader) lineAt(offset int64) int {
	for offset < int64(len(r.data)) && strings.ContainsRune(" \t\r\n", rune(r.data[offset])) {
		offset++
	}
	return 1 + bytes.Count(r.data[:offset], []byte("\n"))
}

// decode translates an operation. judged is false for those that promise nothing that
// could be judged here.
func (j *robustOp) decode() (op history.Op, judged bool, err error) {
	op = history.Op{Client: j.ClientId, Invoke: sim.Time(j.Call), Return: sim.Time(j.Return), Outcome: history.OK}
	out := &j.Output
	if j.Return < j.Call {
		return op, false, fmt.Errorf("field Return: %d: expected a time not before Call, %d", j.Return, j.Call)
	}
	op.Response.Revision = out.Revision
	switch in := &j.Input; {
	case in.Type == "range" && in.Range != nil:
		op.Request = &store.RangeRequest{
			Key: in.Range.Start, RangeEnd: in.Range.End, Limit: in.Range.Limit, KeysOnly: in.Range.KeysOnly, Revision: in.Range.Revision,
		}
		if out.Range != nil {
			op.Response.Result = out.Range.result()
		}
	case in.Type == "txn" && in.Txn != nil:
		if err := j.decodeTxn(&op); err != nil {
			return op, false, err
		}
	case in.Type == "leaseGrant" && in.LeaseGrant != nil:
		// The TTL is not told; any that was granted will do.
		op.Request = &store.LeaseGrantRequest{ID: in.LeaseGrant.LeaseID, TTL: 1}
		op.Response.Result = &store.LeaseGrantResult{ID: in.LeaseGrant.LeaseID, TTL: 1}
		if in.LeaseGrant.LeaseID == 0 {
			return op, false, nil // nobody knows it
		}
	case in.Type == "leaseRevoke" && in.LeaseRevoke != nil:
		op.Request = &store.LeaseRevokeRequest{ID: in.LeaseRevoke.LeaseID}
		op.Response.Result = &store.LeaseRevokeResult{}
	case in.Type == "compact" && in.Compact != nil:
		op.Request = &store.CompactionRequest{Revision: in.Compact.Revision}
		op.Response.Result = &store.CompactionResult{}
	case in.Type == "defragment":
		return op, false, nil
	default:
		return op, false, fmt.Errorf("field Type: %q: expected range, txn, leaseGrant, leaseRevoke, "+
			"compact or defragment, and a field of this name", in.Type)
	}
	switch {
	case out.Error != "" || out.Persisted:
		op.Outcome, op.Response = history.Unknown, store.Response{}
	case strings.Contains(out.ClientError, "required revision has been compacted"):
		op.Outcome, op.Response = history.Failed, store.Response{Err: store.ErrCompacted}
	case out.ClientError != "":
		op.Outcome, op.Response = history.Failed, store.Response{Err: &store.Error{Code: store.Unknown, Text: out.ClientError}}
	case op.Response.Result == nil:
		return op, false, fmt.Errorf("no answer of type %s: expected one, Error or ClientError", j.Input.Type)
	case out.Revision == notLinearizable:
		return op, !store.ReadOnly(op.Request), nil
	}
	return op, true, nil
}

func (j *robustOp) decodeTxn(op *history.Op) error {
	in, out := j.Input.Txn, j.Output.Txn
	txn := &store.TxnRequest{}
	for _, c := range in.Conditions {
		cmp := store.Compare{Key: c.Key, Target: store.CompareMod, Num: c.ExpectedRevision}
		if c.ExpectedVersion > 0 {
			cmp.Target, cmp.Num = store.CompareVersion, c.ExpectedVersion
		}
		txn.Compare = append(txn.Compare, cmp)
	}
	var err error
	if txn.Success, err = robustSteps(in.OperationsOnSuccess); err == nil {
		txn.Failure, err = robustSteps(in.OperationsOnFailure)
	}
	op.Request = txn
	if err != nil || out == nil {
		return err
	}
	res := &store.TxnResult{Succeeded: !out.Failure}
	steps := txn.Success
	if out.Failure {
		steps = txn.Failure
	}
	if len(steps) != len(out.Results) {
		return fmt.Errorf("%d results: expected %d, as many as the path taken has operations", len(out.Results), len(steps))
	}
	for i := range steps {
		one := store.Response{Result: &store.PutResult{}}
		switch steps[i].(type) {
		case *store.RangeRequest:
			one.Result = out.Results[i].result()
		case *store.DeleteRangeRequest:
			one.Result = &store.DeleteRangeResult{Deleted: out.Results[i].Deleted}
		}
		res.Responses = append(res.Responses, one)
	}
	op.Response.Result = res
	return nil
}

func robustSteps(list []robustStep) (ops []store.Op, err error) {
	for i := range list {
		switch s := &list[i]; s.Type {
		case "range-operation":
			ops = append(ops, &store.RangeRequest{Key: s.Range.Start, RangeEnd: s.Range.End, Limit: s.Range.Limit, KeysOnly: s.Range.KeysOnly})
		case "put-operation":
			ops = append(ops, &store.PutRequest{Key: s.Put.Key, Value: s.Put.Value.text(), Lease: s.Put.LeaseID})
		case "delete-operation":
			ops = append(ops, &store.DeleteRangeRequest{Key: s.Delete.Key})
		default:
			return nil, fmt.Errorf("operation of type %q: expected range-operation, put-operation or delete-operation", s.Type)
		}
	}
	return ops, nil
}

func (j *robustRangeResult) result() *store.RangeResult {
	res := &store.RangeResult{Count: j.Count}
	for i := range j.KVs {
		kv := &j.KVs[i]
		res.KVs = append(res.KVs, &store.KeyValue{Key: kv.Key, Value: kv.Value.text(), ModRevision: kv.ModRevision, Version: kv.Version})
	}
	return res
}
