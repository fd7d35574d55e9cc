package store

// Request is one request to the store: a pointer to one of the ...Request types
// of this package. It is immutable once it was sent.
type Request interface{ isRequest() }

// Op is a request that may stand inside a transaction: *RangeRequest,
// *PutRequest, *DeleteRangeRequest or *TxnRequest.
type Op interface {
	Request
	isOp()
}

// A key range is written as in etcd, by key and range_end: an empty end means
// the key alone, "\x00" means all keys from key on, otherwise [key, end).

// RangeRequest reads keys.
type RangeRequest struct {
	Key, RangeEnd string
	// Limit bounds the number of keys returned; 0 or less means no limit.
	Limit int64
	// Revision is the point in history to read at; 0 or less means the newest.
	Revision   int64
	SortOrder  SortOrder
	SortTarget SortTarget
	// Serializable reads the member's own state, which may be stale, instead of
	// confirming it with a quorum first.
	Serializable bool
	KeysOnly     bool
	CountOnly    bool
	// Revision filters, both ends included; 0 means no bound.
	MinModRevision, MaxModRevision       int64
	MinCreateRevision, MaxCreateRevision int64
}

// PutRequest writes one key.
type PutRequest struct {
	Key, Value string
	// Lease attaches the key to a lease; 0 means none.
	Lease int64
	// PrevKV asks for the key-value before the put.
	PrevKV bool
	// IgnoreValue keeps the present value, IgnoreLease the present lease. The key
	// must exist.
	IgnoreValue, IgnoreLease bool
}

// DeleteRangeRequest deletes keys.
type DeleteRangeRequest struct {
	Key, RangeEnd string
	// PrevKV asks for the deleted key-values.
	PrevKV bool
}

// TxnRequest applies Success if every comparison holds and Failure otherwise,
// atomically and under one revision.
type TxnRequest struct {
	Compare          []Compare
	Success, Failure []Op
}

// Compare is one guard of a transaction. A guard with a range holds if it holds
// for every key of the range; on a range without keys it is judged as on a
// missing key.
type Compare struct {
	Result        CompareResult
	Target        CompareTarget
	Key, RangeEnd string
	// Value is compared if Target is CompareValue, Num otherwise: a version, a
	// create revision, a mod revision or a lease ID.
	Value string
	Num   int64
}

// CompactionRequest drops the history at and before Revision that is not
// needed to read at Revision.
type CompactionRequest struct {
	Revision int64
	// Physical asks that the answer wait until the space is reclaimed.
	Physical bool
}

// LeaseGrantRequest creates a lease.
type LeaseGrantRequest struct {
	// TTL in seconds.
	TTL int64
	// ID is chosen by the member if 0.
	ID int64
}

// LeaseRevokeRequest ends a lease and deletes its keys.
type LeaseRevokeRequest struct{ ID int64 }

func (*RangeRequest) isRequest()       {}
func (*PutRequest) isRequest()         {}
func (*DeleteRangeRequest) isRequest() {}
func (*TxnRequest) isRequest()         {}
func (*CompactionRequest) isRequest()  {}
func (*LeaseGrantRequest) isRequest()  {}
func (*LeaseRevokeRequest) isRequest() {}

func (*RangeRequest) isOp()       {}
func (*PutRequest) isOp()         {}
func (*DeleteRangeRequest) isOp() {}
func (*TxnRequest) isOp()         {}

// SortOrder is the direction of a sorted range; the values are etcd's.
type SortOrder int32

// Orders of a range.
const (
	SortNone SortOrder = iota
	SortAscend
	SortDescend
)

// SortTarget is what a range is sorted by; the values are etcd's.
type SortTarget int32

// Targets of a sort.
const (
	SortByKey SortTarget = iota
	SortByVersion
	SortByCreate
	SortByMod
	SortByValue
)

// CompareResult is the relation a comparison asks for; the values are etcd's.
type CompareResult int32

// Relations of a comparison.
const (
	CompareEqual CompareResult = iota
	CompareGreater
	CompareLess
	CompareNotEqual
)

// CompareTarget is what a comparison looks at; the values are etcd's.
type CompareTarget int32

// Targets of a comparison.
const (
	CompareVersion CompareTarget = iota
	CompareCreate
	CompareMod
	CompareValue
	CompareLease
)

// Proposal is what a log entry carries: a request and who asks.
type Proposal struct {
	// ID is unique within a run. The member that holds the waiter of this ID
	// answers its client; the checkers resolve unknown outcomes by it.
	ID uint64
	// User and AuthRevision are what the member found when it took the request
	// in; empty and 0 without auth. The rules of the revision at which the entry
	// is applied decide (etcd #5739).
	User         string
	AuthRevision uint64
	Request      Request
}
