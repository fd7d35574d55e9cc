package shrink

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// simpler returns words that say less than a word of a statement: fewer elements
// of a list, a smaller number, a shorter or rounder time, one time for a range. The
// boldest come first. Each is shorter or smaller than the word, so that making
// words simpler comes to an end.
func simpler(word string) []string {
	prefix, value := "", word
	if i := strings.LastIndexAny(word, "=<>"); i >= 0 {
		prefix, value = word[:i+1], word[i+1:]
	}
	var all []string
	add := func(values ...string) {
		for _, v := range values {
			if v != value && !slices.Contains(all, prefix+v) {
				all = append(all, prefix+v)
			}
		}
	}
	if elements := strings.Split(value, ","); len(elements) > 1 {
		for i := range elements {
			add(strings.Join(slices.Delete(slices.Clone(elements), i, i+1), ","))
		}
	}
	if low, high, ok := strings.Cut(value, ".."); ok {
		add(low, high)
	}
	if name, weight, ok := strings.Cut(value, ":"); ok && !strings.Contains(value, ",") {
		if n, err := strconv.ParseUint(weight, 10, 32); err == nil && n > 1 {
			add(name + ":1")
		}
	}
	number, unit := value, ""
	if n, ok := strings.CutSuffix(value, "%"); ok {
		number, unit = n, "%"
	}
	if n, err := strconv.ParseUint(number, 10, 63); err == nil {
		for _, smaller := range []uint64{1, n / 2, max(n, 1) - 1} {
			if smaller >= 1 && smaller < n {
				add(strconv.FormatUint(smaller, 10) + unit)
			}
		}
	}
	if d, err := time.ParseDuration(value); err == nil {
		add(durations(d)...)
	}
	return all
}

// durations returns shorter times, and rounder ones that are not longer.
func durations(d time.Duration) []string {
	var all []string
	for _, unit := range []time.Duration{time.Second, 100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond} {
		if round := d.Truncate(unit); round > 0 && round < d && len(round.String()) < len(d.String()) {
			all = append(all, round.String())
		}
	}
	if half := (d / 2).Truncate(time.Millisecond); half > 0 {
		all = append(all, half.String())
	}
	return all
}
