package store

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
