// Package history holds what a run leaves to be judged: the operations as the
// clients saw them, and the log as the cluster committed it.
package history

import (
	"etcdsim/sim"
	"etcdsim/store"
	"etcdsim/store/saved"
)

// Outcome is what a client knows about its operation.
type Outcome uint8

// Outcomes.
const (
	// OK: answered; the response is what the client saw.
	OK Outcome = 1 + iota
	// Failed: refused, and certainly without effect.
	Failed
	// Unknown: timed out, or refused in a way that does not tell whether it took
	// effect.
	Unknown
)

// String returns ok, failed or unknown.
func (o Outcome) String() string {
	if o < OK || o > Unknown {
		return "no outcome"
	}
	return [...]string{OK: "ok", Failed: "failed", Unknown: "unknown"}[o]
}

// Op is one operation of one client.
type Op struct {
	// ID is unique within a run, and is the ID of the operation's Proposal.
	ID uint64
	// Client counts from 0. A client has one operation under way at a time.
	Client int
	// Member is the ID of the member that was asked.
	Member uint64
	// Load names the workload that the operation belongs to.
	Load    string
	Request store.Request
	// User is in whose name the client asked: it showed a token of this user. Empty
	// without a token.
	User string
	// Invoke is when the client sent the request, Return when it had the answer
	// or gave up.
	Invoke, Return sim.Time
	Outcome        Outcome
	// Response is meaningful if Outcome is OK or Failed, and if it is Unknown
	// because of an answer such as "request timed out".
	Response store.Response
	// Applied is the applied index of the member when it served the request, and
	// for a write the index of its own entry. It is the simulator's knowledge,
	// not the client's: it orders the witness and explains failures, and is 0 in
	// histories from elsewhere.
	Applied uint64
	// Term is the term of the member when it answered; likewise.
	Term uint64
}

// Commit is one entry of the committed log that carried a request, in log order.
type Commit struct {
	Index, Term uint64
	Proposal    *store.Proposal
	// Response is what the first member that applied the entry answered.
	Response store.Response
	// At is when that member applied it; 0 if nobody noted it.
	At sim.Time
}

// Member is the state of one member at the end of a run.
type Member struct {
	ID      uint64
	Running bool
	// Founder: the cluster began with it, as a voter.
	Founder bool
	Term    uint64
	Commit  uint64
	Applied uint64
	// Revision and Hash are those of its store: equal revisions must have equal
	// hashes.
	Revision int64
	Hash     uint64
	// OlderIndex and OlderHash are those of its older store; 0 if it holds none.
	OlderIndex, OlderHash uint64
}

// History is everything a run leaves to the judges.
type History struct {
	// Initial is what the universe began with; nil is an empty store.
	Initial *saved.Snapshot
	Ops     []Op
	Commits []Commit
	Members []Member
	// Watches are in the order of their creation.
	Watches []*Watch
}
