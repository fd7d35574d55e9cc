package scenarios

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"etcdsim/scenarios/workload"
	"etcdsim/sim"
)

//go:embed examples/*.scn
var exampleFiles embed.FS

// Example returns a whole scenario that shows what a statement does: it passes, and
// does not without the statement. It is empty if there is no such statement.
func Example(verb string) string {
	text, err := exampleFiles.ReadFile(path.Join("examples", verb+Suffix))
	if err != nil {
		return ""
	}
	return string(text)
}

// Reference explains the language as a page in Markdown, from the tables that the
// parser reads.
func Reference() string {
	var p page
	p.text("# The scenario language")
	p.text("A scenario is a story in statements, one a line: what the universe is like, what clients ask of it, which faults " +
		"befall it, and what must be true afterwards. `etcdsim run my" + Suffix + "` runs one, `etcdsim fmt` prints it in its " +
		"canonical form, and `etcdsim lint` finds what cannot mean what it says. This page is made from the tables that the " +
		"parser reads; `etcdsim language --markdown` prints it.")
	p.shape()
	for g := groupUniverse; g <= groupVerdict; g++ {
		p.heading(2, upper(g.String()))
		for i := range statements {
			if statements[i].group == g {
				p.statement(&statements[i])
			}
		}
	}
	p.tables()
	return strings.TrimRight(p.String(), "\n") + "\n"
}

// page is Markdown under way.
type page struct{ strings.Builder }

// textWidth is the width of the page's lines.
const textWidth = 120

// text writes a paragraph, broken into lines.
func (p *page) text(text string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > textWidth {
			p.WriteString(line + "\n")
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	p.WriteString(line + "\n\n")
}

func (p *page) heading(level int, text string) {
	p.WriteString(strings.Repeat("#", level) + " " + text + "\n\n")
}

// code writes lines that are not Markdown.
func (p *page) code(text string) {
	p.WriteString("```text\n" + strings.TrimRight(text, "\n") + "\n```\n\n")
}

// shape explains what all scenarios have in common.
func (p *page) shape() {
	p.heading(2, "The shape of a file")
	p.code(`# name: what the story is about.
# group: a subject
# source: where it is from
# teaches: what is to be learned from it.
cluster nodes=5

# 1. a phase begins with its number and its title
wait    leader as=$old within=20s
load    w clients=4 mix=put:5,get:4

# 2. faults, and what must come of them
kill    $old
wait    leader within=20s  # and a comment behind`)
	p.text("`#` starts a comment. A comment that is a number, a dot and a title opens a phase, which the output folds and times. " +
		"Options are written `name=value` without spaces and stand in any order; other words keep theirs. Time is virtual, and a " +
		"wait has a deadline; durations are written `500ms`, `2s`, `1m30s`.")
	p.text("`!` before a statement turns it around: what it says must not be so, or must not be done. `?` makes an attempt of it: " +
		"what concerns nobody now, or is not done in time, is passed over. Errors name file, line and column.")
}

func (p *page) statement(s *statement) {
	p.heading(3, s.verb)
	p.code(s.usage())
	text := upper(s.doc) + "."
	if s.remedy != "" {
		text += " Undone by `" + s.remedy + "`."
	}
	p.text(text)
	p.code(Example(s.verb))
}

func (p *page) tables() {
	p.heading(2, "Conditions")
	p.code(strings.ReplaceAll(conditionSyntax, " | ", "\n"))
	p.text("A condition is what `wait` waits for and `expect` expects. A relation is one of `>=`, `<=`, `==`, `!=`, `>` and `<`, " +
		"between a meter and a number, a variable or another meter; without one, the meter must not show 0. Where several members " +
		"are named, it must hold for each. `since=here` counts only what happens from now on, `via=` only what these members " +
		"answered. `elapsed` and `at` are times, and need no deadline.")
	p.heading(2, "Targets")
	p.text("Who a target means is decided when the statement is reached. Several targets mean all of them together.")
	p.table("target", "who", targetRows())
	p.heading(2, "Points of crash")
	p.text("A member dies when it comes to the point: the next time, or after it has passed there `skip` times.")
	p.table("point", "how things stand there", pointRows())
	p.heading(2, "Kinds of packets")
	p.text("What `packet` calls what travels.")
	p.table("kind", "what it is", packetRows())
	p.heading(2, "Lives of a load")
	p.text("What the clients of `load NAME life=LIFE` do all the time.")
	p.table("life", "what a client does", workload.Lives())
	p.heading(2, "Kinds of requests in a mix")
	p.text("Clients of the life `mixed` draw their requests from a mix of weights, such as `mix=put:5,get:4,txn:1`.")
	p.table("kind", "what it does", workload.MixKinds())
	for _, k := range meterKinds {
		p.heading(2, upper(k.title))
		p.table("meter", "what it shows", metersOf(k.kind))
	}
	for _, s := range Sections() {
		p.heading(2, fmt.Sprintf("Options of %s: %s", s.Name, s.Doc))
		p.options(s.Options)
	}
}

func (p *page) table(left, right string, rows [][2]string) {
	fmt.Fprintf(p, "| %s | %s |\n|---|---|\n", left, right)
	for _, r := range rows {
		fmt.Fprintf(p, "| `%s` | %s |\n", r[0], cell(r[1]))
	}
	p.WriteString("\n")
}

func (p *page) options(all []sim.Setting) {
	p.WriteString("| option | what | default |\n|---|---|---|\n")
	for _, o := range all {
		fmt.Fprintf(p, "| `%s=%s` | %s | `%s` |\n", o.Name, o.Syntax, cell(o.Doc), o.Default)
	}
	p.WriteString("\n")
}

// cell makes a text fit into a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

// upper begins a text with a capital letter.
func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
