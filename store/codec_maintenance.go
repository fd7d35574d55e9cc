package store

// Requests about one member's data are in no log. They have kinds all the same,
// by which traces tell them apart.

// newMaintenanceRequest returns a request of a kind, or nil if it is of another
// family.
func newMaintenanceRequest(kind byte) Request {
	switch kind {
	case kindStatus:
		return new(StatusRequest)
	case kindDefragment:
		return new(DefragmentRequest)
	case kindBackendHash:
		return new(BackendHashRequest)
	case kindSnapshot:
		return new(SnapshotRequest)
	}
	return nil
}

func kindOfMaintenance(req Request) byte {
	switch req.(type) {
	case *StatusRequest:
		return kindStatus
	case *DefragmentRequest:
		return kindDefragment
	case *BackendHashRequest:
		return kindBackendHash
	case *SnapshotRequest:
		return kindSnapshot
	}
	return kindNone
}

// mixMaintenance folds an answer about a member's data into a hash.
func mixMaintenance(h uint64, result Result) uint64 {
	switch res := result.(type) {
	case *StatusResult:
		h = mixWords(h, uint64(kindStatus), uint64(res.DBSize), uint64(res.DBSizeInUse), uint64(res.DBSizeQuota), res.Leader,
			res.RaftIndex, res.RaftTerm, res.RaftAppliedIndex, bit(res.IsLearner))
		return mixStrings(MixString(MixString(h, res.Version), res.StorageVersion), res.Errors)
	case *DefragmentResult:
		return Mix(h, uint64(kindDefragment))
	case *BackendHashResult:
		return mixWords(h, uint64(kindBackendHash), uint64(res.Hash))
	case *SnapshotResult:
		return MixString(MixString(mixWords(h, uint64(kindSnapshot), res.RemainingBytes), res.Blob), res.Version)
	}
	return mixAuth(h, result)
}
