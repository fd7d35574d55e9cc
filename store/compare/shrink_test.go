package compare

import (
	"reflect"
	"slices"
	"time"

	"etcdsim/store"
)

// shrink returns the shortest sequence it finds, within a time, that fails like the
// given one. fails must be as sure as it can be.
func shrink(steps []step, within time.Duration, fails func([]step) bool) []step {
	deadline := time.Now().Add(within)
	try := func(candidate []step) bool {
		if time.Now().After(deadline) || !fails(candidate) {
			return false
		}
		steps = candidate
		return true
	}
	for shorter := true; shorter && time.Now().Before(deadline); {
		before := weight(steps)
		for size := len(steps) / 2; size > 0; size /= 2 {
			for i := len(steps) - size; i >= 0; i -= size {
				try(slices.Delete(slices.Clone(steps), i, i+size))
				i = min(i, len(steps))
			}
		}
		for i := len(steps) - 1; i >= 0; i-- {
			for simplified := true; simplified; {
				simplified = false
				for _, simpler := range simplify(steps[i]) {
					candidate := slices.Clone(steps)
					candidate[i] = simpler
					if simplified = try(candidate); simplified {
						break
					}
				}
			}
		}
		shorter = weight(steps) < before
	}
	return steps
}

// weight is what shrinking makes less.
func weight(steps []step) int {
	n := 0
	for _, s := range steps {
		n += 10 + len(s.String())
	}
	return n
}

// simplify returns the step in which one thing is simpler, for each thing.
func simplify(s step) []step {
	if s.Request == nil {
		return nil
	}
	var simpler []step
	if s.As != "" {
		simpler = append(simpler, step{Stream: s.Stream, Request: s.Request})
	}
	add := func(v reflect.Value) {
		s.Request = v.Interface().(store.Request)
		simpler = append(simpler, s)
	}
	same := func(x int64) int64 { return x }
	copied := func() reflect.Value {
		return rewrite(reflect.ValueOf(s.Request), same, func(x uint64) uint64 { return x })
	}
	// Each place in the request is simplified in a copy of its own.
	for n := 0; ; n++ {
		fresh := copied()
		left := n
		if !simplifyNth(fresh, &left) {
			break
		}
		add(fresh)
	}
	return simpler
}

// simplifyNth makes the n-th thing below v simpler, or reports that there are fewer.
func simplifyNth(v reflect.Value, n *int) bool {
	here := func() bool { *n--; return *n < 0 }
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && simplifyNth(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if simplifyNth(v.Field(i), n) {
				return true
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if here() {
				v.Set(reflect.AppendSlice(v.Slice3(0, i, i), v.Slice(i+1, v.Len())))
				return true
			}
		}
		for i := range v.Len() {
			if simplifyNth(v.Index(i), n) {
				return true
			}
		}
	case reflect.String:
		if v.Len() > 1 && here() {
			v.SetString(v.String()[:1])
			return true
		}
		if v.Len() > 0 && here() {
			v.SetString("")
			return true
		}
	default:
		if !v.IsZero() && here() {
			v.SetZero()
			return true
		}
	}
	return false
}
