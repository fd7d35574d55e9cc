package store

// The encoding of a proposal, as a log entry carries it:
//
//	kind of request, with authorized set if a user follows  1 byte
//	proposal ID                                             integer
//	user, auth revision                                     string, integer
//	the request's fields                                    see appendRequest
//
// Booleans of a request share one byte of flags, which also says whether the
// rarely used integers follow. A put of a short key and value costs its strings
// plus 7 bytes or so.

// Kinds of requests on the wire. The values are stored in logs and snapshots:
// new kinds go to the end.
const (
	kindNone byte = iota // a missing operation of a transaction
	kindRange
	kindPut
	kindDeleteRange
	kindTxn
	kindCompaction
	kindLeaseGrant
	kindLeaseRevoke
	kindLeaseCheckpoint
	kindLeaseKeepAlive
	kindLeaseTimeToLive
	kindLeaseLeases
	kindHashKV
	kindRangeStream
	kindMemberList
	kindMemberAdd
	kindMemberRemove
	kindMemberUpdate
	kindMemberPromote
	kindMemberPublish
	kindMoveLeader
	kindAuthEnable
	kindAuthDisable
	kindAuthStatus
	kindAuthenticate
	kindUserAdd
	kindUserDelete
	kindUserChangePassword
	kindUserGrantRole
	kindUserRevokeRole
	kindUserGet
	kindUserList
	kindRoleAdd
	kindRoleDelete
	kindRoleGet
	kindRoleList
	kindRoleGrantPermission
	kindRoleRevokePermission
	kindAlarm
	kindStatus
	kindDefragment
	kindBackendHash
	kindSnapshot
	kindHTTP
	kindOlder

	authorized byte = 1 << 7
)

// maxDepth bounds the nesting of transactions, as protobuf bounds that of
// messages, so that no input can exhaust the stack.
const maxDepth = 10_000

// AppendProposal appends the encoding of p to buf and returns the result.
func AppendProposal(buf []byte, p *Proposal) []byte {
	kind := kindOf(p.Request)
	if p.User != "" || p.AuthRevision != 0 {
		buf = AppendUint(append(buf, kind|authorized), p.ID)
		buf = AppendUint(AppendString(buf, p.User), p.AuthRevision)
	} else {
		buf = AppendUint(append(buf, kind), p.ID)
	}
	return appendFields(buf, p.Request)
}

// DecodeProposal is the inverse of AppendProposal. It makes one copy of data, of
// which all strings of the proposal are parts. The error names the first byte
// that does not belong there.
func DecodeProposal(data []byte) (*Proposal, error) {
	r := NewReader(string(data))
	kind := r.Byte()
	if kind&^authorized == kindPut {
		return decodePut(&r, kind)
	}
	p := new(Proposal)
	readProposer(&r, kind, p)
	p.Request = readFields(&r, kind&^authorized, 0)
	return p, r.End()
}

// decodePut decodes the most frequent request with one allocation.
func decodePut(r *Reader, kind byte) (*Proposal, error) {
	both := new(struct {
		proposal Proposal
		put      PutRequest
	})
	readProposer(r, kind, &both.proposal)
	readPut(r, &both.put)
	both.proposal.Request = &both.put
	return &both.proposal, r.End()
}

func readProposer(r *Reader, kind byte, p *Proposal) {
	p.ID = r.Uint()
	if kind&authorized != 0 {
		p.User, p.AuthRevision = r.String(), r.Uint()
		if p.User == "" && p.AuthRevision == 0 {
			r.Fail("expected a user")
		}
	}
}

