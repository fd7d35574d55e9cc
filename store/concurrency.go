package store

import (
	"strconv"
	"strings"
)

// Locks and elections: services that a member offers on top of the store, as
// etcd's v3lock and v3election do. Each name is a queue of keys, ordered by the
// revisions that created them: the first key is the holder's, or the leader's, and
// the others wait. Each key hangs on a lease, so that nobody holds for ever.
//
// The revision that created the holder's key is a fencing token: it grows from
// holder to holder, and a transaction that compares it acts only as long as the
// key is there.

// LockRequest waits until the lock is the lease's. The lock is held until it is
// unlocked or the lease ends.
type LockRequest struct {
	Name string
	// Lease is the one to hold the lock by; 0 means a new one of 60 seconds.
	Lease int64
}

// UnlockRequest gives up a lock, or its place in the queue.
type UnlockRequest struct {
	// Key is the one that the LockResult told.
	Key string
}

// CampaignRequest waits until the lease leads the election.
type CampaignRequest struct {
	Name string
	// Value is what the leader proclaims.
	Value string
	// Lease is the one to lead by; 0 means a new one of 60 seconds.
	Lease int64
}

// ProclaimRequest changes the value of a leader.
type ProclaimRequest struct {
	Leader *LeaderKey
	Value  string
}

// LeaderRequest asks who leads.
type LeaderRequest struct{ Name string }

// ObserveRequest asks who leads, again and again: over a stream, it is answered
// with a LeaderResult now and after each change.
type ObserveRequest struct{ Name string }

// ResignRequest ends a leadership.
type ResignRequest struct{ Leader *LeaderKey }

// LeaderKey is what a leader leads by.
type LeaderKey struct {
	Name, Key string
	// Rev is the revision that created the key.
	Rev   int64
	Lease int64
}

// LockResult answers a LockRequest.
type LockResult struct {
	// Key exists as long as the lock is held.
	Key string
}

// UnlockResult answers an UnlockRequest.
type UnlockResult struct{}

// CampaignResult answers a CampaignRequest.
type CampaignResult struct{ Leader LeaderKey }

// ProclaimResult answers a ProclaimRequest.
type ProclaimResult struct{}

// LeaderResult answers a LeaderRequest and an ObserveRequest.
type LeaderResult struct {
	// KV is the leader's key with what it proclaims.
	KV KeyValue
}

// ResignResult answers a ResignRequest.
type ResignResult struct{}

// Errors of the services. Whatever fails within them reaches the client with the
// code Unknown, as in etcd.
var (
	ErrSessionExpired    = &Error{Unknown, "mutex: session is expired"}
	ErrElectionNotLeader = &Error{Unknown, "election: not leader"}
	ErrElectionNoLeader  = &Error{Unknown, "election: no leader"}
	ErrMissingLeaderKey  = &Error{Unknown, `"leader" field must be provided`}
	ErrDeadline          = &Error{DeadlineExceeded, "context deadline exceeded"}
)

// Service reports whether a request is one of these: a member serves it by other
// requests of its own, and may do so for a long time.
func Service(req Request) bool {
	switch req.(type) {
	case *LockRequest, *UnlockRequest, *CampaignRequest, *ProclaimRequest, *LeaderRequest, *ObserveRequest, *ResignRequest:
		return true
	}
	return false
}

// QueuePrefix returns what the keys of a lock or an election begin with, and the
// end of their range.
func QueuePrefix(name string) (prefix, end string) { return name + "/", name + "0" }

// QueueKey returns the key of a lease in the queue of a lock or an election.
func QueueKey(name string, lease int64) string {
	prefix, _ := QueuePrefix(name)
	return prefix + strconv.FormatInt(lease, 16)
}

func (*LockRequest) isRequest()     {}
func (*UnlockRequest) isRequest()   {}
func (*CampaignRequest) isRequest() {}
func (*ProclaimRequest) isRequest() {}
func (*LeaderRequest) isRequest()   {}
func (*ObserveRequest) isRequest()  {}
func (*ResignRequest) isRequest()   {}

func (*LockResult) isResult()     {}
func (*UnlockResult) isResult()   {}
func (*CampaignResult) isResult() {}
func (*ProclaimResult) isResult() {}
func (*LeaderResult) isResult()   {}
func (*ResignResult) isResult()   {}

// describeService prints a request of a service, and reports whether it is one.
func describeService(b *strings.Builder, req Request) bool {
	leader := func(k *LeaderKey) string {
		if k == nil {
			return "nobody"
		}
		return Text(k.Key) + " of rev " + strconv.FormatInt(k.Rev, 10)
	}
	switch req := req.(type) {
	case *LockRequest:
		b.WriteString("lock " + Text(req.Name))
		describeOption(b, "lease", req.Lease)
	case *UnlockRequest:
		b.WriteString("unlock " + Text(req.Key))
	case *CampaignRequest:
		b.WriteString("campaign " + Text(req.Name) + "=" + Text(req.Value))
		describeOption(b, "lease", req.Lease)
	case *ProclaimRequest:
		b.WriteString("proclaim " + leader(req.Leader) + "=" + Text(req.Value))
	case *LeaderRequest:
		b.WriteString("leader " + Text(req.Name))
	case *ObserveRequest:
		b.WriteString("observe " + Text(req.Name))
	case *ResignRequest:
		b.WriteString("resign " + leader(req.Leader))
	default:
		return false
	}
	return true
}

func describeServiceResult(b *strings.Builder, result Result) {
	switch res := result.(type) {
	case *LockResult:
		b.WriteString(" = " + Text(res.Key))
	case *CampaignResult:
		b.WriteString(" = " + Text(res.Leader.Key))
		describeNumber(b, " of rev ", res.Leader.Rev)
	case *LeaderResult:
		b.WriteString(" = " + Text(res.KV.Key) + "=" + Text(res.KV.Value))
	}
}

// Kinds of services in hashes; they are never stored.
const (
	kindService = 1<<17 + iota
	kindLock
	kindUnlock
	kindCampaign
	kindProclaim
	kindLeader
	kindResign
)

// hashService returns the hash of a request of a service: of what it prints.
func hashService(req Request) uint64 {
	var b strings.Builder
	describeService(&b, req)
	return MixString(kindService, b.String())
}

func mixService(h uint64, result Result) uint64 {
	switch res := result.(type) {
	case *LockResult:
		return MixString(Mix(h, kindLock), res.Key)
	case *UnlockResult:
		return Mix(h, kindUnlock)
	case *CampaignResult:
		return mixWords(MixString(Mix(h, kindCampaign), res.Leader.Key), uint64(res.Leader.Rev), uint64(res.Leader.Lease))
	case *ProclaimResult:
		return Mix(h, kindProclaim)
	case *LeaderResult:
		return mixKV(Mix(h, kindLeader), &res.KV)
	case *ResignResult:
		return Mix(h, kindResign)
	}
	return h
}
