package node

import (
	"fmt"
	"strings"
)

// Point is a place in a member's code at which its process can be made to die: where
// something was begun and is not finished, so that recovery has to cope with it.
// Points that etcd has too are named as its own failpoints are, which its robustness
// tests use (etcd, CONTRIBUTING and tests/robustness/failpoint).
type Point uint8

// The points, in the order in which a step comes to them.
const (
	Nowhere Point = iota

	BeforeApply        // committed entries are about to be applied
	BeforeApplyConf    // one of them changes the membership
	BeforeCompact      // one of them compacts the history
	AfterCompact       // the history is compacted in memory, and the disk knows nothing of it
	AfterApply         // they are applied, and nobody was answered
	BeforeLeaderSend   // a leader is about to send what it has not saved yet
	AfterLeaderSend    // it has sent that
	BeforeSnapshotSend // a leader is about to send its state to a laggard
	AfterSnapshotSend  // it has sent that
	BeforeSaveSnap     // a leader's snapshot has come
	AfterSaveSnap      // it is written, and the hard state that goes with it is not
	BeforeSave         // entries or hard state are about to be written
	BeforeSync         // they are written, and not durable
	AfterSave          // they are durable, and nobody was told
	BeforeApplySnap    // a leader's snapshot is durable
	AfterApplySnap     // the log begins anew behind it, and the store is as before
	AfterRelease       // what it replaces is removed from the log, and the store's file is as before
	AfterInstall       // the store's new file is written, and not durable
	BeforeFollowerSend // what a follower promises is durable, and it is about to promise it
	AfterFollowerSend  // it has promised it
	BeforeAdvance      // a save is over, and raft does not know yet
	BeforeMark         // the log is about to be marked with a snapshot of the store's file
	AfterMark          // the mark is written, and not durable
	BeforeRelease      // the mark is durable, and what it replaces is still there
	BeforeCommit       // a batch is about to go to the store's file
	AfterCommit        // it is written, and not durable
	AfterCompactCommit // the same, and the batch holds a compaction
	AfterCommitSync    // it is durable, and the member does not know yet
	BeforeDefragCopy   // a defragmentation begins
	BeforeDefragRename // its new file is written, and not durable
	AfterDefrag        // it is over, and nobody was answered
	numPoints          // keep last
)

// pointNames are the points' names, and what they mean in the words above.
var pointNames = [numPoints]struct{ name, doc string }{
	BeforeApply:        {"before-apply-entries", "committed entries are about to be applied"},
	BeforeApplyConf:    {"before-apply-one-conf-change", "a change of the membership is about to be applied"},
	BeforeCompact:      {"compact-before-drop", "a compaction is about to be applied"},
	AfterCompact:       {"compact-after-drop", "the history is compacted in memory, and the disk knows nothing of it"},
	AfterApply:         {"after-apply-entries", "committed entries are applied, and nobody was answered"},
	BeforeLeaderSend:   {"raft-before-leader-send", "a leader is about to send what it has not saved yet"},
	AfterLeaderSend:    {"raft-after-leader-send", "it has sent that"},
	BeforeSnapshotSend: {"snapshot-before-send", "a leader is about to send its state to a laggard"},
	AfterSnapshotSend:  {"snapshot-after-send", "it has sent that"},
	BeforeSaveSnap:     {"raft-before-save-snap", "a leader's snapshot has come"},
	AfterSaveSnap:      {"raft-after-save-snap", "it is written, and the hard state that goes with it is not"},
	BeforeSave:         {"raft-before-save", "entries or hard state are about to be written"},
	BeforeSync:         {"wal-before-sync", "they are written, and not durable"},
	AfterSave:          {"raft-after-save", "they are durable, and nobody was told"},
	BeforeApplySnap:    {"raft-before-apply-snap", "a leader's snapshot is durable"},
	AfterApplySnap:     {"raft-after-apply-snap", "the log begins anew behind it, and the store is as before"},
	AfterRelease:       {"raft-after-wal-release", "the log before it is removed, and the store's file is as before"},
	AfterInstall:       {"apply-after-open-snapshot", "the store's new file is written, and not durable"},
	BeforeFollowerSend: {"raft-before-follower-send", "what a follower is about to promise is durable"},
	AfterFollowerSend:  {"raft-after-follower-send", "it has promised it"},
	BeforeAdvance:      {"raft-before-advance", "a save is over, and raft does not know yet"},
	BeforeMark:         {"snapshot-before-mark", "the log is about to be marked with a snapshot of the store's file"},
	AfterMark:          {"snapshot-after-mark", "the mark is written, and not durable"},
	BeforeRelease:      {"snapshot-before-release", "the mark is durable, and what it replaces is still there"},
	BeforeCommit:       {"before-commit", "a batch is about to go to the store's file"},
	AfterCommit:        {"after-commit", "it is written, and not durable"},
	AfterCompactCommit: {"compact-after-commit-batch", "the same, and the batch holds a compaction"},
	AfterCommitSync:    {"commit-after-sync", "it is durable, and the member does not know yet"},
	BeforeDefragCopy:   {"defrag-before-copy", "a defragmentation begins"},
	BeforeDefragRename: {"defrag-before-rename", "its new file is written, and not durable"},
	AfterDefrag:        {"after-defrag", "a defragmentation is over, and nobody was answered"},
}

// String returns the point's name.
func (p Point) String() string { return pointNames[p].name }

// Doc says in a few words how things stand at the point.
func (p Point) Doc() string { return pointNames[p].doc }

// Points returns all points, in the order in which a step comes to them.
func Points() []Point {
	all := make([]Point, 0, numPoints-1)
	for p := Nowhere + 1; p < numPoints; p++ {
		all = append(all, p)
	}
	return all
}

// ParsePoint returns the point of a name.
func ParsePoint(name string) (Point, error) {
	names := make([]string, 0, numPoints-1)
	for _, p := range Points() {
		if p.String() == name {
			return p, nil
		}
		names = append(names, p.String())
	}
	return Nowhere, fmt.Errorf("unknown point %q: expected one of %s", name, strings.Join(names, ", "))
}

// Trap is where a process will die. The zero value lets it live.
type Trap struct {
	At Point
	// Skip is how many times more it passes there first.
	Skip uint64
}

// Arm sets the trap of the process, or takes it away.
func (n *Node) Arm(t Trap) { n.trap = t }

// reach notes that the process is at a point. If that is where it is to die, it does
// so here: nothing of the present step happens beyond this line.
func (n *Node) reach(p Point) {
	if n.trap.At == p {
		n.spring()
	}
}

// spring lets the trap of the process do its work, unless it is to skip it.
func (n *Node) spring() {
	if n.trap.Skip > 0 {
		n.trap.Skip--
		return
	}
	p := n.trap.At
	n.trap = Trap{}
	panic(death{p})
}

// death is how the end of a process gets out of the code that it happens in.
type death struct{ at Point }

// dies ends a step at the point where the process died. What the step had done until
// then is in the output. It must be deferred.
func (n *Node) dies(out **Output) {
	switch r := recover().(type) {
	case nil:
	case death:
		n.out.Died = r.at
		*out = &n.out
	default:
		panic(r)
	}
}
