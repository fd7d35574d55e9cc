package outside

import (
	"strconv"
	"time"

	"etcdsim/sim"
	"etcdsim/store"
)

// Place is a place in a run.
type Place struct {
	// At is the virtual time.
	At sim.Time
	// After is how many events happen at that very time before. It is almost always 0.
	After uint64
}

// Append appends the statement that lets a run come to the place.
func (p Place) Append(buf []byte) []byte {
	buf = append(append(buf, "at      "...), time.Duration(p.At).String()...)
	if p.After != 0 {
		buf = strconv.AppendUint(append(buf, " after="...), p.After, 10)
	}
	return buf
}

// Input is one thing that enters a universe from outside.
type Input struct {
	Kind Kind
	// Op is the operation: what an Ask or Open begins, and what the others are about.
	Op uint64
	// Member is whom a request is for, or whom an address belongs to.
	Member uint64
	// As says in whose name a request is made.
	As store.Credential
	// Request is that of an Ask, Open or Send.
	Request store.Request
	// URL is that of an Advertise.
	URL string
}

// Kind says what an input is.
type Kind uint8

// Kinds of inputs.
const (
	// Ask is a request that is answered once.
	Ask Kind = iota
	// Open is a request that opens a stream, on which answers come until one is an
	// error. Send is another request on the stream, and HangUp its end.
	Open
	Send
	HangUp
	// GiveUp is the end of an Ask that is not answered yet: whoever asked hung up, or
	// their deadline has passed.
	GiveUp
	// Advertise says where a member is reached by clients from its next start on.
	Advertise
)

// Append appends the statement that lets the input enter. Its words hold no spaces
// and no operators of the language, whatever the bytes of a request are.
func (in *Input) Append(buf []byte) []byte {
	number := func(word string) {
		buf = strconv.AppendUint(append(buf, word...), in.Op, 10)
	}
	switch in.Kind {
	case Ask, Open:
		buf = strconv.AppendUint(append(buf, "ask     n"...), in.Member, 10)
		buf = AppendRequest(append(buf, ' '), in.Request)
		if in.As.Token != "" {
			buf = appendText(append(buf, " token="...), in.As.Token)
		}
		if in.As.Certified {
			buf = appendText(append(buf, " cn="...), in.As.Name)
		}
		switch {
		case in.Kind == Open:
			number(" stream=")
		case in.Op != 0:
			number(" call=")
		}
	case Send:
		buf = AppendRequest(append(buf, "ask     "...), in.Request)
		number(" stream=")
	case HangUp, GiveUp:
		number("hangup  ")
	case Advertise:
		buf = strconv.AppendUint(append(buf, "session n"...), in.Member, 10)
		buf = append(append(buf, '='), in.URL...)
	}
	return buf
}
