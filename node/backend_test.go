package node

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/disk"
	"etcdsim/store/mvcc"
)

// solo is a member of a cluster of its own, whose disk and timers do their work
// at once, or never.
type solo struct {
	t    testing.TB
	cfg  Config
	now  sim.Time
	disk *disk.Disk
	log  *trace.Log
	node *Node
	// held: syncs do not complete, so that a crash loses what was written.
	held bool
	// holdBatch: from the next batch on, syncs are held.
	holdBatch bool
	fatal     error
	// applied are the requests that were applied, by operation.
	applied map[uint64]bool
}

func newSolo(t testing.TB, seed uint64, cfg Config) *solo {
	s := &solo{t: t, cfg: cfg, log: trace.NewLog(), applied: map[uint64]bool{}}
	s.disk = disk.New(1, disk.Default(), seed, s.log)
	s.start()
	return s
}

func (s *solo) start() {
	n, err := Start(1, []uint64{1}, s.cfg, s.disk, s.log.Now, sim.NewSeed(1), 0, s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	s.node, s.held, s.holdBatch = n, false, false
	for range 30 {
		s.step(Input{Kind: Tick})
	}
	if s.node.leader != 1 {
		s.t.Fatal("a member alone did not come to lead")
	}
}

func (s *solo) crash() {
	s.disk.Crash()
	s.start()
}

func (s *solo) step(in Input) {
	s.now += sim.Time(time.Millisecond)
	s.log.Now = s.now
	out := s.node.Step(s.now, &in)
	s.fatal = errors.Join(s.fatal, out.Fatal)
	for _, a := range out.Applied {
		s.applied[a.Proposal.ID] = true
	}
	syncs := append([]disk.Ticket(nil), out.Syncs...)
	timers := append([]Timer(nil), out.Timers...)
	if !s.held {
		for _, ticket := range syncs {
			s.step(Input{Kind: Synced, Ticket: ticket.ID})
		}
	}
	for _, timer := range timers {
		if timer.Token == tokenBatch {
			s.held = s.held || s.holdBatch
			s.step(Input{Kind: Alarm, Token: timer.Token})
		}
	}
}

func (s *solo) ask(op uint64, r store.Request) {
	s.step(Input{Kind: Request, Call: &Call{Client: trace.Client(0), Op: op, Request: r}})
}

// someRequests are a history with everything that the log carries.
func someRequests(n int) []store.Request {
	var all []store.Request
	for i := range int64(n) {
		key := fmt.Sprint("k", i%4)
		var r store.Request = &store.PutRequest{Key: key, Value: strings.Repeat("v", int(i))}
		switch i % 8 {
		case 1:
			r = &store.LeaseGrantRequest{ID: 1 + i/8, TTL: 100}
		case 2:
			r = &store.PutRequest{Key: key, Lease: 1 + i/8}
		case 4:
			r = &store.DeleteRangeRequest{Key: "k1", RangeEnd: "k3"}
		case 5:
			r = &store.CompactionRequest{Revision: i/2 + 1}
		case 6:
			r = &store.AlarmRequest{Action: store.AlarmAction(1 + i/8%2), Alarm: store.Alarm{MemberID: 1, Type: store.AlarmCorrupt}}
		case 7:
			r = &store.LeaseRevokeRequest{ID: i / 8}
		}
		all = append(all, r)
	}
	return all
}

// Applying a log in one go and crashing at any of its entries, with everything
// synced or with all syncs under way, give the same store.
func TestCrashAndReplayAtEveryIndex(t *testing.T) {
	all := someRequests(50)
	for _, entries := range []uint64{3, 1000} {
		cfg := DefaultConfig()
		cfg.SnapshotEntries, cfg.SnapshotCatchUp = entries, 1
		want := mvcc.New(cfg.store())
		for i, r := range all {
			want.Apply(uint64(i+1), &store.Proposal{Request: r})
		}
		for at := range all {
			s := newSolo(t, uint64(at), cfg)
			for i, r := range all {
				s.held = i == at
				s.ask(uint64(i+1), r)
				if i != at {
					continue
				}
				s.crash()
				if !s.applied[uint64(i+1)] {
					s.ask(uint64(i+1), r) // it was lost, and its client never told
				}
			}
			got := s.node.Store()
			want.Skip(got.Applied())
			if got.StateHash() != want.StateHash() || string(got.Encode()) != string(want.Encode()) {
				t.Fatalf("snapshots every %d entries, crash at request %d: another store, at rev %d; want rev %d",
					entries, at, got.Revision(), want.Revision())
			}
		}
	}
}

// A backend that is damaged or gone: the member starts only if the log makes up
// for it, and then with the same store.
func TestBackendBehindTheLog(t *testing.T) {
	cfg := DefaultConfig()
	cfg.SnapshotCatchUp = 1
	run := func() (s *solo, name string) {
		s = newSolo(t, 1, cfg)
		for i, r := range someRequests(40) {
			s.ask(uint64(i+1), r)
		}
		for _, name = range s.disk.List() {
			if strings.HasSuffix(name, ".db") {
				return s, name
			}
		}
		t.Fatal("there is no backend")
		return nil, ""
	}
	s, name := run()
	want := s.node.Store()
	file, err := s.disk.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	refused, restored := 0, 0
	for at := int64(0); at < file.Size(); at += 13 {
		s, name := run()
		if err := s.disk.Rot(name, at, 1); err != nil {
			t.Fatal(err)
		}
		n, err := Start(1, []uint64{1}, cfg, s.disk, s.log.Now, sim.NewSeed(1), 0, s.log)
		if err != nil {
			refused++
			continue
		}
		restored++
		s.node = n
		for range 30 {
			s.step(Input{Kind: Tick})
		}
		if got := s.node.Store(); got.StateHash() != want.StateHash() {
			t.Errorf("%s is damaged at %d, and the member starts with another store, at rev %d; want rev %d",
				name, at, got.Revision(), want.Revision())
		}
	}
	if refused == 0 || restored == 0 || restored > refused {
		t.Errorf("of %d members with a damaged backend %d started again: expected some, and less than half", refused+restored, restored)
	}
	cfg.SnapshotEntries = 5
	s, name = run()
	if err := s.disk.Remove(name); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(1, []uint64{1}, cfg, s.disk, s.log.Now, sim.NewSeed(1), 0, s.log); !errors.Is(err, errBehindLog) {
		t.Errorf("without a backend: %v, want %v", err, errBehindLog)
	}
}

// A disk that refuses a batch ends the process. Once there is room, the member
// goes on from what it has.
// A member may start from a state that is ahead of the committed index, which is not
// synced when it moves alone. If a snapshot is due then, raft must still find in the
// log what it has yet to hand out.
func TestSnapshotDueAtTheStart(t *testing.T) {
	ahead := 0
	for seed := range uint64(20) {
		s := newSolo(t, seed, DefaultConfig())
		for i := range 12 {
			s.holdBatch = i == 11
			s.ask(uint64(i+1), &store.PutRequest{Key: "k", Value: "v"})
		}
		s.disk.Crash()
		s.cfg.SnapshotEntries, s.cfg.SnapshotCatchUp = 5, 0
		n, err := Start(1, []uint64{1}, s.cfg, s.disk, s.now, sim.NewSeed(1), 0, s.log)
		if err != nil {
			t.Fatal(err)
		}
		if n.handed < n.applied {
			ahead++
		}
		s.start()
		s.ask(100, &store.PutRequest{Key: "k", Value: "w"})
		if first, _ := s.node.wal.FirstIndex(); first < 5 || !s.applied[100] {
			t.Errorf("seed %d: the log begins at %d, and the last write was applied: %v", seed, first, s.applied[100])
		}
	}
	if ahead == 0 {
		t.Error("no start was from a state ahead of the committed index")
	}
}

func TestFullDiskEndsTheMember(t *testing.T) {
	cfg := DefaultConfig()
	s := newSolo(t, 1, cfg)
	s.ask(1, &store.PutRequest{Key: "a", Value: "1"})
	config := s.disk.Config()
	config.Capacity = sim.Size(s.disk.Used() + 10)
	s.disk.SetConfig(config)
	s.ask(2, &store.PutRequest{Key: "a", Value: "2"})
	if !errors.Is(s.fatal, disk.ErrFull) {
		t.Fatalf("a write to a full disk: %v, want ErrFull", s.fatal)
	}
	config.Capacity, s.fatal = 0, nil
	s.disk.SetConfig(config)
	s.crash()
	s.ask(3, &store.PutRequest{Key: "b", Value: "3"})
	if s.fatal != nil || s.node.Store().Revision() != 3 {
		t.Errorf("with room again: rev %d, %v; want rev 3", s.node.Store().Revision(), s.fatal)
	}
}

// The log begins anew, and what it holds does not grow with the history; neither
// does the backend's file, once the history is compacted.
func TestDiskDoesNotGrow(t *testing.T) {
	cfg := DefaultConfig()
	cfg.SnapshotEntries, cfg.SnapshotCatchUp, cfg.Segment = 100, 20, 4096
	s := newSolo(t, 1, cfg)
	most := int64(0)
	for i := range int64(4000) {
		s.ask(uint64(2*i+1), &store.PutRequest{Key: "k", Value: strings.Repeat("v", 100)})
		if i%50 == 49 {
			s.ask(uint64(2*i+2), &store.CompactionRequest{Revision: i + 1})
		}
		most = max(most, s.disk.Used())
	}
	if limit := int64(256 << 10); most > limit {
		t.Errorf("the disk came to hold %d bytes, want at most %d", most, limit)
	}
}

// Each field of the replicated state is a piece that snapshots and batches hold.
func TestNoStateIsForgotten(t *testing.T) {
	for f := range reflect.TypeFor[replicated]().Fields() {
		known := f.Name == "confState" || slices.ContainsFunc(pieces[:], func(p piece) bool { return p.field == f.Name })
		if !known {
			t.Errorf("field %s of replicated has no piece: it would be lost with a restart; see state.go", f.Name)
		}
	}
	for i := range pieces {
		if p := &pieces[i]; (p.changes == nil) == (p.mark == nil) || (p.changes == nil) != (p.redo == nil) || p.append == nil || p.read == nil {
			t.Errorf("piece %q: expected append and read, and either a mark or changes and redo", p.field)
		}
	}
}
