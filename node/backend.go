package node

import (
	"errors"
	"fmt"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store/backend"
	"etcdsim/store/disk"
	"etcdsim/store/wal"
)

// The member's state on its disk, after etcd's backend. What was applied goes
// there in batches, every so often, each with the index up to which it goes;
// nobody waits for it. The log begins anew where the backend is durable, every so
// many entries, with a snapshot that is a mark without data. A restart takes what
// the backend holds, and applies what the log has beyond that.
//
// The backend may be ahead of everything else that the disk knows of the log: of
// the committed index, which is not synced when it moves alone, and of the log
// itself, since a leader applies what others have made durable. What raft reports
// as committed once more, up to the index of the backend, is skipped.

// keeping is the member's backend and what is on the way to it.
type keeping struct {
	backend *backend.Backend
	// armed: the timer of the next batch is set. due: a batch waits for the one
	// that is under way; etcd's blocks all else meanwhile.
	armed, due bool
	// underWay are the states that were written and are not durable yet, oldest
	// first; durable is the newest one that is.
	underWay []keptState
	durable  keptState
	// marks are those of the newest record.
	marks     marks
	misplaced misplaced
	// authRevision is that of the newest record; only bug.AuthCindex looks at it.
	authRevision uint64
	// compacted: the history was compacted since the newest record.
	compacted bool
	// buf is where a batch is put together, and parts are its pieces.
	buf   []byte
	parts [numPieces][]byte
}

// keptState is a state that went to the disk.
type keptState struct {
	backend.Point
	confState *pb.ConfState
	hash      uint64
}

// errBehindLog: the backend ends before the log begins, and the entries between
// are nowhere.
var errBehindLog = errors.New("the backend does not reach the beginning of the log")

// openState takes over the state that the disk holds: that of the backend, or, if
// it is newer, that of the log's snapshot, which came from a leader or is the one
// that a new member begins with.
func (n *Node) openState(snap *pb.Snapshot) error {
	index, term := snap.GetMetadata().GetIndex(), snap.GetMetadata().GetTerm()
	b, state, err := backend.Open(n.disk)
	fresh := errors.Is(err, backend.ErrNone)
	switch {
	case err != nil && !fresh:
		return err
	case !fresh && state.Index >= index:
		n.keeping.backend = b
		if err = n.recover(state); n.bugs.Has(bug.CindexSnapOverwrite) && len(snap.GetData()) > 0 {
			n.applied, n.appliedTerm = index, term
		}
	case !fresh && len(snap.GetData()) == 0:
		return fmt.Errorf("%w: it goes up to index %d, the log begins after %d", errBehindLog, state.Index, index)
	case fresh && len(snap.GetData()) == 0 && index > 1:
		return fmt.Errorf("%w: there is none, the log begins after index %d", errBehindLog, index)
	default:
		if err = n.open(snap.GetMetadata().GetConfState(), snap.GetData()); err != nil {
			return fmt.Errorf("snapshot at index %d: %w", index, err)
		}
		n.applied, n.appliedTerm = index, term
		if index > 1 { // a founder begins with the one at index 1
			n.tellInstalled(snap) // the process before this one died over it
		}
		n.keeping.backend = b
		if err = n.writeBase(); err == nil {
			err = n.disk.Flush()
		}
		if err == nil {
			n.stateSettled()
		}
	}
	if err != nil {
		return err
	}
	size, _ := n.keeping.backend.Size()
	n.log.Emit(trace.Event{
		Kind: trace.BackendOpen, Member: n.addr, Term: n.appliedTerm, Index: n.applied, A: uint64(size), B: n.stateHash(),
	})
	return nil
}

// recover takes over the state of a backend. The bytes of a base are the
// configuration with its length before it, and the state as a snapshot holds it.
func (n *Node) recover(state *backend.State) error {
	cs, data, err := cutConfState(state.Image)
	if err == nil {
		err = n.open(cs, data)
	}
	if err != nil {
		return fmt.Errorf("backend: base: %w", err)
	}
	for i, batch := range state.Batches {
		if err := n.redo(batch); err != nil {
			return fmt.Errorf("backend: batch %d of %d: %w", i+1, len(state.Batches), err)
		}
	}
	if n.bugs.Has(bug.CompactLatest) {
		n.kv.ForgetRevision()
	}
	n.applied, n.appliedTerm = state.Index, state.Term
	n.keeping.durable = keptState{state.Point, n.confState, n.stateHash()}
	n.beginBatch()
	return nil
}

// storage is the log as raft finds it at the start: with the configuration of the
// state, which is newer than that of the log's snapshot.
type storage struct {
	*wal.Log
	confState *pb.ConfState
}

// InitialState is part of raft.Storage.
func (s *storage) InitialState() (*pb.HardState, *pb.ConfState, error) {
	hard, _, err := s.Log.InitialState()
	return hard, s.confState, err
}

// stateChanged makes sure that what was applied goes to the disk before long.
func (n *Node) stateChanged() {
	k := &n.keeping
	if !k.armed {
		k.armed = true
		n.setTimer(n.cfg.Batch, tokenBatch)
	}
	if n.applied-k.backend.Point().Index >= n.cfg.BatchLimit {
		n.commitBatch()
	}
}

