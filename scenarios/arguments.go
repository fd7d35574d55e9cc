package scenarios

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/scenarios/workload"
)

// The arguments of the statements, each with its parser. What they do is in
// execute.go.

// SectionArgs are the options of cluster, net, disk or node.
type SectionArgs struct{ Options OptionList }

// String prints the arguments as they are written.
func (a SectionArgs) String() string { return a.Options.String() }

func parseSection(p *parser) SectionArgs {
	scratch := defaults()
	section := p.statement.Verb
	options := p.otherOptions(func(name, value string) error { return scratch.set(Setting{section, name, value}) })
	if len(options) == 0 {
		p.missing("an option: " + p.syntax)
	}
	return SectionArgs{options}
}

// ClientsArgs start clients that go on by themselves: a load, or watching ones.
type ClientsArgs struct {
	Name    string
	Options OptionList
	// Via are the members that the clients connect to; empty means all.
	Via Targets
}

// String prints the arguments as they are written.
func (a ClientsArgs) String() string {
	s := a.Name
	if len(a.Options) > 0 {
		s += " " + a.Options.String()
	}
	if len(a.Via) > 0 {
		s += " via=" + a.Via.join(",")
	}
	return s
}

// parseClients reads the arguments; names is where the name will be known, and set
// checks the options and keeps what they say.
func parseClients(p *parser, what string, names *[]string, set func(name, value string) error) ClientsArgs {
	at := p.at()
	a := ClientsArgs{Name: p.name(what)}
	p.introduce(at, a.Name)
	*names = append(*names, a.Name)
	a.Via = p.targetOption("via")
	a.Options = p.otherOptions(set)
	return a
}

// LoadArgs start a load.
type LoadArgs struct {
	ClientsArgs
	Config workload.Config
}

func parseLoad(p *parser) LoadArgs {
	a := LoadArgs{Config: workload.DefaultConfig()}
	a.ClientsArgs = parseClients(p, "the name of the load", &p.scope.loads, a.Config.Set)
	return a
}

// NameArgs name a load, or watching clients.
type NameArgs struct{ Name string }

// String prints the arguments as they are written.
func (a NameArgs) String() string { return a.Name }

func parseUnload(p *parser) NameArgs {
	if slices.Contains(p.scope.watches, p.peek()) {
		return NameArgs{p.watchers()}
	}
	return NameArgs{p.load()}
}

// CompactArgs ask for a compaction.
type CompactArgs struct {
	// Keep is the number of the newest revisions that stay.
	Keep uint64
}

// String prints the arguments as they are written.
func (a CompactArgs) String() string {
	if a.Keep == 0 {
		return ""
	}
	return "keep=" + strconv.FormatUint(a.Keep, 10)
}

func parseCompact(p *parser) CompactArgs {
	o, found := p.option("keep")
	if !found {
		return CompactArgs{}
	}
	n, err := strconv.ParseUint(o.Value, 10, 62)
	if err != nil {
		p.fail(o.Pos.Col, "keep: %q: expected a number of revisions", o.Value)
	}
	return CompactArgs{n}
}

// WaitArgs wait for a condition.
type WaitArgs struct {
	Condition Condition
	// Within is the deadline; 0 where the condition has one of its own.
	Within time.Duration
}

// String prints the arguments as they are written.
func (a WaitArgs) String() string {
	if a.Within == 0 {
		return a.Condition.String()
	}
	return a.Condition.String() + " within=" + printDuration(a.Within)
}

func parseWait(p *parser) WaitArgs {
	a := WaitArgs{Condition: parseCondition(p)}
	switch a.Condition.(type) {
	case ElapsedCondition, AtCondition:
		if p.statement.Not {
			p.fail(p.statement.Pos.Col, "time always passes: expected no \"!\"")
		}
	default:
		a.Within = p.within()
	}
	return a
}

// ExpectArgs expect a condition to hold now.
type ExpectArgs struct{ Condition Condition }

// String prints the arguments as they are written.
func (a ExpectArgs) String() string { return a.Condition.String() }

func parseExpect(p *parser) ExpectArgs {
	at := p.at()
	c := parseCondition(p)
	switch c.(type) {
	case ElapsedCondition, AtCondition:
		p.fail(at, "expected a condition on the cluster; time is waited for")
	}
	return ExpectArgs{c}
}

// LetArgs name members, or an amount.
type LetArgs struct {
	Var string
	// Of are the members; or Amount is what to remember, and Of is empty.
	Of     Targets
	Amount Operand
}

