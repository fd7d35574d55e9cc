package checker

import (
	"slices"

	"etcdsim/store"
)

// Answers of which only a part was recorded: see Options.Partial.

// sameKV reports whether a key-value is the one that the model gives, as far as
// answers tell.
func (m *model) sameKV(want, got *store.KeyValue) bool {
	if !m.partial || want == nil || got == nil {
		return samePrev(want, got)
	}
	return want.Key == got.Key && want.Value == got.Value && want.ModRevision == got.ModRevision && want.Version == got.Version
}

// samePart compares what was recorded of an answer without an error.
func (m *model) samePart(want, got *store.Response) bool {
	if got.Revision >= 0 && want.Revision != got.Revision {
		return false
	}
	switch w := want.Result.(type) {
	case *store.RangeResult:
		g, ok := got.Result.(*store.RangeResult)
		return ok && w.Count == g.Count && slices.EqualFunc(w.KVs, g.KVs, m.sameKV)
	case *store.TxnResult:
		g, ok := got.Result.(*store.TxnResult)
		return ok && w.Succeeded == g.Succeeded && slices.EqualFunc(w.Responses, g.Responses, func(w, g store.Response) bool {
			w.Revision, g.Revision = 0, 0
			return m.samePart(&w, &g)
		})
	case *store.LeaseGrantResult:
		g, ok := got.Result.(*store.LeaseGrantResult)
		return ok && w.ID == g.ID
	case *store.DeleteRangeResult:
		g, ok := got.Result.(*store.DeleteRangeResult)
		return ok && w.Deleted == g.Deleted
	}
	return true
}
