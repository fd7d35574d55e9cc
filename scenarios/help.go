package scenarios

import (
	"fmt"
	"strings"
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
		not := ""
		if s.negatable {
			not = "[!] "
		}
		fmt.Fprintf(&b, "  %s%s\n      %s\n", not, s.syntax, s.doc)
	}
	fmt.Fprintf(&b, "\nCONDITIONS\n  %s\n", conditionSyntax)
	b.WriteString("\nTARGETS\n")
	row := func(name, doc string) { fmt.Fprintf(&b, "  %-22s %s\n", name, doc) }
	row("n1, n2...", "a member by its number")
	row("$NAME", "members named before, by as=$NAME or let")
	for _, k := range targetKinds {
		row(k.name, k.doc)
	}
	for _, kind := range []struct {
		kind  meterKind
		title string
	}{
		{meterLoad, "METERS OF A LOAD"},
		{meterWatch, "METERS OF WATCHING CLIENTS"},
		{meterMember, "METERS OF MEMBERS"},
		{meterCounter, "COUNTERS OF THE RUN"},
	} {
		fmt.Fprintf(&b, "\n%s\n", kind.title)
		for i := range meters {
			if m := &meters[i]; m.kind == kind.kind {
				row(m.name, m.doc)
			}
		}
	}
	for _, s := range Sections() {
		fmt.Fprintf(&b, "\nOPTIONS OF %s (%s)\n", strings.ToUpper(s.Name), s.Doc)
		for _, o := range s.Options {
			row(o.Name+"="+o.Syntax, fmt.Sprintf("%s (default %s)", o.Doc, o.Default))
		}
	}
	return b.String()
}
