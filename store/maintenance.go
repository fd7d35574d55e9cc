package store

import (
	"fmt"
	"strings"
)

// HashKVRequest asks for etcd's checksum over the key-values of a member, by
// which members are compared.
type HashKVRequest struct {
	// Revision up to which to hash; 0 means the newest.
	Revision int64
}

// HashKVResult answers a HashKVRequest. Hashes may be compared if CompactRevision
// and HashRevision are equal.
type HashKVResult struct {
	Hash uint32
	// CompactRevision is the revision of the last compaction before the hash was
	// taken, or -1.
	CompactRevision int64
	// HashRevision is the newest revision that was hashed.
	HashRevision int64
}

func (*HashKVRequest) isRequest() {}
func (*HashKVResult) isResult()   {}

// RangeStreamRequest is a RangeRequest whose answer is sent in parts; the
// RangeResult is all parts merged. Custom orders and revision filters are
// refused.
type RangeStreamRequest struct{ Range RangeRequest }

func (*RangeStreamRequest) isRequest() {}

// Requests about one member and its data. None goes through the log: each member
// answers for itself.
type (
	// StatusRequest asks how the member is.
	StatusRequest struct{}
	// DefragmentRequest has the member give back the space that its data no longer
	// uses. It serves nothing meanwhile.
	DefragmentRequest struct{}
	// BackendHashRequest asks for a checksum over all that the member keeps, users and
	// leases included; etcd's Hash. Members at different indexes have different ones.
	BackendHashRequest struct{}
	// SnapshotRequest asks for all data of the member. It is sent on a stream of its
	// own, in parts.
	SnapshotRequest struct{}
)

// Versions that members report.
const (
	ServerVersion  = "3.7.3"
	StorageVersion = "3.7.0"
)

// StatusResult answers a StatusRequest.
type StatusResult struct {
	Version, StorageVersion string
	// DBSize is the size of the member's data, in bytes, and DBSizeInUse how much of it
	// is used: the difference is what defragmenting gives back. DBSizeQuota is what
	// the member may use.
	DBSize, DBSizeInUse, DBSizeQuota int64
	// Leader is the ID of the leader that the member knows, or 0.
	Leader uint64
	// RaftIndex is the commit index of the member, RaftAppliedIndex that of the last
	// entry it has applied.
	RaftIndex, RaftTerm, RaftAppliedIndex uint64
	IsLearner                             bool
	// Errors are the alarms in force, and that there is no leader.
	Errors []string
}

// DefragmentResult answers a DefragmentRequest.
type DefragmentResult struct{}

// BackendHashResult answers a BackendHashRequest.
type BackendHashResult struct{ Hash uint32 }

// SnapshotResult is a part of the answer to a SnapshotRequest. The last part is the
// SHA-256 of all others.
type SnapshotResult struct {
	// RemainingBytes of the data follow; 0 in the last part of the data and in the
	// checksum.
	RemainingBytes uint64
	Blob           []byte
	Version        string
}

// Bytes returns about what the part takes on the wire.
func (r *SnapshotResult) Bytes() int64 { return int64(len(r.Blob) + len(r.Version) + 16) }

func (*StatusRequest) isRequest()      {}
func (*DefragmentRequest) isRequest()  {}
func (*BackendHashRequest) isRequest() {}
func (*SnapshotRequest) isRequest()    {}

func (*StatusResult) isResult()      {}
func (*DefragmentResult) isResult()  {}
func (*BackendHashResult) isResult() {}
func (*SnapshotResult) isResult()    {}

// describeMaintenance prints a request about a member's data, and reports whether
// it is one.
func describeMaintenance(b *strings.Builder, req Request) bool {
	switch req.(type) {
	case *StatusRequest:
		b.WriteString("status")
	case *DefragmentRequest:
		b.WriteString("defragment")
	case *BackendHashRequest:
		b.WriteString("hash all")
	case *SnapshotRequest:
		b.WriteString("snapshot")
	default:
		return false
	}
	return true
}

// describeMaintenanceResult prints an answer, and reports whether it is one.
func describeMaintenanceResult(b *strings.Builder, result Result) bool {
	switch res := result.(type) {
	case *StatusResult:
		fmt.Fprintf(b, " = leader n%d term %d index %d applied %d, %d of %d bytes in use",
			res.Leader, res.RaftTerm, res.RaftIndex, res.RaftAppliedIndex, res.DBSizeInUse, res.DBSize)
		for _, text := range res.Errors {
			b.WriteString(", " + text)
		}
	case *BackendHashResult:
		fmt.Fprintf(b, " = %08x", res.Hash)
	case *SnapshotResult:
		fmt.Fprintf(b, " = %d bytes, %d remain", len(res.Blob), res.RemainingBytes)
	case *DefragmentResult:
	default:
		return false
	}
	return true
}
