package mvcc

import (
	"math"
	"sort"

	"etcdsim/store"
)

func (s *Store) readRange(req *store.RangeRequest) store.Response {
	present := s.present()
	rev := req.Revision
	switch {
	case rev > present:
		return s.refuse(store.ErrFutureRevision)
	case rev <= 0:
		rev = present
	}
	if rev < s.compacted {
		return s.refuse(store.ErrCompacted)
	}
	var res *store.RangeResult
	switch {
	case req.CountOnly:
		res = &store.RangeResult{Count: s.count(req.Key, req.RangeEnd, rev)}
	case req.RangeEnd == "":
		res = s.readKey(req, rev)
	default:
		res = s.readKeys(req, rev)
	}
	return store.Response{Revision: present, Result: res}
}

// readKey answers a range of one key.
func (s *Store) readKey(req *store.RangeRequest, rev int64) *store.RangeResult {
	ver := s.lookupAt(req.Key, rev)
	if !ver.live() {
		return new(store.RangeResult)
	}
	// The result and its list are one piece of memory.
	one := &struct {
		res store.RangeResult
		kvs [1]*store.KeyValue
	}{store.RangeResult{Count: 1}, [1]*store.KeyValue{&ver.kv}}
	if !filtered(req, &ver.kv) {
		one.res.KVs = one.kvs[:]
		if req.KeysOnly {
			keysOnly(req, one.res.KVs)
		}
	}
	return &one.res
}

// readKeys answers a range of several keys in etcd's order of steps: limit (if
// nothing after it could need more), filters, sorting, limit.
func (s *Store) readKeys(req *store.RangeRequest, rev int64) *store.RangeResult {
	limit := req.Limit
	if !req.KeyOrder() || req.Filtered() {
		limit = 0
	}
	if limit > 0 && limit < math.MaxInt64 {
		limit++ // to know whether there are more
	}
	s.found = s.collect(req.Key, req.RangeEnd, rev, limit)
	res := &store.RangeResult{Count: int64(len(s.found))}
	if limit > 0 && res.Count == limit {
		res.Count = s.count(req.Key, req.RangeEnd, rev)
	}
	kvs := s.keyValues(s.found)
	if req.Filtered() {
		kvs = prune(req, kvs)
	}
	arrange(req, kvs)
	if req.Limit > 0 && int64(len(kvs)) > req.Limit {
		kvs, res.More = kvs[:req.Limit:req.Limit], true
	}
	if req.KeysOnly {
		keysOnly(req, kvs)
	}
	if len(kvs) > 0 {
		res.KVs = kvs
	}
	return res
}

// collect returns the places of the live versions of a range at a revision, in
// the order of their keys, at most limit ones unless limit is 0. They lie in
// s.found's memory.
func (s *Store) collect(key, end string, rev int64, limit int64) []place {
	found := s.found[:0]
	if end == "" {
		_, p := s.table.find(key, hashKey(key))
		if p = s.visibleAt(p, rev); p != 0 {
			found = append(found, p)
		}
		return found
	}
	heads := s.table.heads
	for sc := s.scan(key, end); len(sc.ids) > 0; sc.next() {
		for _, id := range sc.ids {
			p := heads[id]
			if ver := s.table.at(p); p >= s.limit || ver.main() > rev {
				p = s.olderThan(p, rev)
			} else if !ver.live() {
				p = 0
			}
			if p != 0 {
				if found = append(found, p); int64(len(found)) == limit {
					return found
				}
			}
		}
	}
	return found
}

// placeAt returns the place of a key's live version at a revision, or 0.
func (s *Store) placeAt(id keyID, rev int64) place {
	return s.visibleAt(s.table.heads[id], rev)
}

// visibleAt returns the place of the version that is live at a revision, of the
// chain that begins at p, or 0.
func (s *Store) visibleAt(p place, rev int64) place {
	ver := s.table.at(p)
	if p >= s.limit || ver.main() > rev {
		return s.olderThan(p, rev)
	}
	if !ver.live() {
		return 0
	}
	return p
}

func (s *Store) olderThan(p place, rev int64) place {
	p = s.table.newestPlace(p, s.limit, rev)
	if !s.table.at(p).live() {
		return 0
	}
	return p
}