func kindOf(req Request) byte {
	switch req.(type) {
	case *RangeRequest:
		return kindRange
	case *PutRequest:
		return kindPut
	case *DeleteRangeRequest:
		return kindDeleteRange
	case *TxnRequest:
		return kindTxn
	case *CompactionRequest:
		return kindCompaction
	case *LeaseGrantRequest:
		return kindLeaseGrant
	case *LeaseRevokeRequest:
		return kindLeaseRevoke
	case *LeaseCheckpointRequest:
		return kindLeaseCheckpoint
	case *LeaseKeepAliveRequest:
		return kindLeaseKeepAlive
	case *LeaseTimeToLiveRequest:
		return kindLeaseTimeToLive
	case *LeaseLeasesRequest:
		return kindLeaseLeases
	case *HashKVRequest:
		return kindHashKV
	case *RangeStreamRequest:
		return kindRangeStream
	case *MemberListRequest:
		return kindMemberList
	case *MemberAddRequest:
		return kindMemberAdd
	case *MemberRemoveRequest:
		return kindMemberRemove
	case *MemberUpdateRequest:
		return kindMemberUpdate
	case *MemberPromoteRequest:
		return kindMemberPromote
	case *MemberPublishRequest:
		return kindMemberPublish
	case *MoveLeaderRequest:
		return kindMoveLeader
	case *HTTPRequest:
		return kindHTTP
	case *OlderRequest:
		return kindOlder
	}
	if kind := kindOfAuth(req); kind != kindNone {
		return kind
	}
	return kindOfMaintenance(req)
}

// appendRequest appends a request with its kind.
func appendRequest(buf []byte, req Request) []byte {
	return appendFields(append(buf, kindOf(req)), req)
}

func appendFields(buf []byte, req Request) []byte {
	switch req := req.(type) {
	case *RangeRequest:
		return appendRange(buf, req)
	case *PutRequest:
		return appendPut(buf, req)
	case *DeleteRangeRequest:
		buf = append(buf, flags(req.PrevKV))
		return AppendString(AppendString(buf, req.Key), req.RangeEnd)
	case *TxnRequest:
		return appendTxn(buf, req)
	case *CompactionRequest:
		return AppendInt(append(buf, flags(req.Physical)), req.Revision)
	case *LeaseGrantRequest:
		return AppendInt(AppendInt(buf, req.TTL), req.ID)
	case *LeaseRevokeRequest:
		return AppendInt(buf, req.ID)
	case *LeaseCheckpointRequest:
		buf = AppendUint(buf, uint64(len(req.Checkpoints)))
		for _, c := range req.Checkpoints {
			buf = AppendInt(AppendInt(buf, c.ID), c.RemainingTTL)
		}
		return buf
	case *LeaseKeepAliveRequest:
		return AppendInt(buf, req.ID)
	case *LeaseTimeToLiveRequest:
		return AppendInt(append(buf, flags(req.Keys)), req.ID)
	case *HashKVRequest:
		return AppendInt(buf, req.Revision)
	case *RangeStreamRequest:
		return appendRange(buf, &req.Range)
	case *HTTPRequest:
		buf = AppendString(AppendString(buf, req.Method), req.Path)
		return AppendString(AppendString(buf, req.Query), req.Body)
	case *OlderRequest:
		return AppendString(buf, req.Command)
	}
	return appendAuthFields(appendMemberFields(buf, req), req)
}

