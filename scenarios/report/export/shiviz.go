package export

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim/trace"
)

// ShiVizParser is the expression that ShiViz needs to read the log.
const ShiVizParser = `(?<host>\S*) (?<clock>{.*})\n(?<event>.*)`

// shiviz writes two lines for each event: its host with the vector clock, and what
// happened. An arrival takes over the clock of its sending (Fidge, 1988; Mattern,
// 1989).
func shiviz(w io.Writer, r *Run) error {
	b := bufio.NewWriter(w)
	clocks := map[trace.Addr]map[trace.Addr]int{}
	sent := map[int]map[trace.Addr]int{}
	tick := func(host trace.Addr, what string) map[trace.Addr]int {
		c := clocks[host]
		if c == nil {
			c = map[trace.Addr]int{}
			clocks[host] = c
		}
		c[host]++
		var parts []string
		for _, a := range slices.Sorted(maps.Keys(c)) {
			parts = append(parts, fmt.Sprintf("%q:%d", chronicle.Name(a), c[a]))
		}
		fmt.Fprintf(b, "%s {%s}\n%s\n", chronicle.Name(host), strings.Join(parts, ", "), what)
		return c
	}
	for _, m := range r.moments() {
		switch {
		case m.note != nil:
			if m.note.Member != 0 {
				tick(m.note.Member, fmt.Sprintf("%s %s", m.at, r.tell(m.note)))
			}
		case !m.arrival:
			c := tick(m.packet.From, fmt.Sprintf("%s to %s: %s", m.at, chronicle.Name(m.packet.To), m.packet.Summary()))
			sent[m.number] = maps.Clone(c)
		case m.packet.Fate == chronicle.Arrived:
			if from := sent[m.number]; from != nil {
				to := clocks[m.packet.To]
				if to == nil {
					to = map[trace.Addr]int{}
					clocks[m.packet.To] = to
				}
				for a, n := range from { // unordered: the larger of two numbers each
					to[a] = max(to[a], n)
				}
			}
			tick(m.packet.To, fmt.Sprintf("%s from %s: %s", m.at, chronicle.Name(m.packet.From), m.packet.Summary()))
		}
	}
	return b.Flush()
}
