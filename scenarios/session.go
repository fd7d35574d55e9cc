package scenarios

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/outside"
	"etcdsim/sim/trace"
)

// Sessions are scenarios that wrote themselves: what clients outside of a universe
// asked of it, and what its operators did, each at its place in the run. Whoever
// serves a universe records one; played, it is the same run. Other statements may be
// mixed in, and each may be left out.
//
// A session shows what happened, not what should have: an operator's statement that
// does not hold is noted, and the run goes on. What it adds to the trace is what
// enters: its own statements have no number and leave no Action there.

// SessionArgs begin a session.
type SessionArgs struct {
	// Seed, Bugs and Settings are those that the session was recorded with: a command
	// takes them from here unless it is told otherwise. Seeded reports that there is a
	// seed.
	Seed     uint64
	Seeded   bool
	Bugs     bug.Set
	Settings []Setting
	// Trace is the version of the trace, 0 if it is not said. Other versions come to
	// other digests.
	Trace uint64
	// Snapshot is what the members began with, whatever file the scenario names.
	Snapshot Embedded
	// URLs say where clients reach members, by number; the founders tell it from the
	// beginning, others from their next start on.
	URLs []MemberURL
}

// MemberURL is the address of a member.
type MemberURL struct {
	Member uint64
	URL    string
}

// String prints the arguments as they are written.
func (a SessionArgs) String() string {
	var words []string
	if a.Seeded {
		words = append(words, "seed="+strconv.FormatUint(a.Seed, 10))
	}
	if a.Bugs != 0 {
		words = append(words, "bug="+a.Bugs.String())
	}
	if a.Trace != 0 {
		words = append(words, "trace="+strconv.FormatUint(a.Trace, 10))
	}
	for _, u := range a.URLs {
		words = append(words, fmt.Sprintf("n%d=%s", u.Member, u.URL))
	}
	for _, s := range a.Settings {
		words = append(words, s.String())
	}
	if a.Snapshot.text != "" {
		words = append(words, "snapshot="+a.Snapshot.text)
	}
	return strings.Join(words, " ")
}

func parseSession(p *parser) SessionArgs {
	var a SessionArgs
	var err error
	if o, ok := p.option("seed"); ok {
		if a.Seed, err = strconv.ParseUint(o.Value, 10, 64); err != nil {
			p.fail(o.Pos.Col, "seed: %q: expected a whole number", o.Value)
		}
		a.Seeded = true
	}
	if o, ok := p.option("bug"); ok {
		if a.Bugs, err = bug.Parse(o.Value); err != nil {
			p.fail(o.Pos.Col, "bug: %v", err)
		}
	}
	if o, ok := p.option("trace"); ok {
		if a.Trace, err = strconv.ParseUint(o.Value, 10, 32); err != nil || a.Trace == 0 {
			p.fail(o.Pos.Col, "trace: %q: expected the version of a trace, a number from 1", o.Value)
		}
	}
	if o, ok := p.option("snapshot"); ok {
		if a.Snapshot, err = parseEmbedded(o.Value); err != nil {
			p.fail(o.Pos.Col, "snapshot: %v", err)
		}
	}
	for i, o := range p.options {
		if t, ok := parseTarget(o.Name); ok && t.Kind == "n" {
			p.taken[i] = true
			a.URLs = append(a.URLs, MemberURL{t.Member, o.Value})
		} else if strings.Contains(o.Name, ".") {
			p.taken[i] = true
			s, err := ParseSetting(o.String())
			if err != nil {
				p.fail(o.Pos.Col, "%v", err)
			}
			a.Settings = append(a.Settings, s)
		}
	}
	slices.SortStableFunc(a.URLs, func(x, y MemberURL) int { return cmp.Compare(x.Member, y.Member) })
	if !p.scope.session {
		p.introduce(p.statement.Pos.Col, outside.Load)
		p.scope.loads = append(p.scope.loads, outside.Load)
		p.scope.session = true
	}
	return a
}

// Replay runs a session as it was recorded, with its seed, bugs and settings. The error
// is about the file, as with [ParseSession] and [Run].
func Replay(name, text string) (*Result, error) {
	f, err := ParseSession(name, text)
	if err != nil {
		return nil, err
	}
	s := f.Session()
	if s == nil {
		return nil, &Error{File: name, Text: "expected a recorded session"}
	}
	return Run(f, s.Seed, Options{Bugs: s.Bugs, Settings: s.Settings})
}

// AtArgs are a place in a run.
type AtArgs outside.Place

// String prints the arguments as they are written.
func (a AtArgs) String() string { return arguments(outside.Place(a).Append(nil)) }

// arguments cuts off the verb of a statement.
func arguments(statement []byte) string {
	_, args, _ := strings.Cut(string(statement), " ")
	return strings.TrimLeft(args, " ")
}

