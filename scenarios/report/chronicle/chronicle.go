package chronicle

import (
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Chronicle is a window of a run.
type Chronicle struct {
	// From and To are the first and last instant shown.
	From, To sim.Time
	// Total counts the events of the run, Kept those in the window.
	Total, Kept uint64
	// Members is the largest number of a member, Clients the number of clients;
	// members count from 1, clients from 0.
	Members, Clients int
	// Packets are in the order in which they were sent. Those under way when the
	// window begins are among them.
	Packets []Packet
	// Notes are all other events, in order.
	Notes []trace.Event
	// Changes tell what members and links were, in order. The first ones, at From,
	// describe the beginning of the window.
	Changes []Change
	// Entries tell what logs held, likewise.
	Entries []Entry
}

// Packet is what travelled.
type Packet struct {
	ID   uint64
	Kind uint16 // as Aux of trace.Send, with trace.Rejected
	// From sent it at Sent, To got or lost it at Ended.
	From, To    trace.Addr
	Sent, Ended sim.Time
	Fate        Fate
	// Term, Index, LogTerm and Commit are those of a raft message. Index of a
	// client's packet is the operation.
	Term, Index, LogTerm, Commit uint64
}

// Fate is what became of a packet.
type Fate uint8

// Fates. The zero value is a packet still under way at the end of the window.
const (
	UnderWay Fate = iota
	Arrived
	Again // the same packet arrived once more
	Lost  // by chance
	Cut   // the link was cut
	Dead  // nobody was listening
	Stale // meant for a process that has ended
	Corrupt
	Full  // the link's queue was full
	Taken // by a statement
)

// String says it in a word or two.
func (f Fate) String() string {
	return [...]string{
		"under way", "arrived", "arrived again", "lost", "met a cut link", "nobody listened", "meant for a process that has ended",
		"corrupted", "met a full queue", "taken away",
	}[f]
}

var fates = [...]Fate{
	trace.DropLoss: Lost, trace.DropCut: Cut, trace.DropDead: Dead, trace.DropStale: Stale, trace.DropCorrupt: Corrupt,
	trace.DropFull: Full, trace.DropTaken: Taken,
}

// Field is something that a member is or has.
type Field uint8

// Fields of members.
const (
	Life      Field = iota // as Down, Up, Paused, Gone
	Role                   // as trace.RoleFollower...
	Term                   // the present term
	Leader                 // whom it follows, or 0
	Commit                 // the last index that it knows to be committed
	Applied                // the last index applied to its store
	Last                   // the last index of its log
	Durable                // the last index that its disk would give back
	Link                   // towards Peer; 0 is everybody: as Open, Blocked, Held
	Vote                   // whom it voted for in its term, as its disk has it, or 0
	Disk                   // what ails its disk: a set of DiskStalled...
	SlowSyncs              // how many times as long its syncs take; 0 is normal
	SlowSteps              // how long a step of its process takes at most, in ns; 0 is fast
	Drift                  // how much too fast its clock is, in ppm, in two's complement
	Ahead                  // by how much its wall clock is ahead, in ns, in two's complement
	numFields
)

// What may ail a disk: bits of Disk.
const (
	DiskStalled uint64 = 1 << iota // no sync completes
	DiskFull
	DiskFails
	DiskLies    // what its syncs cover is lost in a crash
	DiskDamaged // some bytes are not what was written
	DiskWiped   // it is empty, and the member does not start from it
)

// Values of Life.
const (
	Down uint64 = iota
	Up
	Paused
	Gone // removed from the cluster
)

// Values of Link.
const (
	Open uint64 = iota
	Blocked
	Held
)

// Change says that a field of a member has another value from At on. Fields are 0
// until then.
type Change struct {
	At     sim.Time
	Member trace.Addr
	Peer   trace.Addr // of Link; else 0
	Field  Field
	Value  uint64
}

// Entry says what a member's log holds at Index from At on, and that it holds
// nothing behind. With Term 0 it holds nothing at Index either. An entry that does
// not follow upon what the log holds is the only one: a snapshot took the place
// of the log.
type Entry struct {
	At     sim.Time
	Member trace.Addr
	Index  uint64
	Term   uint64
}
