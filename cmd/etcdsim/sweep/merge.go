package sweep

import (
	"errors"
	"fmt"
	"io"

	"etcdsim/scenarios/report"
)

// Merge reads the results of the shards of one sweep and emits their records in
// the order of the list. It returns the header of the whole, and how many runs
// are missing from it: a shard may have ended early. All shards must be there.
func Merge(shards []*Reader, begin func(*Header) error, emit func(*report.Record) error) (missing uint64, err error) {
	whole, err := wholeOf(shards)
	if err != nil {
		return 0, err
	}
	if err := begin(&whole); err != nil {
		return 0, err
	}
	heads := make([]*report.Record, len(shards))
	advance := func(i int) (err error) {
		heads[i], err = shards[i].Next()
		if errors.Is(err, io.EOF) {
			heads[i], err = nil, nil
		}
		return err
	}
	for i := range shards {
		if err := advance(i); err != nil {
			return 0, err
		}
	}
	n := uint64(0)
	// skip counts the places from n up to end that should hold a run.
	skip := func(end uint64) {
		for ; n < end; n++ {
			if _, ok := whole.Task(n); ok {
				missing++
			}
		}
	}
	for {
		first := -1
		for i, rec := range heads {
			if rec != nil && (first < 0 || rec.N < heads[first].N) {
				first = i
			}
		}
		if first < 0 {
			break
		}
		rec := heads[first]
		skip(rec.N)
		n = rec.N + 1
		if err := emit(rec); err != nil {
			return 0, err
		}
		if err := advance(first); err != nil {
			return 0, err
		}
	}
	if !whole.Open {
		skip(whole.Size())
	}
	return missing, nil
}

// wholeOf returns the header of the sweep that these are the shards of.
func wholeOf(shards []*Reader) (Header, error) {
	whole := shards[0].Header
	seen := map[uint64]string{}
	for _, s := range shards {
		if what := s.Header.differs(&whole); what != "" {
			return Header{}, fmt.Errorf("%s and %s: results of two sweeps: %s differ", shards[0].name, s.name, what)
		}
		shard := s.Header.Shard
		if shard.Of != whole.Shard.Of {
			return Header{}, fmt.Errorf("%s and %s: expected shards of one division, not of %d and %d",
				shards[0].name, s.name, whole.Shard.Of, shard.Of)
		}
		if other, twice := seen[shard.I]; twice {
			return Header{}, fmt.Errorf("%s and %s: both hold shard %s", other, s.name, shard)
		}
		seen[shard.I] = s.name
	}
	for i := uint64(1); i <= whole.Shard.Of; i++ {
		if seen[i] == "" {
			return Header{}, fmt.Errorf("shard %s is missing: expected the results of every shard", Shard{i, whole.Shard.Of})
		}
	}
	whole.Shard = Shard{}
	return whole, nil
}