// String prints the arguments as they are written.
func (a LetArgs) String() string {
	if len(a.Of) == 0 {
		return "$" + a.Var + " = " + a.Amount.String()
	}
	return "$" + a.Var + " = " + a.Of.String()
}

func parseLet(p *parser) LetArgs {
	at := p.at()
	name, ok := strings.CutPrefix(p.peek(), "$")
	if !ok || !isName(name) {
		p.missing("a variable such as $few")
		return LetArgs{}
	}
	p.take()
	if !p.accept("=") {
		p.missing("\"=\", with spaces around it")
	}
	a := LetArgs{Var: name}
	if meterNamed(p.peek()) != nil {
		a.Amount = parseOperand(p, someMeter, nil)
		p.bindNumber(at, name)
		return a
	}
	a.Of = p.targets(false)
	p.bind(at, name)
	return a
}

// MemberArgs name the members that something happens to.
type MemberArgs struct{ Of Targets }

// String prints the arguments as they are written.
func (a MemberArgs) String() string { return a.Of.String() }

func parseMembers(p *parser) MemberArgs { return MemberArgs{p.targets(false)} }

// PartitionArgs are the sides of a partition.
type PartitionArgs struct{ Groups []Targets }

// String prints the arguments as they are written.
func (a PartitionArgs) String() string {
	parts := make([]string, len(a.Groups))
	for i, g := range a.Groups {
		parts[i] = g.String()
	}
	return strings.Join(parts, " | ")
}

func parsePartition(p *parser) PartitionArgs {
	a := PartitionArgs{Groups: []Targets{p.targets(true)}}
	for p.accept("|") {
		a.Groups = append(a.Groups, p.targets(true))
	}
	if len(a.Groups) < 2 {
		p.missing("\"|\" and the other side")
	}
	return a
}

// LinkArgs name directed links: all from a member of From to one of To, and
// back if Both. Without From they name all links.
type LinkArgs struct {
	From, To Targets
	Both     bool
}

// String prints the arguments as they are written.
func (a LinkArgs) String() string {
	if len(a.From) == 0 {
		return ""
	}
	arrow := "->"
	if a.Both {
		arrow = "<->"
	}
	return fmt.Sprintf("%s %s %s", a.From, arrow, a.To)
}

func parseLinks(p *parser) LinkArgs {
	a := LinkArgs{From: p.targets(true)}
	switch {
	case p.accept("->"):
	case p.accept("<->"):
		a.Both = true
	default:
		p.missing("\"->\" or \"<->\"")
	}
	a.To = p.targets(true)
	return a
}

func parseSomeLinks(p *parser) LinkArgs {
	if p.peek() == "" {
		return LinkArgs{}
	}
	return parseLinks(p)
}

// CoverArgs are what must have happened.
type CoverArgs struct{ Bounds []Bound }

// Bound is the least that a counter must show.
type Bound struct {
	Counter string
	Least   uint64
}

// String prints the bound as it is written.
func (b Bound) String() string { return fmt.Sprintf("%s>=%d", b.Counter, b.Least) }

// String prints the arguments as they are written.
func (a CoverArgs) String() string {
	parts := make([]string, len(a.Bounds))
	for i, b := range a.Bounds {
		parts[i] = b.String()
	}
	return strings.Join(parts, " ")
}

func parseCover(p *parser) CoverArgs {
	var a CoverArgs
	for p.err == nil && (p.peek() != "" || len(a.Bounds) == 0) {
		m := meterNamed(p.peek())
		if m == nil || m.kind != meterCounter {
			p.missing("a counter: " + strings.Join(counterNames(), ", "))
			return a
		}
		p.take()
		b := Bound{m.name, 1}
		if p.accept(">=") {
			b.Least = p.number("a number")
		}
		a.Bounds = append(a.Bounds, b)
	}
	return a
}

// LivenessArgs say how soon the cluster must be well after the last statement.
type LivenessArgs struct {
	// Within is 0 if it need not be.
	Within time.Duration
}

// String prints the arguments as they are written.
func (a LivenessArgs) String() string {
	if a.Within == 0 {
		return "off"
	}
	return "within=" + printDuration(a.Within)
}

func parseLiveness(p *parser) LivenessArgs {
	if p.accept("off") {
		return LivenessArgs{}
	}
	return LivenessArgs{p.within()}
}
