package store

import "math/bits"

// The hashes of this package identify things in traces and compare members. They
// are the same on every machine and every run, cost about a nanosecond for eight
// bytes, and guard against accidents, not adversaries.

// Mix folds a word into a hash: a wide multiplication in the manner of wyhash.
// The old hash is added back, so that no word can erase what came before.
func Mix(h, word uint64) uint64 {
	hi, lo := bits.Mul64(h^0xa0761d6478bd642f, word^0xe7037ed1a0b428db)
	return bits.RotateLeft64(h, 23) + (hi ^ lo)
}

// MixString folds a string into a hash; its length counts, so that neighbours
// cannot lend each other bytes.
func MixString[S string | []byte](h uint64, s S) uint64 {
	h = Mix(h, uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		h = Mix(h, word(s))
	}
	if len(s) == 0 {
		return h
	}
	var tail uint64
	if len(s) >= 4 {
		tail = uint64(half(s)) | uint64(half(s[len(s)-4:]))<<32
	} else {
		tail = uint64(s[0]) | uint64(s[len(s)>>1])<<8 | uint64(s[len(s)-1])<<16
	}
	return Mix(h, tail)
}

func word[S string | []byte](s S) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func half[S string | []byte](s S) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// HashRequest returns the hash of a request's encoding.
func HashRequest(req Request) uint64 {
	var space [192]byte // enough for most
	kind := kindOf(req)
	fields := space[:0]
	switch req := req.(type) {
	case *PutRequest:
		fields = appendPut(fields, req)
	case *RangeRequest:
		fields = appendRange(fields, req)
	default:
		if Service(req) {
			return hashService(req)
		}
		// Encoding a transaction recurs, so the compiler cannot know that the
		// space is not kept: it takes heap.
		return MixString(uint64(kind), appendFields(nil, req))
	}
	return MixString(uint64(kind), fields)
}

// HashResponse returns the hash of a response, results of nested operations
// included.
func HashResponse(resp Response) uint64 {
	return mixResponse(0, &resp)
}

func mixResponse(h uint64, resp *Response) uint64 {
	h = Mix(h, uint64(resp.Revision))
	if resp.Err != nil {
		return MixString(Mix(h, uint64(resp.Err.Code)), resp.Err.Text)
	}
	switch res := resp.Result.(type) {
	case *RangeResult:
		return mixKVs(Mix(Mix(h, uint64(kindRange)), uint64(res.Count)<<1|bit(res.More)), res.KVs)
	case *PutResult:
		h = Mix(h, uint64(kindPut))
		if res.PrevKV != nil {
			h = mixKV(h, res.PrevKV)
		}
		return h
	case *DeleteRangeResult:
		return mixKVs(Mix(Mix(h, uint64(kindDeleteRange)), uint64(res.Deleted)), res.PrevKVs)
	case *TxnResult:
		h = Mix(Mix(Mix(h, uint64(kindTxn)), bit(res.Succeeded)), uint64(len(res.Responses)))
		for i := range res.Responses {
			h = mixResponse(h, &res.Responses[i])
		}
		return h
	case *CompactionResult:
		return Mix(h, uint64(kindCompaction))
	case *LeaseGrantResult:
		return mixWords(h, uint64(kindLeaseGrant), uint64(res.ID), uint64(res.TTL))
	case *LeaseRevokeResult:
		return Mix(h, uint64(kindLeaseRevoke))
	case *LeaseCheckpointResult:
		return Mix(h, uint64(kindLeaseCheckpoint))
	case *LeaseKeepAliveResult:
		return mixWords(h, uint64(kindLeaseKeepAlive), uint64(res.ID), uint64(res.TTL))
	case *LeaseTimeToLiveResult:
		h = mixWords(h, uint64(kindLeaseTimeToLive), uint64(res.ID), uint64(res.TTL), uint64(res.GrantedTTL), uint64(len(res.Keys)))
		for _, key := range res.Keys {
			h = MixString(h, key)
		}
		return h
	case *LeaseLeasesResult:
		h = mixWords(h, uint64(kindLeaseLeases), uint64(len(res.Leases)))
		for _, id := range res.Leases {
			h = Mix(h, uint64(id))
		}
		return h
	case *HashKVResult:
		return mixWords(h, uint64(kindHashKV), uint64(res.Hash), uint64(res.CompactRevision), uint64(res.HashRevision))
	case *WatchResponse:
		return mixWatch(h, res)
	case *MembersResult:
		return MixString(Mix(h, uint64(kindMemberList)), AppendMembers(nil, res.Members))
	case *MemberAddResult:
		return MixString(mixWords(h, uint64(kindMemberAdd), res.Member.ID), AppendMembers(nil, res.Members))
	case *MemberPublishResult:
		return Mix(h, uint64(kindMemberPublish))
	case *MoveLeaderResult:
		return Mix(h, uint64(kindMoveLeader))
	case *HTTPResult, *OlderResult:
		return mixOlder(h, res)
	}
	return mixService(mixMaintenance(h, resp.Result), resp.Result)
}

// kindWatch stands for a WatchResponse in hashes; it is never stored.
const kindWatch = 1 << 16

func mixWatch(h uint64, res *WatchResponse) uint64 {
	h = mixWords(h, kindWatch, uint64(res.WatchID), bit(res.Created)|bit(res.Canceled)<<1|bit(res.Fragment)<<2,
		uint64(res.CompactRevision), uint64(len(res.Events)))
	for i := range res.Events {
		e := &res.Events[i]
		h = mixKV(Mix(h, uint64(e.Type)<<1|bit(e.PrevKV != nil)), e.KV)
		if e.PrevKV != nil {
			h = mixKV(h, e.PrevKV)
		}
	}
	return MixString(h, res.CancelReason)
}

func mixKVs(h uint64, kvs []*KeyValue) uint64 {
	h = Mix(h, uint64(len(kvs)))
	for _, kv := range kvs {
		h = mixKV(h, kv)
	}
	return h
}

func mixKV(h uint64, kv *KeyValue) uint64 {
	h = MixString(MixString(h, kv.Key), kv.Value)
	return mixWords(h, uint64(kv.CreateRevision), uint64(kv.ModRevision), uint64(kv.Version), uint64(kv.Lease))
}

func mixWords(h uint64, words ...uint64) uint64 {
	for _, w := range words {
		h = Mix(h, w)
	}
	return h
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
