package checker

import (
	"cmp"
	"sort"
	"strings"

	"etcdsim/store"
)

// rangeKeys answers a range read. The order of its steps is etcd's and can be
// seen by clients: count first, then filters, then the sort, then the limit. But
// where neither filters nor an order are asked for, etcd takes no more keys than
// the limit needs (and one, to know whether there are more) before it sorts by a
// target other than the key.
func (e *edit) rangeKeys(r *store.RangeRequest, result *store.RangeResult) (store.Response, *store.Error) {
	root := e.root
	if r.Revision > 0 {
		switch {
		case r.Revision > e.rev():
			return store.Response{}, store.ErrFutureRevision
		case r.Revision < e.before.compacted:
			return store.Response{}, store.ErrCompacted
		case r.Revision < e.rev():
			root = e.before.now.at(r.Revision).root
		}
	}
	early := r.Limit > 0 && r.SortOrder == store.SortNone && !filtered(r)
	kvs := result.KVs[:0]
	*result = store.RangeResult{}
	root.ascend(r.Key, r.RangeEnd, func(kv *store.KeyValue) {
		result.Count++
		if !r.CountOnly && passes(r, kv) && (!early || int64(len(kvs)) <= r.Limit) {
			kvs = append(kvs, kv)
		}
	})
	sortKVs(kvs, r)
	if r.Limit > 0 && int64(len(kvs)) > r.Limit {
		kvs, result.More = kvs[:r.Limit], true
	}
	if r.KeysOnly {
		for i, kv := range kvs {
			bare := *kv
			bare.Value = ""
			// etcd answers such a range from its index, which knows no leases,
			// unless it needs the values to sort by.
			if r.SortTarget != store.SortByValue {
				bare.Lease = 0
			}
			kvs[i] = &bare
		}
	}
	result.KVs = kvs
	return store.Response{Revision: e.rev(), Result: result}, nil
}

// passes reports whether the key passes the revision filters. A bound of 0 is
// none.
func passes(r *store.RangeRequest, kv *store.KeyValue) bool {
	return (r.MinModRevision == 0 || kv.ModRevision >= r.MinModRevision) &&
		(r.MaxModRevision == 0 || kv.ModRevision <= r.MaxModRevision) &&
		(r.MinCreateRevision == 0 || kv.CreateRevision >= r.MinCreateRevision) &&
		(r.MaxCreateRevision == 0 || kv.CreateRevision <= r.MaxCreateRevision)
}

func filtered(r *store.RangeRequest) bool {
	return r.MinModRevision != 0 || r.MaxModRevision != 0 || r.MinCreateRevision != 0 || r.MaxCreateRevision != 0
}

// sortKVs sorts what comes in key order by what the request names. A target
// other than the key sorts upwards even if no order was asked for.
func sortKVs(kvs []*store.KeyValue, r *store.RangeRequest) {
	order := r.SortOrder
	if r.SortTarget != store.SortByKey && order == store.SortNone {
		order = store.SortAscend
	}
	// Equal elements come in the order in which the standard library's sort,
	// which is not stable, happens to leave them: etcd's answer, to the letter.
	by := sort.Interface(&kvOrder{kvs, r.SortTarget})
	switch {
	case order == store.SortDescend:
		sort.Sort(sort.Reverse(by))
	case order == store.SortAscend && r.SortTarget != store.SortByKey:
		sort.Sort(by)
	}
}

type kvOrder struct {
	kvs    []*store.KeyValue
	target store.SortTarget
}

func (o *kvOrder) Len() int           { return len(o.kvs) }
func (o *kvOrder) Swap(i, j int)      { o.kvs[i], o.kvs[j] = o.kvs[j], o.kvs[i] }
func (o *kvOrder) Less(i, j int) bool { return compareKVs(o.target, o.kvs[i], o.kvs[j]) < 0 }

func compareKVs(target store.SortTarget, a, b *store.KeyValue) int {
	switch target {
	case store.SortByVersion:
		return cmp.Compare(a.Version, b.Version)
	case store.SortByCreate:
		return cmp.Compare(a.CreateRevision, b.CreateRevision)
	case store.SortByMod:
		return cmp.Compare(a.ModRevision, b.ModRevision)
	case store.SortByValue:
		return strings.Compare(a.Value, b.Value)
	}
	return strings.Compare(a.Key, b.Key)
}