func parseAt(p *parser) AtArgs {
	var a AtArgs
	p.inSession()
	d, err := time.ParseDuration(p.peek())
	if err != nil || d < 0 {
		p.missing("an instant such as 500ms or 2s")
		return a
	}
	p.take()
	a.At = sim.Time(d)
	if o, ok := p.option("after"); ok {
		if a.After, err = strconv.ParseUint(o.Value, 10, 63); err != nil || a.After == 0 {
			p.fail(o.Pos.Col, "after: %q: expected how many events happen at that instant before, from 1", o.Value)
		}
	}
	return a
}

// InputArgs are a request from outside, or the end of an operation. The number of an
// operation is its name in the session; 0 is none.
type InputArgs outside.Input

// String prints the arguments as they are written.
func (a InputArgs) String() string { return arguments((*outside.Input)(&a).Append(nil)) }

func parseAsk(p *parser) InputArgs {
	a := InputArgs{Kind: outside.Send}
	p.inSession()
	if t, ok := parseTarget(p.peek()); ok && t.Kind == "n" {
		p.take()
		a.Kind, a.Member = outside.Ask, t.Member
	}
	at := p.at()
	if len(p.words) == 0 {
		p.missing(`a request such as {"put":{"Key":"k","Value":"v"}}`)
		return a
	}
	var err error
	if a.Request, err = outside.ParseRequest([]byte(p.take().text)); err != nil {
		p.fail(at, "%v", err)
	}
	if a.Kind == outside.Ask {
		a.As.Token, _ = p.quoted("token")
		a.As.Name, a.As.Certified = p.quoted("cn")
	}
	stream, streamed := p.option("stream")
	call, called := p.option("call")
	switch {
	case called && (streamed || a.Kind == outside.Send):
		p.fail(call.Pos.Col, "call: expected only where a member is asked, and without stream=")
	case called:
		a.Op = p.begins(call, false)
	case !streamed && a.Kind == outside.Send:
		p.fail(p.statement.Pos.Col, "expected a member such as n1, or stream=")
	case streamed && a.Kind == outside.Ask:
		a.Kind, a.Op = outside.Open, p.begins(stream, true)
	case streamed:
		if a.Op = p.operationNumber(stream); !p.scope.operations.streams(a.Op) {
			p.fail(stream.Pos.Col, "stream %d: expected one that an earlier ask has opened", a.Op)
		}
	}
	return a
}

// quoted takes an option whose value stands in quotation marks.
func (p *parser) quoted(name string) (text string, found bool) {
	o, found := p.option(name)
	if !found {
		return "", false
	}
	text, err := outside.ParseText([]byte(o.Value))
	if err != nil {
		p.fail(o.Pos.Col, "%s: %s: expected text in quotation marks", name, o.Value)
	}
	return text, true
}

// operations are those of a session that have a number, sorted by it.
type operations []operation

type operation struct {
	number uint64
	stream bool
}

func (os operations) find(number uint64) (int, bool) {
	return slices.BinarySearchFunc(os, number, func(o operation, n uint64) int { return cmp.Compare(o.number, n) })
}

// streams reports whether a stream has the number.
func (os operations) streams(number uint64) bool {
	i, found := os.find(number)
	return found && os[i].stream
}

// begins reads the number of an operation that begins.
func (p *parser) begins(o Option, stream bool) uint64 {
	n := p.operationNumber(o)
	i, found := p.scope.operations.find(n)
	if found {
		p.fail(o.Pos.Col, "%s: there is an operation %d already: expected another number", o.Name, n)
	} else {
		p.scope.operations = slices.Insert(p.scope.operations, i, operation{n, stream})
	}
	return n
}

func parseHangUp(p *parser) InputArgs {
	p.inSession()
	at := p.at()
	a := InputArgs{Kind: outside.GiveUp, Op: p.number("the number of a call or stream")}
	if p.scope.operations.streams(a.Op) {
		a.Kind = outside.HangUp
	} else if _, found := p.scope.operations.find(a.Op); !found {
		p.fail(at, "%d: expected a call or stream of an earlier ask", a.Op)
	}
	return a
}

// inSession refuses a statement before the session begins.
func (p *parser) inSession() {
	if !p.scope.session {
		p.fail(p.statement.Pos.Col, "expected an earlier session")
	}
}

func (p *parser) operationNumber(o Option) uint64 {
	n, err := strconv.ParseUint(o.Value, 10, 63)
	if err != nil || n == 0 {
		p.fail(o.Pos.Col, "%s: %q: expected a number from 1", o.Name, o.Value)
	}
	return n
}

// EndedArgs end a session.
type EndedArgs struct {
	// Digest is what the trace had come to, or empty.
	Digest string
}

// String prints the arguments as they are written.
func (a EndedArgs) String() string {
	if a.Digest == "" {
		return ""
	}
	return "digest=" + a.Digest
}

func parseEnded(p *parser) EndedArgs {
	p.inSession()
	o, ok := p.option("digest")
	if ok && (len(o.Value) != 32 || strings.Trim(o.Value, "0123456789abcdef") != "") {
		p.fail(o.Pos.Col, "digest: %q: expected 32 hexadecimal digits", o.Value)
	}
	return EndedArgs{o.Value}
}

