package wal_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"
	"pgregory.net/rapid"

	"etcdsim/sim"
	"etcdsim/store/disk"
	"etcdsim/store/wal"
)

// model is what a log was told, record by record, and how many of the records
// are durable. From it follows what recovery may find after a crash: what any
// prefix of the records means that holds all durable ones.
type model struct {
	// base is the snapshot the model starts from, with its term; terms are those
	// of the entries behind it, and state is the hard state.
	base, baseTerm uint64
	terms          []uint64
	state          [3]uint64 // term, vote, commit
	told           []told
	durable        int
}

// told is one record: exactly one of its parts is set.
type told struct {
	entry              [2]uint64 // index, term
	state              *[3]uint64
	snapshot, received [2]uint64 // index, term
}

// last is the index of the last entry after the first n records.
func (m *model) last(n int) uint64 {
	base, terms, _, _ := m.replay(n)
	return base[0] + uint64(len(terms))
}

// term is the term of an entry after all records.
func (m *model) term(index uint64) uint64 {
	base, terms, _, _ := m.replay(len(m.told))
	if index == base[0] {
		return base[1]
	}
	return terms[index-base[0]-1]
}

// replay returns the log after the first n records: the point it starts from,
// the terms of its entries, the member's own snapshots and the hard state.
func (m *model) replay(n int) (base [2]uint64, terms []uint64, own [][2]uint64, state [3]uint64) {
	base, terms, state = [2]uint64{m.base, m.baseTerm}, slices.Clone(m.terms), m.state
	for _, r := range m.told[:n] {
		switch {
		case r.state != nil:
			state = *r.state
		case r.snapshot[0] > 0:
			own = append(own, r.snapshot)
		case r.received[0] > 0:
			base, terms, own = r.received, nil, nil
		default:
			terms = append(terms[:r.entry[0]-base[0]-1], r.entry[1])
		}
	}
	return base, terms, own, state
}

// meanings returns every description that recovery may give of the first n
// records: there are several if the member's own snapshots may be lost.
func (m *model) meanings(n int) []string {
	base, terms, own, state := m.replay(n)
	if base[0] > state[2] {
		return nil // a received snapshot without the hard state that commits it
	}
	var all []string
	for _, snap := range append(own, base) {
		if snap[0] > state[2] {
			continue
		}
		text := fmt.Sprintf("snap %d/%d |", snap[0], snap[1])
		for i := snap[0] + 1; i <= base[0]+uint64(len(terms)); i++ {
			text += fmt.Sprintf(" %d/%d", i, terms[i-base[0]-1])
		}
		all = append(all, text+fmt.Sprintf(" | term %d vote %d commit %d", state[0], state[1], state[2]))
	}
	return all
}

// settle makes a description that recovery gave the model's new beginning.
func (m *model) settle(description string) error {
	*m = model{}
	parts := strings.SplitN(description, " | ", 2)
	rest := strings.TrimPrefix(parts[1], "| ") // no entries
	if _, err := fmt.Sscanf(parts[0], "snap %d/%d", &m.base, &m.baseTerm); err != nil {
		return err
	}
	if entries, state, ok := strings.Cut(rest, " | "); ok {
		rest = state
		for e := range strings.FieldsSeq(entries) {
			var index, term uint64
			if _, err := fmt.Sscanf(e, "%d/%d", &index, &term); err != nil {
				return err
			}
			m.terms = append(m.terms, term)
		}
	}
	_, err := fmt.Sscanf(rest, "term %d vote %d commit %d", &m.state[0], &m.state[1], &m.state[2])
	return err
}

