package store

// Error is an error as etcd sends it: a gRPC status code and a text. Clients
// match on both. Errors are compared by identity.
type Error struct {
	Code Code
	Text string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Code is a gRPC status code.
type Code uint32

// The codes in use; the values are gRPC's.
const (
	Canceled           Code = 1
	Unknown            Code = 2
	InvalidArgument    Code = 3
	DeadlineExceeded   Code = 4
	NotFound           Code = 5
	PermissionDenied   Code = 7
	ResourceExhausted  Code = 8
	FailedPrecondition Code = 9
	OutOfRange         Code = 11
	Unimplemented      Code = 12
	Internal           Code = 13
	Unavailable        Code = 14
	DataLoss           Code = 15
	Unauthenticated    Code = 16
)

// String returns gRPC's name of the code.
func (c Code) String() string {
	return name(int(c), "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
		"PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented", "Internal",
		"Unavailable", "DataLoss", "Unauthenticated")
}

// Errors of the store and of the member that serves it, as in etcd's
// api/v3rpc/rpctypes.
var (
	ErrEmptyKey         = &Error{InvalidArgument, "etcdserver: key is not provided"}
	ErrKeyNotFound      = &Error{InvalidArgument, "etcdserver: key not found"}
	ErrValueProvided    = &Error{InvalidArgument, "etcdserver: value is provided"}
	ErrLeaseProvided    = &Error{InvalidArgument, "etcdserver: lease is provided"}
	ErrTooManyOps       = &Error{InvalidArgument, "etcdserver: too many operations in txn request"}
	ErrDuplicateKey     = &Error{InvalidArgument, "etcdserver: duplicate key given in txn request"}
	ErrInvalidSort      = &Error{InvalidArgument, "etcdserver: invalid sort option"}
	ErrStreamSort       = &Error{Unimplemented, "RangeStream does not support custom sort orders"}
	ErrStreamFilter     = &Error{Unimplemented, "RangeStream does not support revision filters"}
	ErrCompacted        = &Error{OutOfRange, "etcdserver: mvcc: required revision has been compacted"}
	ErrFutureRevision   = &Error{OutOfRange, "etcdserver: mvcc: required revision is a future revision"}
	ErrNoSpace          = &Error{ResourceExhausted, "etcdserver: mvcc: database space exceeded"}
	ErrLeaseNotFound    = &Error{NotFound, "etcdserver: requested lease not found"}
	ErrLeaseExists      = &Error{FailedPrecondition, "etcdserver: lease already exists"}
	ErrLeaseTTLTooLarge = &Error{OutOfRange, "etcdserver: too large lease TTL"}
	ErrRequestTooLarge  = &Error{InvalidArgument, "etcdserver: request is too large"}
	ErrTooManyRequests  = &Error{Unknown, "etcdserver: too many requests"}
	ErrNoLeader         = &Error{Unavailable, "etcdserver: no leader"}
	ErrLeaderChanged    = &Error{Unavailable, "etcdserver: leader changed"}
	ErrStopped          = &Error{Unavailable, "etcdserver: server stopped"}
	ErrNotLeader        = &Error{FailedPrecondition, "etcdserver: not leader"}
	ErrTimeout          = &Error{Unavailable, "etcdserver: request timed out"}
	// ErrNotSupportedForLearner refuses what learners do not serve.
	ErrNotSupportedForLearner = &Error{FailedPrecondition, "etcdserver: rpc not supported for learner"}
	// ErrTimeoutLeaderFail and ErrTimeoutConnectionLost replace ErrTimeout where
	// the member can tell why.
	ErrTimeoutLeaderFail     = &Error{Unavailable, "etcdserver: request timed out, possibly due to previous leader failure"}
	ErrTimeoutConnectionLost = &Error{Unavailable, "etcdserver: request timed out, possibly due to connection lost"}
)

// Errors of the connection between a client and a member, which are no answer
// of etcd's: nobody listened, or the member died while the client waited.
var (
	ErrConnectionRefused = &Error{Unavailable, "connection refused"}
	ErrConnectionReset   = &Error{Unavailable, "connection reset by peer"}
)

// MaybeApplied reports whether a write refused with this error may have taken
// effect all the same: the member stopped waiting, the log did not.
func (e *Error) MaybeApplied() bool {
	switch e {
	case ErrNoSpace: // one that exceeds the quota when it is applied is refused afterwards
		return true
	case ErrTimeout, ErrTimeoutLeaderFail, ErrTimeoutConnectionLost, ErrStopped, ErrLeaderChanged, ErrConnectionReset:
		return true
	}
	return e.Code == DeadlineExceeded || e.Code == Canceled
}
