package store

// KeyValue is one key at one revision.
type KeyValue struct {
	Key, Value string
	// CreateRevision is the revision that created the key in its present life.
	CreateRevision int64
	// ModRevision is the revision that wrote this version.
	ModRevision int64
	// Version counts the writes of the present life, from 1. Deletion ends a life.
	Version int64
	// Lease is the lease the key hangs on, or 0.
	Lease int64
}

// Response is the answer to a Request: either Err, or the result in the type
// that belongs to the request.
type Response struct {
	// Revision is the store's revision when the request was served, as in etcd's
	// response header.
	Revision int64
	// Err is nil on success. A refused request changed nothing.
	Err *Error
	// Result is nil if Err is not, and otherwise a pointer to the ...Result type
	// of the request.
	Result Result
}

// Result is the body of a successful response: a pointer to one of the
// ...Result types of this package.
type Result interface{ isResult() }

// RangeResult answers a RangeRequest.
type RangeResult struct {
	// KVs share memory with the store and must not be changed.
	KVs []*KeyValue
	// More reports that Limit cut the answer short.
	More bool
	// Count is the number of keys in the range, before filters and limit.
	Count int64
}

// PutResult answers a PutRequest.
type PutResult struct{ PrevKV *KeyValue }

// DeleteRangeResult answers a DeleteRangeRequest.
type DeleteRangeResult struct {
	Deleted int64
	// PrevKVs share memory with the store and must not be changed.
	PrevKVs []*KeyValue
}

// TxnResult answers a TxnRequest. Responses correspond to the operations of the
// path taken; each carries its own revision: before the first write of the
// transaction the old one, after it the new one.
type TxnResult struct {
	Succeeded bool
	Responses []Response
}

// CompactionResult answers a CompactionRequest.
type CompactionResult struct{}

// LeaseGrantResult answers a LeaseGrantRequest.
type LeaseGrantResult struct {
	ID int64
	// TTL granted, in seconds; at least the server's minimum.
	TTL int64
}

// LeaseRevokeResult answers a LeaseRevokeRequest.
type LeaseRevokeResult struct{}

func (*RangeResult) isResult()       {}
func (*PutResult) isResult()         {}
func (*DeleteRangeResult) isResult() {}
func (*TxnResult) isResult()         {}
func (*CompactionResult) isResult()  {}
func (*LeaseGrantResult) isResult()  {}
func (*LeaseRevokeResult) isResult() {}