// readFields reads a request of the given kind; nil for a missing one.
func readFields(r *Reader, kind byte, depth int) Request {
	switch kind {
	case kindNone, kindRange, kindPut, kindDeleteRange, kindTxn:
		if op := readOp(r, kind, depth); op != nil {
			return op
		}
		return nil
	case kindCompaction:
		return &CompactionRequest{Physical: readFlags(r, 1)&1 != 0, Revision: r.Int()}
	case kindLeaseGrant:
		return &LeaseGrantRequest{TTL: r.Int(), ID: r.Int()}
	case kindLeaseRevoke:
		return &LeaseRevokeRequest{ID: r.Int()}
	case kindLeaseCheckpoint:
		req := new(LeaseCheckpointRequest)
		if n := r.Count(); n > 0 {
			req.Checkpoints = make([]LeaseCheckpoint, n)
		}
		for i := range req.Checkpoints {
			req.Checkpoints[i] = LeaseCheckpoint{ID: r.Int(), RemainingTTL: r.Int()}
		}
		return req
	case kindLeaseKeepAlive:
		return &LeaseKeepAliveRequest{ID: r.Int()}
	case kindLeaseTimeToLive:
		return &LeaseTimeToLiveRequest{Keys: readFlags(r, 1)&1 != 0, ID: r.Int()}
	case kindLeaseLeases:
		return &LeaseLeasesRequest{}
	case kindHashKV:
		return &HashKVRequest{Revision: r.Int()}
	case kindRangeStream:
		req := new(RangeStreamRequest)
		readRange(r, &req.Range)
		return req
	case kindHTTP:
		return &HTTPRequest{Method: r.String(), Path: r.String(), Query: r.String(), Body: r.String()}
	case kindOlder:
		return &OlderRequest{Command: r.String()}
	}
	if req := readMemberFields(r, kind); req != nil {
		return req
	}
	if req := readAuthFields(r, kind); req != nil {
		return req
	}
	if req := newMaintenanceRequest(kind); req != nil {
		return req
	}
	r.Fail("expected a kind of request, found %d", kind)
	return nil
}

func readOp(r *Reader, kind byte, depth int) Op {
	switch kind {
	case kindNone:
		return nil
	case kindRange:
		req := new(RangeRequest)
		readRange(r, req)
		return req
	case kindPut:
		req := new(PutRequest)
		readPut(r, req)
		return req
	case kindDeleteRange:
		return &DeleteRangeRequest{PrevKV: readFlags(r, 1)&1 != 0, Key: r.String(), RangeEnd: r.String()}
	case kindTxn:
		return readTxn(r, depth+1)
	}
	r.Fail("expected a kind of operation, found %d", kind)
	return nil
}

// Flags of a range: booleans first, then which rare fields follow.
const (
	rangeSerializable = 1 << iota
	rangeKeysOnly
	rangeCountOnly
	rangeHasLimit
	rangeHasRevision
	rangeHasSort
	rangeHasFilters
	rangeFlags = 7
)

func appendRange(buf []byte, req *RangeRequest) []byte {
	sorted := req.SortOrder != 0 || req.SortTarget != 0
	filtered := req.MinModRevision != 0 || req.MaxModRevision != 0 || req.MinCreateRevision != 0 || req.MaxCreateRevision != 0
	buf = append(buf, flags(req.Serializable, req.KeysOnly, req.CountOnly, req.Limit != 0, req.Revision != 0, sorted, filtered))
	buf = AppendString(AppendString(buf, req.Key), req.RangeEnd)
	if req.Limit != 0 {
		buf = AppendInt(buf, req.Limit)
	}
	if req.Revision != 0 {
		buf = AppendInt(buf, req.Revision)
	}
	if sorted {
		buf = AppendInt(AppendInt(buf, int64(req.SortOrder)), int64(req.SortTarget))
	}
	if filtered {
		buf = AppendInt(AppendInt(buf, req.MinModRevision), req.MaxModRevision)
		buf = AppendInt(AppendInt(buf, req.MinCreateRevision), req.MaxCreateRevision)
	}
	return buf
}

func readRange(r *Reader, req *RangeRequest) {
	f := readFlags(r, rangeFlags)
	req.Serializable, req.KeysOnly, req.CountOnly = f&rangeSerializable != 0, f&rangeKeysOnly != 0, f&rangeCountOnly != 0
	req.Key, req.RangeEnd = r.String(), r.String()
	if f&rangeHasLimit != 0 {
		req.Limit = readNonzero(r)
	}
	if f&rangeHasRevision != 0 {
		req.Revision = readNonzero(r)
	}
	if f&rangeHasSort != 0 {
		req.SortOrder, req.SortTarget = SortOrder(readInt32(r)), SortTarget(readInt32(r))
		if req.SortOrder == 0 && req.SortTarget == 0 {
			r.Fail("expected an order")
		}
	}
	if f&rangeHasFilters != 0 {
		req.MinModRevision, req.MaxModRevision = r.Int(), r.Int()
		req.MinCreateRevision, req.MaxCreateRevision = r.Int(), r.Int()
		if req.MinModRevision == 0 && req.MaxModRevision == 0 && req.MinCreateRevision == 0 && req.MaxCreateRevision == 0 {
			r.Fail("expected a filter")
		}
	}
}

