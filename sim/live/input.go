package live

import (
	"etcdsim/sim"
	"etcdsim/store"
)

// Input is one thing that enters a universe from outside.
type Input struct {
	// Step is the number of events that had happened when it entered, At the virtual
	// time then. Together they say exactly where in the run it belongs.
	Step uint64
	At   sim.Time
	Kind Kind
	// Op is the operation: of a request the number that it got, of a stream that
	// goes on or ends the number of the stream.
	Op uint64
	// Member is whom it concerns, or 0.
	Member uint64
	// As says in whose name a request is made.
	As store.Credential
	// Request is that of a Call, Open or Send.
	Request store.Request
	// Text is the statement of a Do, or the URL of an Advertise.
	Text string
}

// Kind says what an input is.
type Kind uint8

// Kinds of inputs.
const (
	// Call is a request that is answered once.
	Call Kind = iota
	// Open is a request that opens a stream, on which answers come until one is an
	// error. Send is another request on the stream, and HangUp its end.
	Open
	Send
	HangUp
	// Do is a statement of the scenario language.
	Do
	// Advertise says where a member is reached by clients from its next start on.
	Advertise
	// GiveUp is the end of a Call that is not answered yet: its client hung up, or its
	// deadline has passed.
	GiveUp
)

var kindNames = [...]string{"call", "open", "send", "hangup", "do", "advertise", "giveup"}

// String returns the kind's name in recordings.
func (k Kind) String() string { return kindNames[k] }
