package mvcc

import (
	"math"

	"etcdsim/store"
)

// streamChunk is how many keys etcd puts into the first part of a RangeStream.
const streamChunk = 10

// maxRequestBytes is etcd's default, which parts of a stream aim at.
const maxRequestBytes = 3 << 19 // 1.5 MiB

// readRangeStream answers a range as the sum of the parts that etcd would send.
func (s *Store) readRangeStream(req *store.RangeRequest) store.Response {
	if req.CountOnly || req.SortTarget == store.SortByKey {
		return s.readRange(req) // the parts add up to the whole
	}
	// Without an order, a target other than the key still sorts each part, and the
	// next part begins after the last key of the sorted one: keys come twice or
	// never. etcd does this, so clients see it.
	part := *req
	total := req.Limit
	if total == 0 {
		total = math.MaxInt64
	}
	part.Limit = min(streamChunk, total)
	sum := new(store.RangeResult)
	for {
		resp := s.readRange(&part)
		if resp.Err != nil {
			return resp
		}
		res := resp.Result.(*store.RangeResult)
		sum.KVs = append(sum.KVs, res.KVs...)
		sum.Count = int64(len(sum.KVs))
		if !res.More || sum.Count == total {
			if sum.More = res.More; res.More {
				sum.Count += s.count(after(res), req.RangeEnd, s.readAt(req.Revision))
			}
			return store.Response{Revision: s.rev, Result: sum}
		}
		part.Key = after(res)
		part.Limit = min(nextChunk(part.Limit, encodedSize(res, resp.Revision)), total-sum.Count)
	}
}

// after returns the first key that may follow the last one of a part.
func after(res *store.RangeResult) string { return res.KVs[len(res.KVs)-1].Key + "\x00" }

func (s *Store) readAt(rev int64) int64 {
	if rev <= 0 {
		return s.rev
	}
	return rev
}

// nextChunk lets parts grow or shrink towards the size aimed at.
func nextChunk(last int64, size int) int64 {
	switch {
	case size < maxRequestBytes/2:
		last *= 2
	case size > maxRequestBytes*2:
		last /= 2
	}
	return max(last, 1)
}

// encodedSize returns the size of a RangeResponse in protobuf.
func encodedSize(res *store.RangeResult, rev int64) int {
	header := encodedVarint(rev)
	size := encodedVarint(int64(header)) + header + encodedVarint(res.Count)
	if res.More {
		size += 2
	}
	for _, kv := range res.KVs {
		n := encodedKV(kv)
		size += encodedVarint(int64(n)) + n
	}
	return size
}
