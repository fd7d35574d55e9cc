package blame

import (
	"fmt"
	"io"
	"strings"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// barWidth is the width of the share 1.
const barWidth = 40

// Write plots the shares over time, and names the jumps. The title says which run it is,
// and the file, which may be nil, what its statements say.
func (v *Verdict) Write(w io.Writer, title string, f *scenarios.File) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  fails by %s, certain at %s\n", title, v.Finding, v.Decided)
	width := len(v.Decided.String())
	for i, p := range v.Points {
		bar := strings.Repeat("█", (barWidth*p.Failing+p.Futures/2)/p.Futures)
		mark := ""
		for n, j := range v.Jumps {
			if i > 0 && j.Before == v.Points[i-1] && j.After == p {
				mark = fmt.Sprintf("  <- jump %d", n+1)
			}
		}
		fmt.Fprintf(&b, "  %*s  %-*s %3d%%%s\n", width, p.At, barWidth, bar, 100*p.Failing/p.Futures, mark)
	}
	if len(v.Jumps) == 0 {
		fmt.Fprintln(&b, "no single moment decided it: the share of failing futures rises slowly, or is what it is from the beginning")
	}
	for n, j := range v.Jumps {
		fmt.Fprintf(&b, "jump %d  between %s and %s: of %d futures %d fail, then %d\n",
			n+1, microseconds(j.Before.At), microseconds(j.After.At), j.After.Futures, j.Before.Failing, j.After.Failing)
		for i := range j.Suspects {
			fmt.Fprintf(&b, "  %s\n", Suspect(f, &j.Suspects[i]))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// microseconds prints a time more closely than reports do.
func microseconds(t sim.Time) string { return fmt.Sprintf("%d.%06ds", t/1e9, t/1e3%1e6) }

// Suspect tells of an event; of a statement, its words.
func Suspect(f *scenarios.File, e *trace.Event) string {
	if e.Kind == trace.Action {
		for _, s := range statements(f) {
			if uint64(s.Number) == e.ID {
				return fmt.Sprintf("%-9s statement: %s", e.At, strings.Join(strings.Fields(s.String()), " "))
			}
		}
	}
	return report.Event(e)
}
