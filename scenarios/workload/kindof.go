package workload

import (
	"fmt"

	"etcdsim/store"
)

// KindOf returns the kind of a request that was written down, rather than drawn as one
// of a certain kind.
func KindOf(req store.Request) Kind {
	switch r := req.(type) {
	case *store.PutRequest:
		return Put
	case *store.RangeRequest:
		switch {
		case r.CountOnly:
			return Count
		case r.RangeEnd == "":
			return Get
		}
		return Range
	case *store.RangeStreamRequest:
		return Range
	case *store.DeleteRangeRequest:
		if r.RangeEnd == "" {
			return Delete
		}
		return Clear
	case *store.TxnRequest:
		return Txn
	case *store.CompactionRequest:
		return Compact
	case *store.LeaseGrantRequest:
		return Grant
	case *store.LeaseRevokeRequest:
		return Revoke
	case *store.LeaseKeepAliveRequest:
		return KeepAlive
	case *store.LeaseTimeToLiveRequest:
		return TimeToLive
	case *store.LockRequest:
		return Lock
	case *store.UnlockRequest:
		return Unlock
	case *store.CampaignRequest:
		return Campaign
	case *store.ProclaimRequest:
		return Proclaim
	case *store.LeaderRequest:
		return Leader
	case *store.ResignRequest:
		return Resign
	case *store.MemberListRequest:
		return MemberList
	case *store.MemberAddRequest:
		return MemberAdd
	case *store.MemberRemoveRequest:
		return MemberRemove
	case *store.MemberUpdateRequest:
		return MemberUpdate
	case *store.MemberPromoteRequest:
		return MemberPromote
	case *store.MoveLeaderRequest:
		return MoveLeader
	}
	panic(fmt.Sprintf("workload: a %T has no kind by itself", req))
}
