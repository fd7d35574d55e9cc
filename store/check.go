package store

// Check refuses what etcd's gRPC layer refuses before a request reaches the log
// (etcd's api/v3rpc/key.go), with the same error: when a request has several
// defects, clients see the one that etcd finds first. It returns nil if the
// request may be proposed or served. maxTxnOps bounds the comparisons and the
// operations of each path of a transaction; what a transaction uses is no longer
// there for those nested in it.
func Check(req Request, maxTxnOps int) *Error {
	switch req := req.(type) {
	case *RangeRequest:
		return checkRange(req)
	case *RangeStreamRequest:
		return checkRangeStream(&req.Range)
	case *PutRequest:
		return checkPut(req)
	case *DeleteRangeRequest:
		return checkDeleteRange(req)
	case *TxnRequest:
		if err := checkTxn(req, maxTxnOps); err != nil {
			return err
		}
		return checkOverlaps(req)
	case *MemberAddRequest:
		return checkMemberAdd(req)
	}
	return nil
}

// ReadOnly reports whether a request changes nothing, so that it need not go
// through the log. As in etcd, a transaction is read-only if it consists of
// ranges; one with a nested transaction is not.
func ReadOnly(req Request) bool {
	switch req := req.(type) {
	case *RangeRequest, *RangeStreamRequest, *HashKVRequest, *LeaseTimeToLiveRequest, *LeaseLeasesRequest, *LeaseKeepAliveRequest,
		*MemberListRequest, *MoveLeaderRequest, *StatusRequest, *DefragmentRequest, *BackendHashRequest, *SnapshotRequest:
		return true
	case *TxnRequest:
		return onlyRanges(req.Success) && onlyRanges(req.Failure)
	}
	return false
}

// Serializable reports whether a member may serve a read-only request from its
// own state without asking a quorum.
func Serializable(req Request) bool {
	switch req := req.(type) {
	case *RangeRequest:
		return req.Serializable
	case *RangeStreamRequest:
		return req.Range.Serializable
	case *TxnRequest:
		return allSerializable(req.Success) && allSerializable(req.Failure)
	case *HashKVRequest, *LeaseLeasesRequest, *StatusRequest, *DefragmentRequest, *BackendHashRequest, *SnapshotRequest:
		return true // of this member, by definition
	case *MemberListRequest:
		return !req.Linearizable
	}
	return false
}

func onlyRanges(ops []Op) bool {
	for _, op := range ops {
		if _, ok := op.(*RangeRequest); !ok {
			return false
		}
	}
	return true
}

func allSerializable(ops []Op) bool {
	for _, op := range ops {
		if r, ok := op.(*RangeRequest); !ok || !r.Serializable {
			return false
		}
	}
	return true
}

func checkRange(req *RangeRequest) *Error {
	switch {
	case req.Key == "":
		return ErrEmptyKey
	case req.SortOrder < SortNone || req.SortOrder > SortDescend, req.SortTarget < SortByKey || req.SortTarget > SortByValue:
		return ErrInvalidSort
	}
	return nil
}

func checkRangeStream(req *RangeRequest) *Error {
	if err := checkRange(req); err != nil {
		return err
	}
	switch {
	case !req.KeyOrder():
		return ErrStreamSort
	case req.Filtered():
		return ErrStreamFilter
	}
	return nil
}

// KeyOrder reports whether a range is answered in the order of the keys, as etcd
// sees it: without an order every target counts as such, although the answer is
// sorted by the target afterwards.
func (r *RangeRequest) KeyOrder() bool {
	return r.SortOrder == SortNone || r.SortTarget == SortByKey && r.SortOrder == SortAscend
}

// Filtered reports whether a range has revision filters.
func (r *RangeRequest) Filtered() bool {
	return r.MinModRevision != 0 || r.MaxModRevision != 0 || r.MinCreateRevision != 0 || r.MaxCreateRevision != 0
}

func checkPut(req *PutRequest) *Error {
	switch {
	case req.Key == "":
		return ErrEmptyKey
	case req.IgnoreValue && req.Value != "":
		return ErrValueProvided
	case req.IgnoreLease && req.Lease != 0:
		return ErrLeaseProvided
	}
	return nil
}

func checkDeleteRange(req *DeleteRangeRequest) *Error {
	if req.Key == "" {
		return ErrEmptyKey
	}
	return nil
}

func checkTxn(req *TxnRequest, budget int) *Error {
	used := max(len(req.Compare), len(req.Success), len(req.Failure))
	if used > budget {
		return ErrTooManyOps
	}
	for i := range req.Compare {
		if req.Compare[i].Key == "" {
			return ErrEmptyKey
		}
	}
	if err := checkOps(req.Success, budget-used); err != nil {
		return err
	}
	return checkOps(req.Failure, budget-used)
}

