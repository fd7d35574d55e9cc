package store

// Requests about leases beyond granting and revoking. Time itself is no part of
// the store: who leads counts the seconds, and the log carries what follows.

// LeaseCheckpointRequest records how much of their time leases have left, so
// that the next leader does not begin again from the full TTL (etcd #9888).
type LeaseCheckpointRequest struct{ Checkpoints []LeaseCheckpoint }

// LeaseCheckpoint is the remaining time of one lease.
type LeaseCheckpoint struct {
	ID int64
	// RemainingTTL in seconds; 0 erases the checkpoint.
	RemainingTTL int64
}

// LeaseKeepAliveRequest asks the leader to start a lease's time anew.
type LeaseKeepAliveRequest struct{ ID int64 }

// LeaseTimeToLiveRequest asks how long a lease has left.
type LeaseTimeToLiveRequest struct {
	ID int64
	// Keys asks for the keys on the lease, too.
	Keys bool
}

// LeaseLeasesRequest asks for all leases.
type LeaseLeasesRequest struct{}

// LeaseCheckpointResult answers a LeaseCheckpointRequest.
type LeaseCheckpointResult struct{}

// LeaseKeepAliveResult answers a LeaseKeepAliveRequest. An unknown lease is not
// an error: its TTL is 0.
type LeaseKeepAliveResult struct {
	ID int64
	// TTL in seconds from now on.
	TTL int64
}

// LeaseTimeToLiveResult answers a LeaseTimeToLiveRequest. An unknown lease is
// not an error: its TTL is -1.
type LeaseTimeToLiveResult struct {
	ID int64
	// TTL is what is left, GrantedTTL what was granted, both in seconds.
	TTL, GrantedTTL int64
	// Keys are sorted.
	Keys []string
}

// LeaseLeasesResult answers a LeaseLeasesRequest.
type LeaseLeasesResult struct {
	// Leases are the IDs, in ascending order.
	Leases []int64
}

func (*LeaseCheckpointRequest) isRequest() {}
func (*LeaseKeepAliveRequest) isRequest()  {}
func (*LeaseTimeToLiveRequest) isRequest() {}
func (*LeaseLeasesRequest) isRequest()     {}

func (*LeaseCheckpointResult) isResult() {}
func (*LeaseKeepAliveResult) isResult()  {}
func (*LeaseTimeToLiveResult) isResult() {}
func (*LeaseLeasesResult) isResult()     {}
