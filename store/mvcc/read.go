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
	res := new(store.RangeResult)
	switch {
	case req.CountOnly:
		res.Count = s.count(req.Key, req.RangeEnd, rev)
	case req.RangeEnd == "":
		s.readKey(req, rev, res)
	default:
		s.readKeys(req, rev, res)
	}
	return store.Response{Revision: present, Result: res}
}

// readKey answers a range of one key.
func (s *Store) readKey(req *store.RangeRequest, rev int64, res *store.RangeResult) {
	ver := s.lookupAt(req.Key, rev)
	if !ver.live() {
		return
	}
	res.Count = 1
	switch {
	case req.Filtered() && filtered(req, &ver.kv[0]):
	case req.KeysOnly:
		res.KVs = []store.KeyValue{ver.kv[0]}
		keysOnly(req, res.KVs)
	default:
		res.KVs = ver.kv[:]
	}
}

// readKeys answers a range of several keys in etcd's order of steps: limit (if
// nothing after it could need more), filters, sorting, limit.
func (s *Store) readKeys(req *store.RangeRequest, rev int64, res *store.RangeResult) {
	limit := req.Limit
	if !req.KeyOrder() || req.Filtered() {
		limit = 0
	}
	if limit > 0 && limit < math.MaxInt64 {
		limit++ // to know whether there are more
	}
	s.found = s.collect(req.Key, req.RangeEnd, rev, limit)
	res.Count = int64(len(s.found))
	if limit > 0 && res.Count == limit {
		res.Count = s.count(req.Key, req.RangeEnd, rev)
	}
	kvs := s.copies(s.found)
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
	for sc := s.scan(key, end); len(sc.ids) > 0; sc.next() {
		for _, id := range sc.ids {
			if p := s.placeAt(id, rev); p != 0 {
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
	t    *table
	end  string // excluded; "\x00" for none
	ids  []keyID
	rest []block
}

func (s *Store) scan(key, end string) scanner {
	sc := scanner{t: s.table, end: end}
	if blocks := s.table.order.blocks; len(blocks) > 0 {
		c := s.table.seek(key)
		sc.rest = blocks[c.block:]
		sc.enter(c.i)
		if len(sc.ids) == 0 { // the key comes after the last one of its block
			sc.next()
		}
	}
	return sc
}

// next moves on to the next part.
func (sc *scanner) next() {
	if sc.ids = nil; len(sc.rest) > 0 {
		sc.enter(0)
	}
}

// enter takes the next block, from its i-th key. Only the block in which the
// range ends is searched for the end, so that few keys are compared with it.
func (sc *scanner) enter(i int) {
	b := &sc.rest[0]
	sc.ids, sc.rest = b.ids[i:], sc.rest[1:]
	if sc.end == "\x00" || len(sc.rest) > 0 && sc.rest[0].first <= sc.end {
		return
	}
	sc.ids = b.ids[i:max(i, sc.t.before(b, sc.end))]
	sc.rest = nil
}

// copies returns the key-values at the given places.
func (s *Store) copies(places []place) []store.KeyValue {
	if len(places) == 0 {
		return nil
	}
	kvs := make([]store.KeyValue, len(places))
	for i, p := range places {
		kvs[i] = s.table.at(p).kv[0]
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

func prune(req *store.RangeRequest, kvs []store.KeyValue) []store.KeyValue {
	kept := kvs[:0]
	for i := range kvs {
		if !filtered(req, &kvs[i]) {
			kept = append(kept, kvs[i])
		}
	}
	return kept
}

// keysOnly drops what a range of keys only does not carry: the value, and since
// etcd 3.7 the lease, unless the values were needed for sorting.
func keysOnly(req *store.RangeRequest, kvs []store.KeyValue) {
	for i := range kvs {
		kvs[i].Value = ""
		if req.SortTarget != store.SortByValue {
			kvs[i].Lease = 0
		}
	}
}

// arrange sorts as etcd does, with the same algorithm, which is not stable: so
// ties end up in the same order.
func arrange(req *store.RangeRequest, kvs []store.KeyValue) {
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
	kvs    []store.KeyValue
	target store.SortTarget
}

func (s sorting) Len() int      { return len(s.kvs) }
func (s sorting) Swap(i, j int) { s.kvs[i], s.kvs[j] = s.kvs[j], s.kvs[i] }

func (s sorting) Less(i, j int) bool {
	a, b := &s.kvs[i], &s.kvs[j]
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