// Session returns how the file's session was recorded, or nil if the file holds none.
func (f *File) Session() *SessionArgs {
	for i := range f.Lines {
		if s := f.Lines[i].Statement; s != nil {
			if a, ok := s.Args.(SessionArgs); ok {
				return &a
			}
		}
	}
	return nil
}

// Ended returns the end of the file's session, or nil: whatever wrote it was cut
// off.
func (f *File) Ended() *EndedArgs {
	for _, l := range slices.Backward(f.Lines) {
		if l.Statement != nil {
			if a, ok := l.Statement.Args.(EndedArgs); ok {
				return &a
			}
		}
	}
	return nil
}

// Unended returns the file without the end of its session, which is that of one run
// only; the file itself if it has none.
func (f *File) Unended() *File {
	if f.Ended() == nil {
		return f
	}
	c := *f
	c.Lines = slices.DeleteFunc(slices.Clone(f.Lines), func(l Line) bool {
		return l.Statement != nil && l.Statement.Verb == "ended"
	})
	return &c
}

// Sealed returns the file with its session as that of a run of it: with the seed, the
// bugs and the settings, and with the digest at its end. A file without a session is
// returned as it is.
func (f *File) Sealed(r *Result) *File {
	if f.Session() == nil {
		return f
	}
	c := *f.Unended()
	c.Lines = slices.Clone(c.Lines)
	for i, l := range c.Lines {
		if l.Statement == nil {
			continue
		}
		if a, ok := l.Statement.Args.(SessionArgs); ok {
			a.Seed, a.Seeded, a.Bugs, a.Settings, a.Trace = r.Seed, true, r.Bugs, r.Settings, trace.Version
			s := *l.Statement
			s.Args = a
			c.Lines[i].Statement = &s
			break
		}
	}
	c.Lines = append(c.Lines, Line{Statement: &Statement{Verb: "ended", Args: EndedArgs{r.Story.String()}}})
	return &c
}

// ParseSession reads a session that may have been cut off by whatever ended the
// process that recorded it: a last line that is not whole is left out, and so is a
// block. Anything else is as with [Parse].
func ParseSession(name, text string) (*File, error) {
	f, err := Parse(name, text)
	if err == nil {
		return f, nil
	}
	whole := text[:strings.LastIndex(text, "\n")+1]
	for range 2 {
		cut, failed := Parse(name, whole)
		if failed == nil && cut.Session() != nil && cut.Ended() == nil {
			return cut, nil
		}
		mistake, ok := failed.(*Error) //nolint:errorlint // it is returned as it is
		if !ok || !mistake.Unfinished {
			break
		}
		whole = strings.Join(strings.SplitAfter(whole, "\n")[:mistake.Pos.Line-1], "")
	}
	return nil, err
}

func execSession(r *run, _ *Statement, a SessionArgs) *halt {
	if r.opening == nil {
		r.opening = outside.New(r.c, r.log, r.clients.Reserve, r.invariants != nil)
		r.opening.Returned = r.returned
		r.operations = map[uint64]uint64{}
		r.loads = append(r.loads, &load{name: outside.Load, members: everybody})
		r.liveness = 0 // it ended as it stood
		if r.opts.MaxEvents == 0 {
			r.limit = math.MaxUint64 // it took the time that it took
		}
	}
	for _, u := range a.URLs {
		r.opening.Enter(&outside.Input{Kind: outside.Advertise, Member: u.Member, URL: u.URL})
	}
	return nil
}

func execAt(r *run, _ *Statement, a AtArgs) *halt {
	for r.c.NextAt() < a.At {
		if h := r.step(); h != nil {
			return h
		}
	}
	if a.At > r.c.Now() {
		r.idle(a.At)
	}
	for r.c.NextAt() == a.At && r.here < a.After {
		if h := r.step(); h != nil {
			return h
		}
	}
	return nil
}

func execInput(r *run, _ *Statement, a InputArgs) *halt {
	in := outside.Input(a)
	name := in.Op
	begins := in.Kind == outside.Ask || in.Kind == outside.Open
	if !begins {
		in.Op = r.operations[name]
	}
	r.opening.Enter(&in)
	if begins {
		r.operations[name] = in.Op
	}
	return nil
}

func execEnded(r *run, _ *Statement, a EndedArgs) *halt {
	if now := r.log.Digest().String(); a.Digest != "" && now != a.Digest {
		why := "the digest is " + now + ": it is not the run that was recorded"
		if s := r.universe.session; s.Trace != 0 && s.Trace != trace.Version {
			why += fmt.Sprintf(", with version %d of the trace, not %d", s.Trace, trace.Version)
		}
		return &halt{outcome: Nondeterminism, why: why, final: true}
	}
	return nil
}

// idle lets time pass in which nothing happens.
func (r *run) idle(until sim.Time) {
	r.here = 0
	r.c.Idle(until)
}