func checkOps(ops []Op, budget int) *Error {
	for _, op := range ops {
		if err := checkOp(op, budget); err != nil {
			return err
		}
	}
	return nil
}

func checkOp(op Op, budget int) *Error {
	switch op := op.(type) {
	case *RangeRequest:
		return checkRange(op)
	case *PutRequest:
		return checkPut(op)
	case *DeleteRangeRequest:
		return checkDeleteRange(op)
	case *TxnRequest:
		return checkTxn(op, budget)
	}
	return ErrKeyNotFound // a missing operation
}

// checkOverlaps refuses a transaction that would write a key twice in one
// revision: by two puts, or by a put and a delete.
func checkOverlaps(req *TxnRequest) *Error {
	if err := overlaps(req.Success); err != nil {
		return err
	}
	return overlaps(req.Failure)
}

// simple bounds the lists that are compared pair by pair.
const simple = 16

func overlaps(ops []Op) *Error {
	if len(ops) <= simple && !nests(ops) {
		return overlapInPairs(ops)
	}
	_, err := writesOf(ops)
	return err
}

func nests(ops []Op) bool {
	for _, op := range ops {
		if _, ok := op.(*TxnRequest); ok {
			return true
		}
	}
	return false
}

// overlapInPairs looks at a short list without nested transactions.
func overlapInPairs(ops []Op) *Error {
	for i, op := range ops {
		put, ok := op.(*PutRequest)
		if !ok {
			continue
		}
		for j, other := range ops {
			switch other := other.(type) {
			case *PutRequest:
				if j < i && other.Key == put.Key {
					return ErrDuplicateKey
				}
			case *DeleteRangeRequest:
				if rangeOf(other).contains(put.Key) {
					return ErrDuplicateKey
				}
			}
		}
	}
	return nil
}

// writes is what a list of operations, with all transactions nested in it, may
// write.
type writes struct {
	puts    []string
	isPut   map[string]bool
	deletes []keyRange
}

// keyRange is [begin, end), or begin alone without an end. A range_end of "\x00"
// is taken literally: a range from key on counts as empty, as in etcd, whose
// overlap check does not know that form.
type keyRange struct{ begin, end string }

func rangeOf(req *DeleteRangeRequest) keyRange { return keyRange{req.Key, req.RangeEnd} }

func (r keyRange) contains(key string) bool {
	if r.end == "" {
		return key == r.begin
	}
	return r.begin <= key && key < r.end
}

// taken reports whether a put of the key would be the second write to it.
func (w *writes) taken(key string) bool {
	if w.isPut[key] {
		return true
	}
	for _, r := range w.deletes {
		if r.contains(key) {
			return true
		}
	}
	return false
}

func (w *writes) put(key string) {
	if !w.isPut[key] {
		w.puts = append(w.puts, key)
		w.isPut[key] = true
	}
}

// writesOf collects the writes of a list, in etcd's order: the deletes of this
// level, then nested transactions one after another, then the puts of this
// level. The order is visible: a nested put is compared with the deletes of the
// transactions before it, not with those of the ones after it.
func writesOf(ops []Op) (*writes, *Error) {
	w := &writes{isPut: make(map[string]bool, len(ops))}
	for _, op := range ops {
		if del, ok := op.(*DeleteRangeRequest); ok {
			w.deletes = append(w.deletes, rangeOf(del))
		}
	}
	for _, op := range ops {
		if txn, ok := op.(*TxnRequest); ok {
			if err := w.nest(txn); err != nil {
				return nil, err
			}
		}
	}
	for _, op := range ops {
		if put, ok := op.(*PutRequest); ok {
			if w.taken(put.Key) {
				return nil, ErrDuplicateKey
			}
			w.put(put.Key)
		}
	}
	return w, nil
}

// nest adds the writes of both paths of a nested transaction. Only one of them is
// taken, so both may put the same key.
func (w *writes) nest(txn *TxnRequest) *Error {
	then, err := writesOf(txn.Success)
	if err != nil {
		return err
	}
	otherwise, err := writesOf(txn.Failure)
	if err != nil {
		return err
	}
	for _, path := range []*writes{then, otherwise} {
		for _, key := range path.puts {
			if w.taken(key) {
				return ErrDuplicateKey
			}
		}
	}
	for _, path := range []*writes{then, otherwise} {
		for _, key := range path.puts {
			w.put(key)
		}
		w.deletes = append(w.deletes, path.deletes...)
	}
	return nil
}