// TestRecoveryAgainstModel runs random members: they save, sync, take and receive
// snapshots, release, crash and recover, time and again, on a disk that tears
// and leaves garbage. What recovery finds must be what the records mean up to
// some point that is not before the last completed sync; where only the process has
// died, what all of them mean. From there on it is durable.
func TestRecoveryAgainstModel(t *testing.T) {
	var torn, cut, passedOver, taken, received, released, repaired, abandoned int
	history := func(t *rapid.T) {
		d := newDisk(disk.Config{
			Sync: sim.Range{Max: time.Millisecond},
			Keep: sim.Percent(5), Torn: sim.Percent(80), Garbage: sim.Percent(30),
		}, rapid.Uint64().Draw(t, "seed"))
		config := wal.Config{SegmentSize: sim.Size(rapid.SampledFrom([]int{1, 300, 1000, 5000}).Draw(t, "segment"))}
		l, err := wal.Create(d, config, wal.Genesis([]uint64{1, 2, 3}, nil))
		if err != nil {
			t.Fatal(err)
		}
		m := &model{base: 1, baseTerm: 1, state: [3]uint64{1, 0, 1}}
		term, vote, commit := uint64(1), uint64(0), uint64(1)
		snapshot := uint64(1)
		type flight struct {
			ticket uint64
			covers int
		}
		var flights []flight

		// entriesFrom returns entries with some bulk, so that batches fill sectors.
		entriesFrom := func(first uint64, n int) []*pb.Entry {
			bulk := strings.Repeat(".", rapid.SampledFrom([]int{0, 0, 100, 700}).Draw(t, "bulk"))
			var entries []*pb.Entry
			for i := first; i < first+uint64(n); i++ {
				entries = append(entries, newEntry(i, term, fmt.Sprintf("%d in term %d%s", i, term, bulk)))
				m.told = append(m.told, told{entry: [2]uint64{i, term}})
			}
			return entries
		}
		saveState := func() *pb.HardState {
			m.told = append(m.told, told{state: &[3]uint64{term, vote, commit}})
			return newState(term, vote, commit)
		}

		for range rapid.IntRange(10, 100).Draw(t, "steps") {
			last := m.last(len(m.told))
			step := rapid.SampledFrom([]string{
				"append", "append", "append", "conflict", "commit", "sync", "sync", "synced", "synced", "take", "take", "receive", "release",
				"crash", "death",
			}).Draw(t, "step")
			switch step {
			case "append":
				entries := entriesFrom(last+1, rapid.IntRange(1, 4).Draw(t, "entries"))
				var state *pb.HardState
				if rapid.Bool().Draw(t, "with state") {
					commit = rapid.Uint64Range(commit, last+uint64(len(entries))).Draw(t, "commit")
					state = saveState()
				}
				if err := l.Save(state, entries); err != nil {
					t.Fatal(err)
				}
				l.Append(entries)
			case "conflict":
				if commit == last {
					continue
				}
				term++
				entries := entriesFrom(rapid.Uint64Range(commit+1, last).Draw(t, "first"), rapid.IntRange(1, 3).Draw(t, "entries"))
				if err := l.Save(saveState(), entries); err != nil {
					t.Fatal(err)
				}
				l.Append(entries)
			case "commit":
				commit = rapid.Uint64Range(commit, last).Draw(t, "commit")
				vote = rapid.Uint64Range(1, 3).Draw(t, "vote")
				if rapid.Bool().Draw(t, "written") { // otherwise the member knows, the log does not
					if err := l.Save(saveState(), nil); err != nil {
						t.Fatal(err)
					}
				}
			case "sync":
				flights = append(flights, flight{d.Sync().ID, len(m.told)})
			case "synced":
				if len(flights) > 0 {
					i := rapid.IntRange(0, len(flights)-1).Draw(t, "which")
					d.Synced(flights[i].ticket)
					m.durable = max(m.durable, flights[i].covers)
					flights = slices.Delete(flights, i, i+1)
				}
			case "take":
				if commit == snapshot {
					continue
				}
				snapshot = rapid.Uint64Range(snapshot+1, commit).Draw(t, "index")
				m.told = append(m.told, told{snapshot: [2]uint64{snapshot, m.term(snapshot)}})
				// No two are alike, or the marker of one that was passed over would
				// find its file in a later one.
				taken++
				data := fmt.Sprint(taken, strings.Repeat("s", rapid.SampledFrom([]int{1, 2000}).Draw(t, "size")))
				if _, err := l.CreateSnapshot(snapshot, &pb.ConfState{Voters: []uint64{1, 2, 3}}, []byte(data)); err != nil {
					t.Fatal(err)
				}
				if rapid.Bool().Draw(t, "compact") {
					if err := l.Compact(snapshot); err != nil {
						t.Fatal(err)
					}
				}
			case "receive":
				term++
				snapshot = commit + rapid.Uint64Range(1, 5).Draw(t, "ahead")
				commit = snapshot
				m.told = append(m.told, told{received: [2]uint64{snapshot, term}})
				snap := newSnapshot(snapshot, term, strings.Repeat("r", rapid.SampledFrom([]int{1, 2000}).Draw(t, "size")))
				if err := l.SaveSnapshot(snap); err != nil {
					t.Fatal(err)
				}
				entries := entriesFrom(snapshot+1, rapid.IntRange(0, 2).Draw(t, "entries"))
				if err := l.Save(saveState(), entries); err != nil {
					t.Fatal(err)
				}
				if err := l.ApplySnapshot(snap); err != nil {
					t.Fatal(err)
				}
				l.Append(entries)
				received++
			case "release":
				if l.Release(rapid.Uint64Range(1, snapshot).Draw(t, "through")) == nil {
					released++
				}
			case "crash", "death":
				var loss disk.Loss
				if step == "crash" {
					loss = d.Crash()
					torn += loss.Torn
				} else {
					d.Abandon()
					m.durable = len(m.told)
					abandoned++
				}
				_, _, _, atLeast := m.replay(m.durable)
				var possible []string
				for n := m.durable; n <= len(m.told); n++ {
					possible = append(possible, m.meanings(n)...)
				}
				if l, err = wal.Open(d, config); err != nil {
					t.Fatalf("%+v; the log was refused: %v\nexpected one of\n%s", loss, err, strings.Join(possible, "\n"))
				}
				got := describeLog(t, l)
				if !slices.Contains(possible, got) {
					t.Fatalf("%+v; recovery found\n%s\nexpected one of\n%s", loss, got, strings.Join(possible, "\n"))
				}
				if report := l.Recovery(); report.CutFile != "" {
					cut++
				} else if report.PassedOver > 0 {
					passedOver++
				}
				if err := m.settle(got); err != nil {
					t.Fatal(err)
				}
				flights = nil
				term, vote, commit, snapshot = m.state[0], m.state[1], m.state[2], m.base
				if n := len(m.terms); n > 0 {
					term = max(term, m.terms[n-1]) // the hard state behind the entry may be torn off
				}
				if commit < atLeast[2] {
					t.Fatalf("the committed index went back from %d to %d", atLeast[2], commit)
				}
				repaired++
			}
		}
	}
	tame := func() string {
		for what, n := range map[string]int{
			"torn files": torn, "cut tails": cut, "received snapshots": received, "releases": released, "recoveries": repaired,
			"deaths of the process": abandoned,
		} {
			if n == 0 {
				return what
			}
		}
		return ""
	}
	for range 10 { // what is rare takes more histories
		if rapid.Check(t, history); t.Failed() || tame() == "" {
			break
		}
	}
	if what := tame(); what != "" {
		t.Errorf("the histories were too tame: no %s", what)
	}
	t.Logf("%d recoveries, %d torn files, %d cut tails, %d passed over, %d received, %d releases",
		repaired, torn, cut, passedOver, received, released)
}

// describeLog is describe, and checks that each entry holds what was written.
func describeLog(t interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}, l *wal.Log,
) string {
	snap, _ := l.Snapshot()
	first, _ := l.FirstIndex()
	last, _ := l.LastIndex()
	state, _, _ := l.InitialState()
	text := fmt.Sprintf("snap %d/%d |", snap.GetMetadata().GetIndex(), snap.GetMetadata().GetTerm())
	if first <= last {
		entries, err := l.Entries(first, last+1, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if want := fmt.Sprintf("%d in term %d", e.GetIndex(), e.GetTerm()); !strings.HasPrefix(string(e.GetData()), want) {
				t.Fatalf("entry %d holds %q", e.GetIndex(), e.GetData())
			}
			text += fmt.Sprintf(" %d/%d", e.GetIndex(), e.GetTerm())
		}
	}
	return text + fmt.Sprintf(" | term %d vote %d commit %d", state.GetTerm(), state.GetVote(), state.GetCommit())
}
