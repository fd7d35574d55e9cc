package conformance

import (
	"fmt"
	"reflect"
	"strings"

	"etcdsim/store"
)

// Diff compares an answer with the recorded one, exactly: codes, texts, revisions
// and every field. It returns "" if they are equal, and otherwise both, in words.
func (r *Record) Diff(got store.Response) string {
	want := r.Response
	if want.Err != nil || got.Err != nil {
		return different(fault(want.Err), fault(got.Err))
	}
	if r.TTLVolatile {
		got = withoutTTL(got)
	}
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return different(Print(want), Print(got))
}

// DiffWatched compares what a watcher saw with what was recorded.
func (r *Record) DiffWatched(got *Watched) string {
	want := r.Watched
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return different(printWatched(want), printWatched(got))
}

// withoutTTL leaves out a TTL that may be what is left of the one granted.
func withoutTTL(resp store.Response) store.Response {
	if res, ok := resp.Result.(*store.LeaseTimeToLiveResult); ok && res.TTL >= 0 && res.TTL <= res.GrantedTTL {
		blank := *res
		blank.TTL = 0
		resp.Result = &blank
	}
	return resp
}

func fault(err *store.Error) string {
	if err == nil {
		return "no error"
	}
	return fmt.Sprintf("%v %q", err.Code, err.Text)
}

func different(want, got string) string {
	if want == got {
		return ""
	}
	return "want " + want + "\ngot  " + got
}

// Print shows a response with all its fields.
func Print(resp store.Response) string {
	if resp.Err != nil {
		return fault(resp.Err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rev %d %T", resp.Revision, resp.Result)
	switch res := resp.Result.(type) {
	case *store.PutResult:
		if res.PrevKV != nil {
			fmt.Fprintf(&b, " prev %+v", *res.PrevKV)
		}
	case *store.TxnResult:
		fmt.Fprintf(&b, " succeeded %v", res.Succeeded)
		for _, one := range res.Responses {
			b.WriteString("\n    " + strings.ReplaceAll(Print(one), "\n", "\n    "))
		}
	default:
		fmt.Fprintf(&b, " %+v", res)
	}
	return b.String()
}

func printWatched(w *Watched) string {
	var b strings.Builder
	fmt.Fprintf(&b, "up to %d", w.UpTo)
	if w.Created != nil {
		fmt.Fprintf(&b, "\n    created  %+v", *w.Created)
	}
	for _, e := range w.Events {
		fmt.Fprintf(&b, "\n    event %d %+v", e.Type, *e.KV)
		if e.PrevKV != nil {
			fmt.Fprintf(&b, " before %+v", *e.PrevKV)
		}
	}
	if w.Canceled != nil {
		fmt.Fprintf(&b, "\n    canceled %+v", *w.Canceled)
	}
	return b.String()
}