// batchTime takes the ringing of the timer of batches.
func (n *Node) batchTime() {
	n.keeping.armed = false
	n.commitBatch()
}

// commitBatch hands what was applied since the last time to the disk, unless that
// is still busy with the last time.
func (n *Node) commitBatch() {
	k := &n.keeping
	switch {
	case k.backend.Point().Index == n.applied:
		return
	case len(k.underWay) > 0:
		k.due = true
		return
	}
	n.reach(BeforeCommit)
	n.writeState()
	if n.out.Fatal == nil {
		n.reach(AfterCommit)
		if k.compacted {
			k.compacted = false
			n.reach(AfterCompactCommit)
		}
		n.out.Syncs = append(n.out.Syncs, n.disk.Sync())
	}
}

// slack is how much of a backend's file may be superseded beside half of it,
// before a new one is begun.
const slack = 64 << 10

// writeState writes a batch, or a new base if most of the file is superseded. A
// disk that refuses it ends the process, as in etcd.
func (n *Node) writeState() {
	k := &n.keeping
	if size, _ := k.backend.Size(); size > 2*(n.kv.SizeInUse()+n.older.size)+slack {
		n.out.Fatal = n.writeBase()
		return
	}
	p := backend.Point{Index: n.applied, Term: n.appliedTerm}
	k.buf = n.appendBatch(k.buf[:0])
	batch := k.buf
	if n.bugs.Has(bug.CindexAhead) || n.bugs.Has(bug.CindexBehind) {
		if p, batch = n.misplaced(p, batch); batch == nil {
			return
		}
	}
	if n.bugs.Has(bug.AuthCindex) && n.kv.AuthRevision() != k.authRevision {
		k.authRevision, p = n.kv.AuthRevision(), k.backend.Point()
	}
	before, _ := k.backend.Size()
	if n.out.Fatal = k.backend.Append(p, batch); n.out.Fatal != nil {
		return
	}
	n.stateWritten(p, before, trace.BackendBatch)
}

// writeBase begins a new generation of the backend with the present state, or the
// first one.
func (n *Node) writeBase() (err error) {
	k := &n.keeping
	p := backend.Point{Index: n.applied, Term: n.appliedTerm}
	image := append(appendConfState(nil, n.confState), n.encode()...)
	if k.backend == nil {
		k.backend, err = backend.Create(n.disk, p, image)
	} else {
		err = k.backend.Rewrite(p, image)
	}
	if err != nil {
		return err
	}
	n.beginBatch()
	k.misplaced = misplaced{}
	n.stateWritten(p, 0, trace.BackendBase)
	return nil
}

// stateWritten notes that a record is on its way to the disk: what the file holds
// beyond before.
func (n *Node) stateWritten(p backend.Point, before int64, kind uint16) {
	k := &n.keeping
	k.underWay = append(k.underWay, keptState{p, n.confState, n.stateHash()})
	size, _ := k.backend.Size()
	n.log.Emit(trace.Event{
		Kind: trace.BackendCommit, Aux: kind, Member: n.addr, Term: p.Term, Index: p.Index,
		A: uint64(size - before), B: n.stateHash(),
	})
}

// stateSettled looks what a completed sync made durable of the backend.
func (n *Node) stateSettled() {
	k := &n.keeping
	if len(k.underWay) == 0 {
		return
	}
	p := k.backend.Settle()
	done := 0
	for done < len(k.underWay) && k.underWay[done].Index <= p.Index {
		done++
	}
	if done == 0 {
		return
	}
	n.reach(AfterCommitSync)
	k.durable = k.underWay[done-1]
	k.underWay = slices.Delete(k.underWay, 0, done)
	n.log.Emit(trace.Event{Kind: trace.BackendDurable, Member: n.addr, Term: p.Term, Index: p.Index})
	if k.due && len(k.underWay) == 0 {
		k.due = false
		n.commitBatch()
	}
}

// Close ends the process in good order: what was applied goes to the disk, which
// the caller flushes. As after a crash, the member is of no use then.
func (n *Node) Close() {
	if n.keeping.backend.Point().Index != n.applied {
		n.writeState()
	}
}

// misplaced is what two of the defects hold back: the data, or the index, of the
// last time.
type misplaced struct {
	batch []byte
	point backend.Point
}

// misplaced pairs an index with other data than its own, as etcd once did: ahead
// of the data, or behind it. It returns no data if there is none to pair.
func (n *Node) misplaced(p backend.Point, batch []byte) (backend.Point, []byte) {
	last := n.keeping.misplaced
	n.keeping.misplaced = misplaced{slices.Clone(batch), p}
	if n.bugs.Has(bug.CindexAhead) {
		return p, last.batch
	}
	if last.point == (backend.Point{}) {
		last.point = n.keeping.backend.Point()
	}
	return last.point, batch
}

// Proven returns the parts of a member's files in which it notices any damage when it
// starts, and refuses to: see wal.Proven and backend.Proven.
func Proven(d *disk.Disk) []disk.Extent { return append(wal.Proven(d), backend.Proven(d)...) }