const (
	putPrevKV = 1 << iota
	putIgnoreValue
	putIgnoreLease
	putHasLease
	putFlags = 4
)

func appendPut(buf []byte, req *PutRequest) []byte {
	buf = append(buf, flags(req.PrevKV, req.IgnoreValue, req.IgnoreLease, req.Lease != 0))
	buf = AppendString(AppendString(buf, req.Key), req.Value)
	if req.Lease != 0 {
		buf = AppendInt(buf, req.Lease)
	}
	return buf
}

func readPut(r *Reader, req *PutRequest) {
	f := readFlags(r, putFlags)
	req.PrevKV, req.IgnoreValue, req.IgnoreLease = f&putPrevKV != 0, f&putIgnoreValue != 0, f&putIgnoreLease != 0
	req.Key, req.Value = r.String(), r.String()
	if f&putHasLease != 0 {
		req.Lease = readNonzero(r)
	}
}

func appendTxn(buf []byte, req *TxnRequest) []byte {
	buf = AppendUint(buf, uint64(len(req.Compare)))
	for i := range req.Compare {
		c := &req.Compare[i]
		buf = AppendInt(AppendInt(buf, int64(c.Result)), int64(c.Target))
		buf = AppendString(AppendString(buf, c.Key), c.RangeEnd)
		buf = AppendInt(AppendString(buf, c.Value), c.Num)
	}
	return appendOps(appendOps(buf, req.Success), req.Failure)
}

func appendOps(buf []byte, ops []Op) []byte {
	buf = AppendUint(buf, uint64(len(ops)))
	for _, op := range ops {
		buf = appendRequest(buf, op)
	}
	return buf
}

func readTxn(r *Reader, depth int) *TxnRequest {
	req := new(TxnRequest)
	if depth > maxDepth {
		r.Fail("expected at most %d nested transactions", maxDepth)
		return req
	}
	if n := r.Count(); n > 0 {
		req.Compare = make([]Compare, n)
	}
	for i := range req.Compare {
		c := &req.Compare[i]
		c.Result, c.Target = CompareResult(readInt32(r)), CompareTarget(readInt32(r))
		c.Key, c.RangeEnd, c.Value, c.Num = r.String(), r.String(), r.String(), r.Int()
	}
	req.Success = readOps(r, depth)
	req.Failure = readOps(r, depth)
	return req
}

func readOps(r *Reader, depth int) []Op {
	n := r.Count()
	if n == 0 {
		return nil
	}
	ops := make([]Op, n)
	for i := range ops {
		ops[i] = readOp(r, r.Byte(), depth)
	}
	return ops
}

// flags packs booleans into a byte, the first one lowest.
func flags(bits ...bool) byte {
	var f byte
	for i, b := range bits {
		if b {
			f |= 1 << i
		}
	}
	return f
}

// readFlags reads n flags.
func readFlags(r *Reader, n int) byte {
	f := r.Byte()
	if f>>n != 0 {
		r.Fail("expected %d flags, found %#x", n, f)
	}
	return f
}

// readNonzero reads an integer that is written only if it is not 0.
func readNonzero(r *Reader) int64 {
	v := r.Int()
	if v == 0 {
		r.Fail("expected an integer other than 0")
	}
	return v
}

func readInt32(r *Reader) int32 {
	v := r.Int()
	if v != int64(int32(v)) {
		r.Fail("expected an integer of 32 bits, found %d", v)
	}
	return int32(v)
}
