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
	}
	return nil
}

// ReadOnly reports whether a request changes nothing, so that it need not go
// through the log. As in etcd, a transaction is read-only if it consists of
// ranges; one with a nested transaction is not.
func ReadOnly(req Request) bool {
	switch req := req.(type) {
	case *RangeRequest, *RangeStreamRequest, *HashKVRequest, *LeaseTimeToLiveRequest, *LeaseLeasesRequest, *LeaseKeepAliveRequest:
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
	case *HashKVRequest:
		return true // of this member, by definition
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
	if !mayOverlap(req.Success) && !mayOverlap(req.Failure) {
		return nil
	}
	if _, err := writesOf(req.Success); err != nil {
		return err
	}
	_, err := writesOf(req.Failure)
	return err
}

// mayOverlap tells the frequent harmless lists, with at most one write, from
// those worth a closer look.
func mayOverlap(ops []Op) bool {
	writes := 0
	for _, op := range ops {
		switch op.(type) {
		case *PutRequest, *DeleteRangeRequest:
			writes++
		case *TxnRequest:
			return true
		}
	}
	return writes > 1
}

// writes is what a list of operations, with all transactions nested in it, may
// write.
type writes struct {
	puts    map[string]bool
	deletes []keyRange
}

// keyRange is [begin, end), or begin alone without an end. A range_end of "\x00"
// is taken literally: a range from key on counts as empty, as in etcd, whose
// overlap check does not know that form.
type keyRange struct{ begin, end string }

func (r keyRange) contains(key string) bool {
	if r.end == "" {
		return key == r.begin
	}
	return r.begin <= key && key < r.end
}

func (w *writes) deleted(key string) bool {
	for _, r := range w.deletes {
		if r.contains(key) {
			return true
		}
	}
	return false
}

// writesOf collects the writes of a list, in etcd's order: the deletes of this
// level, then nested transactions one after another, then the puts of this
// level. The order is visible: a nested put is compared with the deletes of the
// transactions before it, not with those of the ones after it.
func writesOf(ops []Op) (writes, *Error) {
	w := writes{puts: make(map[string]bool, len(ops))}
	for _, op := range ops {
		if del, ok := op.(*DeleteRangeRequest); ok {
			w.deletes = append(w.deletes, keyRange{del.Key, del.RangeEnd})
		}
	}
	for _, op := range ops {
		if txn, ok := op.(*TxnRequest); ok {
			if err := w.addNested(txn); err != nil {
				return w, err
			}
		}
	}
	for _, op := range ops {
		if put, ok := op.(*PutRequest); ok {
			if w.puts[put.Key] || w.deleted(put.Key) {
				return w, ErrDuplicateKey
			}
			w.puts[put.Key] = true
		}
	}
	return w, nil
}

func (w *writes) addNested(txn *TxnRequest) *Error {
	then, err := writesOf(txn.Success)
	if err != nil {
		return err
	}
	otherwise, err := writesOf(txn.Failure)
	if err != nil {
		return err
	}
	for key := range then.puts { //unordered: every order finds the same error or none
		if w.puts[key] || w.deleted(key) {
			return ErrDuplicateKey
		}
	}
	for key := range otherwise.puts { //unordered: every order finds the same error or none
		// Only one of the two paths is taken: they may put the same key.
		if w.puts[key] || w.deleted(key) {
			return ErrDuplicateKey
		}
	}
	for key := range then.puts { //unordered: fills a set
		w.puts[key] = true
	}
	for key := range otherwise.puts { //unordered: fills a set
		w.puts[key] = true
	}
	w.deletes = append(append(w.deletes, then.deletes...), otherwise.deletes...)
	return nil
}
