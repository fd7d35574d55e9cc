package sweep

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"etcdsim/sim/trace"
)

// Format is the version of results files.
const Format = 1

// Header says what is swept. It is the first line of a results file, as JSON.
type Header struct {
	Format int `json:"sweep"`
	// Build identifies the program: results of different programs do not belong
	// together.
	Build string `json:"build"`
	// Trace is the version of the traces, trace.Version.
	Trace     int     `json:"trace"`
	Scenarios []Entry `json:"scenarios"`
	// First and Last are the range of seeds, both included. Open is set if the
	// range has no end, and the clock or its user ends the sweep; Last is then 0.
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	Open  bool   `json:"open,omitempty"`
	// Settings and Bugs are those of every run, in text form.
	Settings []string `json:"settings,omitempty"`
	Bugs     string   `json:"bugs,omitempty"`
	// Tried are runs that come before all others: what a corpus remembers.
	Tried []Task `json:"tried,omitempty"`
	// Shard is the part of the list that this file holds.
	Shard Shard `json:"shard,omitzero"`
}

// Entry is one of the scenarios.
type Entry struct {
	Name string `json:"name"`
	// Plan identifies its text, or the generator of its plans.
	Plan string `json:"plan"`
}

// Task is one run of a sweep.
type Task struct {
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`
}

// Size is the number of places in the list. An endless one is as long as can be
// counted.
func (h *Header) Size() uint64 {
	if h.Open {
		return math.MaxUint64
	}
	seeds := h.Last - h.First
	if seeds == math.MaxUint64 {
		return math.MaxUint64
	}
	high, size := bits.Mul64(seeds+1, uint64(len(h.Scenarios)))
	if high > 0 || size > math.MaxUint64-uint64(len(h.Tried)) {
		return math.MaxUint64
	}
	return size + uint64(len(h.Tried))
}

// Task returns the n-th run: what was tried before comes first, then every
// scenario with the first seed, then with the next. A place whose run was tried
// before is empty: false.
func (h *Header) Task(n uint64) (Task, bool) {
	if n < uint64(len(h.Tried)) {
		return h.Tried[n], true
	}
	n -= uint64(len(h.Tried))
	k := uint64(len(h.Scenarios))
	t := Task{h.Scenarios[n%k].Name, h.First + n/k}
	return t, !slices.Contains(h.Tried, t)
}

// check refuses what no sweep of this program could have written.
func (h *Header) check() error {
	switch {
	case h.Format == 0:
		return errors.New("expected the first line of a results file")
	case h.Format != Format:
		return fmt.Errorf("results of format %d: expected %d", h.Format, Format)
	case h.Trace != trace.Version:
		return fmt.Errorf("results of trace version %d: this program's is %d", h.Trace, trace.Version)
	case len(h.Scenarios) == 0 || h.Last < h.First && !h.Open:
		return errors.New("a sweep of nothing: expected scenarios and seeds")
	case h.Shard.Of > 0 && (h.Shard.I < 1 || h.Shard.I > h.Shard.Of):
		return fmt.Errorf("shard %d of %d: expected one from 1", h.Shard.I, h.Shard.Of)
	}
	return nil
}

// differs says in what two sweeps differ, apart from their shards; empty if in
// nothing.
func (h *Header) differs(o *Header) string {
	for _, c := range []struct {
		what string
		same bool
	}{
		{"the program", h.Build == o.Build},
		{"the scenarios", slices.Equal(h.Scenarios, o.Scenarios)},
		{"the seeds", h.First == o.First && h.Last == o.Last && h.Open == o.Open},
		{"the settings", slices.Equal(h.Settings, o.Settings)},
		{"the bugs", h.Bugs == o.Bugs},
		{"the corpus", slices.Equal(h.Tried, o.Tried)},
	} {
		if !c.same {
			return c.what
		}
	}
	return ""
}
