package scenarios

import (
	"fmt"
	"strings"

	"etcdsim/node"
	"etcdsim/scenarios/workload"
	"etcdsim/sim/trace"
)

// Help explains the language, from the same tables that the parser reads.
func Help() string {
	var b strings.Builder
	b.WriteString("A scenario is one statement a line. \"#\" starts a comment, \"# N. title\" opens a phase.\n" +
		"\"?\" before a statement that acts or waits makes it an attempt: what concerns nobody now, or\n" +
		"is not done in time, is passed over.\n")
	var g group = 0xff
	for i := range statements {
		s := &statements[i]
		if s.group != g {
			g = s.group
			fmt.Fprintf(&b, "\n%s\n", strings.ToUpper(g.String()))
		}
		fmt.Fprintf(&b, "  %s\n      %s\n", s.usage(), s.doc)
	}
	fmt.Fprintf(&b, "\nCONDITIONS\n  %s\n", conditionSyntax)
	list := func(title string, rows [][2]string) {
		fmt.Fprintf(&b, "\n%s\n", title)
		for _, r := range rows {
			fmt.Fprintf(&b, "  %-22s %s\n", r[0], r[1])
		}
	}
	list("TARGETS", targetRows())
	list("POINTS OF CRASH", pointRows())
	list("KINDS OF PACKETS", packetRows())
	list("LIVES OF A LOAD", workload.Lives())
	list("KINDS OF REQUESTS IN A MIX", workload.MixKinds())
	for _, k := range meterKinds {
		list(strings.ToUpper(k.title), metersOf(k.kind))
	}
	for _, s := range Sections() {
		var rows [][2]string
		for _, o := range s.Options {
			rows = append(rows, [2]string{o.Name + "=" + o.Syntax, fmt.Sprintf("%s (default %s)", o.Doc, o.Default)})
		}
		list(fmt.Sprintf("OPTIONS OF %s (%s)", strings.ToUpper(s.Name), s.Doc), rows)
	}
	return b.String()
}

// HelpOn explains one statement, with an example. It is empty if there is none of
// this name.
func HelpOn(verb string) string {
	s := lookup(verb)
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s\n    %s\n\nA scenario that shows it:\n\n%s", s.usage(), s.doc, Example(verb))
}

// targetRows are the targets with what they mean.
func targetRows() [][2]string {
	rows := [][2]string{{"n1, n2...", "a member by its number"}, {"$NAME", "members named before, by as=$NAME or let"}}
	for _, k := range targetKinds {
		rows = append(rows, [2]string{k.name, k.doc})
	}
	return rows
}

// meterKinds are the kinds of meters as they are listed.
var meterKinds = []struct {
	kind  meterKind
	title string
}{
	{meterLoad, "meters of a load"},
	{meterWatch, "meters of watching clients"},
	{meterMember, "meters of members"},
	{meterCounter, "counters of the run"},
}

// metersOf are the meters of one kind, with what they show.
func metersOf(kind meterKind) [][2]string {
	var rows [][2]string
	for i := range meters {
		if m := &meters[i]; m.kind == kind {
			rows = append(rows, [2]string{m.name, m.doc})
		}
	}
	return rows
}

// usage is the syntax of the statement, with the prefix "!" if that may stand before
// it.
func (s *statement) usage() string {
	if s.negatable {
		return "[!] " + s.syntax
	}
	return s.syntax
}

// packetRows are the kinds of packets, with what they are.
func packetRows() [][2]string {
	var rows [][2]string
	for _, name := range trace.PacketNames() {
		kind, _ := trace.PacketNamed(name)
		what := "raft's " + trace.MessageName(kind)
		switch kind {
		case trace.ClientRequest:
			what = "what a client asks, and a member that asks another in a client's place"
		case trace.ClientResponse:
			what = "the answer to that"
		}
		rows = append(rows, [2]string{name, what})
	}
	return rows
}

// pointRows are the points at which crash lets members die.
func pointRows() [][2]string {
	var rows [][2]string
	for _, p := range node.Points() {
		rows = append(rows, [2]string{p.String(), p.Doc()})
	}
	return rows
}
