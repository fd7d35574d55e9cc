package checker

import (
	"slices"
	"strconv"

	"etcdsim/store"
)

// sameAnswer reports whether the answer is the one that the model gives. Headers
// are compared where etcd sends one: not beside an error.
func (m *model) sameAnswer(want, got *store.Response) bool {
	if want.Err != nil || got.Err != nil {
		return sameError(want.Err, got.Err)
	}
	if m.partial {
		return m.samePart(want, got)
	}
	if want.Revision != got.Revision {
		return false
	}
	switch w := want.Result.(type) {
	case *store.RangeResult:
		g, ok := got.Result.(*store.RangeResult)
		return ok && w.Count == g.Count && w.More == g.More && slices.EqualFunc(w.KVs, g.KVs, samePrev)
	case *store.PutResult:
		g, ok := got.Result.(*store.PutResult)
		return ok && samePrev(w.PrevKV, g.PrevKV)
	case *store.DeleteRangeResult:
		g, ok := got.Result.(*store.DeleteRangeResult)
		return ok && w.Deleted == g.Deleted && slices.EqualFunc(w.PrevKVs, g.PrevKVs, samePrev)
	case *store.TxnResult:
		g, ok := got.Result.(*store.TxnResult)
		return ok && w.Succeeded == g.Succeeded && slices.EqualFunc(w.Responses, g.Responses,
			func(w, g store.Response) bool { return m.sameAnswer(&w, &g) })
	case *store.CompactionResult:
		_, ok := got.Result.(*store.CompactionResult)
		return ok
	case *store.LeaseGrantResult:
		g, ok := got.Result.(*store.LeaseGrantResult)
		return ok && w.ID == g.ID && (w.TTL == g.TTL || m.minTTL == 0 && w.TTL < g.TTL)
	case *store.LeaseRevokeResult:
		_, ok := got.Result.(*store.LeaseRevokeResult)
		return ok
	case *store.LeaseCheckpointResult:
		_, ok := got.Result.(*store.LeaseCheckpointResult)
		return ok
	case *store.AlarmResult:
		g, ok := got.Result.(*store.AlarmResult)
		return ok && slices.Equal(w.Alarms, g.Alarms)
	}
	return want.Result == nil && got.Result == nil
}

func sameError(a, b *store.Error) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func samePrev(a, b *store.KeyValue) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// refusedByState reports whether the error is one that the state of the store
// causes, so that the model can say whether it was due. Others come from members
// that have no leader, no time or no room.
func refusedByState(err *store.Error) bool {
	switch err {
	case store.ErrKeyNotFound, store.ErrCompacted, store.ErrFutureRevision,
		store.ErrLeaseNotFound, store.ErrLeaseExists, store.ErrLeaseTTLTooLarge, store.ErrNoSpace, store.ErrCorrupt:
		return true
	}
	return false
}

// difference says where an answer first differs from the one that was due: the
// key that it is about, if any, and both in words.
func difference(want, got *store.Response) (key, due, given string) {
	if want.Err != nil || got.Err != nil {
		return "", errorText(want), errorText(got)
	}
	switch w := want.Result.(type) {
	case *store.RangeResult:
		if g, ok := got.Result.(*store.RangeResult); ok {
			if key, due, given = kvDifference(w.KVs, g.KVs); key != "" {
				return key, due, given
			}
			if w.Count != g.Count {
				return "", countText(w.Count), countText(g.Count)
			}
		}
	case *store.PutResult:
		if g, ok := got.Result.(*store.PutResult); ok && !samePrev(w.PrevKV, g.PrevKV) {
			return kvDifference(asSlice(w.PrevKV), asSlice(g.PrevKV))
		}
	case *store.DeleteRangeResult:
		if g, ok := got.Result.(*store.DeleteRangeResult); ok {
			if key, due, given = kvDifference(w.PrevKVs, g.PrevKVs); key != "" {
				return key, due, given
			}
			if w.Deleted != g.Deleted {
				return "", countText(w.Deleted) + " deleted", countText(g.Deleted) + " deleted"
			}
		}
	case *store.TxnResult:
		if g, ok := got.Result.(*store.TxnResult); ok {
			if w.Succeeded != g.Succeeded {
				return "", branchText(w.Succeeded), branchText(g.Succeeded)
			}
			for i := range min(len(w.Responses), len(g.Responses)) {
				if key, due, given = difference(&w.Responses[i], &g.Responses[i]); due != "" {
					return key, due, given
				}
			}
		}
	}
	if want.Revision != got.Revision {
		return "", revText(want.Revision), revText(got.Revision)
	}
	return "", "", ""
}

// differenceOf is difference, or the whole answers to a request where no part of them tells
// them apart.
func differenceOf(r store.Request, want, got *store.Response) (key, due, given string) {
	if key, due, given = difference(want, got); due == given {
		due, given = store.DescribeAnswered(r, *want), store.DescribeAnswered(r, *got)
	}
	return key, due, given
}

// kvDifference finds the first place where two lists differ.
func kvDifference(want, got []*store.KeyValue) (key, due, given string) {
	for i := range max(len(want), len(got)) {
		var w, g *store.KeyValue
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		switch {
		case samePrev(w, g):
			continue
		case w == nil:
			return g.Key, "nothing", kvText(g)
		case g == nil:
			return w.Key, kvText(w), "nothing"
		case w.Key != g.Key:
			return min(w.Key, g.Key), kvText(w), kvText(g)
		}
		due, given = kvText(w), kvText(g)
		if due == given { // the same write, told differently
			due, given = kvDetails(w), kvDetails(g)
		}
		return w.Key, due, given
	}
	return "", "", ""
}

func asSlice(kv *store.KeyValue) []*store.KeyValue {
	if kv == nil {
		return nil
	}
	return []*store.KeyValue{kv}
}

func kvText(kv *store.KeyValue) string {
	return store.Text(kv.Key) + " = " + store.Text(kv.Value) + " (" + revText(kv.ModRevision) + ")"
}

func kvDetails(kv *store.KeyValue) string {
	return kvText(kv) + " created " + revText(kv.CreateRevision) + " version " + itoa(kv.Version) + " lease " + itoa(kv.Lease)
}

func errorText(r *store.Response) string {
	if r.Err == nil {
		return "an answer"
	}
	return "the refusal \"" + r.Err.Text + "\""
}

func branchText(succeeded bool) string {
	if succeeded {
		return "the branch then"
	}
	return "the branch else"
}

func countText(n int64) string {
	if n == 1 {
		return "1 key"
	}
	return itoa(n) + " keys"
}

func revText(rev int64) string { return "rev " + itoa(rev) }

func itoa[N int | int32 | int64 | uint64](n N) string { return strconv.FormatInt(int64(n), 10) }