// count returns how many keys of a range are live at a revision.
func (s *Store) count(key, end string, rev int64) int64 {
	if end == "" {
		if s.lookupAt(key, rev).live() {
			return 1
		}
		return 0
	}
	n := int64(0)
	for sc := s.scan(key, end); len(sc.ids) > 0; sc.next() {
		for _, id := range sc.ids {
			if s.placeAt(id, rev) != 0 {
				n++
			}
		}
	}
	return n
}

// scanner walks over the keys of a range, dead ones included, in parts: ids is
// the present one. Invariant: if it is empty, so are all that follow.
type scanner struct {
	ids  []keyID
	rest []block // that come after; of the last of them only some keys
	last int     // how many
}

func (s *Store) scan(key, end string) scanner {
	blocks := s.table.order.blocks
	if len(blocks) == 0 {
		return scanner{}
	}
	from, to := s.table.seek(key), cursor{len(blocks) - 1, len(blocks[len(blocks)-1].ids)}
	if end != "\x00" {
		to = s.table.seek(end)
	}
	if from.block > to.block {
		return scanner{}
	}
	sc := scanner{rest: blocks[from.block : to.block+1], last: to.i}
	sc.next()
	sc.ids = sc.ids[min(from.i, len(sc.ids)):]
	if len(sc.ids) == 0 { // the key comes after the last one of its block
		sc.next()
	}
	return sc
}

// next moves on to the next part.
func (sc *scanner) next() {
	switch len(sc.rest) {
	case 0:
		sc.ids = nil
		return
	case 1:
		sc.ids = sc.rest[0].ids[:sc.last]
	default:
		sc.ids = sc.rest[0].ids
	}
	sc.rest = sc.rest[1:]
}

// keyValues returns the key-values at the given places.
func (s *Store) keyValues(places []place) []*store.KeyValue {
	if len(places) == 0 {
		return nil
	}
	kvs := make([]*store.KeyValue, len(places))
	for i, p := range places {
		kvs[i] = &s.table.at(p).kv
	}
	return kvs
}

// filtered reports whether the revision filters exclude a key-value.
func filtered(req *store.RangeRequest, kv *store.KeyValue) bool {
	return req.MaxModRevision != 0 && kv.ModRevision > req.MaxModRevision ||
		req.MinModRevision != 0 && kv.ModRevision < req.MinModRevision ||
		req.MaxCreateRevision != 0 && kv.CreateRevision > req.MaxCreateRevision ||
		req.MinCreateRevision != 0 && kv.CreateRevision < req.MinCreateRevision
}

func prune(req *store.RangeRequest, kvs []*store.KeyValue) []*store.KeyValue {
	kept := kvs[:0]
	for _, kv := range kvs {
		if !filtered(req, kv) {
			kept = append(kept, kv)
		}
	}
	return kept
}

// keysOnly drops what a range of keys only does not carry, from copies: the value,
// and since etcd 3.7 the lease, unless the values were needed for sorting.
func keysOnly(req *store.RangeRequest, kvs []*store.KeyValue) {
	for i, kv := range kvs {
		bare := *kv
		bare.Value = ""
		if req.SortTarget != store.SortByValue {
			bare.Lease = 0
		}
		kvs[i] = &bare
	}
}

// arrange sorts as etcd does, with the same algorithm, which is not stable: so
// ties end up in the same order.
func arrange(req *store.RangeRequest, kvs []*store.KeyValue) {
	order := req.SortOrder
	if req.SortTarget != store.SortByKey && order == store.SortNone {
		order = store.SortAscend
	}
	by := sorting{kvs, req.SortTarget}
	switch {
	case order == store.SortDescend:
		sort.Sort(sort.Reverse(by))
	case order == store.SortAscend && req.SortTarget != store.SortByKey:
		sort.Sort(by)
	}
}

type sorting struct {
	kvs    []*store.KeyValue
	target store.SortTarget
}

func (s sorting) Len() int      { return len(s.kvs) }
func (s sorting) Swap(i, j int) { s.kvs[i], s.kvs[j] = s.kvs[j], s.kvs[i] }

func (s sorting) Less(i, j int) bool {
	a, b := s.kvs[i], s.kvs[j]
	switch s.target {
	case store.SortByVersion:
		return a.Version < b.Version
	case store.SortByCreate:
		return a.CreateRevision < b.CreateRevision
	case store.SortByMod:
		return a.ModRevision < b.ModRevision
	case store.SortByValue:
		return a.Value < b.Value
	}
	return a.Key < b.Key
}
