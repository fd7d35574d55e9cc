package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim/trace"
)

// mermaidKinds are the notes worth a place in a sequence diagram.
var mermaidKinds = trace.Kinds(
	trace.MemberStart, trace.MemberCrash, trace.MemberStop, trace.MemberPause, trace.MemberResume, trace.MemberPanic, trace.MemberRemoved,
	trace.RoleChange, trace.CommitMoved, trace.SnapInstall, trace.ConfApplied, trace.LinkCut, trace.LinkHeal, trace.DiskLost,
	trace.Action, trace.Phase, trace.Abandon, trace.Return, trace.LeaseExpired,
)

// mermaid writes a sequence diagram without heartbeats. Its order is that of
// arrivals, since it has no slanting arrows; what was lost stands where it was sent.
func mermaid(w io.Writer, r *Run) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "sequenceDiagram")
	met := map[trace.Addr]bool{}
	meet := func(a trace.Addr) {
		if a != 0 && !met[a] {
			met[a] = true
		}
	}
	all := r.moments()
	for _, m := range all {
		if m.note != nil {
			meet(m.note.Member)
		} else {
			meet(m.packet.From)
			meet(m.packet.To)
		}
	}
	for c := range r.Chronicle.Clients {
		if met[trace.Client(c)] {
			fmt.Fprintf(b, "    actor c%d\n", c)
		}
	}
	for m := 1; m <= r.Chronicle.Members; m++ {
		fmt.Fprintf(b, "    participant n%d\n", m)
	}
	for _, m := range all {
		switch {
		case m.note != nil:
			r.mermaidNote(b, m.note)
		case heartbeat(m.packet):
		case m.arrival && m.packet.Fate == chronicle.Arrived:
			fmt.Fprintf(b, "    %s->>%s: %s\n", chronicle.Name(m.packet.From), chronicle.Name(m.packet.To), mermaidText(m.packet.Summary()))
		case !m.arrival && m.packet.Fate > chronicle.Again:
			fmt.Fprintf(b, "    %s-x%s: %s, %s\n", chronicle.Name(m.packet.From), chronicle.Name(m.packet.To),
				mermaidText(m.packet.Summary()), m.packet.Fate)
		}
	}
	return b.Flush()
}

func (r *Run) mermaidNote(b io.Writer, e *trace.Event) {
	if mermaidKinds>>e.Kind&1 == 0 {
		return
	}
	over := chronicle.Name(e.Member)
	if e.Member == 0 {
		over = "n1"
		if r.Chronicle.Members > 1 {
			over = fmt.Sprintf("n1,n%d", r.Chronicle.Members)
		}
	}
	fmt.Fprintf(b, "    Note over %s: %s %s\n", over, e.At, mermaidText(r.tell(e)))
}

// mermaidText replaces what ends a text in mermaid: ";" and "#".
func mermaidText(text string) string {
	return strings.NewReplacer(";", ",", "#", "no. ", "\n", " ").Replace(text)
}
