package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// chromeEvent is an event of the Trace Event Format (Google, "Trace Event Format",
// section "Event Descriptions"). Times are microseconds.
type chromeEvent struct {
	Name     string         `json:"name"`
	Category string         `json:"cat,omitempty"`
	Phase    string         `json:"ph"`
	At       json.Number    `json:"ts,omitempty"`
	Length   json.Number    `json:"dur,omitempty"`
	Process  int            `json:"pid"`
	Thread   int            `json:"tid"`
	ID       uint64         `json:"id,omitempty"`
	Scope    string         `json:"s,omitempty"`
	Binding  string         `json:"bp,omitempty"`
	Args     map[string]any `json:"args,omitempty"`
}

// Processes: members are 1, clients 2, the scenario 3. Threads are members and
// clients, with two rows each for members: what they are, and their packets.
const (
	membersProcess  = 1
	clientsProcess  = 2
	scenarioProcess = 3
)

// micros prints nanoseconds as microseconds, exactly.
func micros(t sim.Time) json.Number { return json.Number(fmt.Sprintf("%d.%03d", t/1000, t%1000)) }

func row(a trace.Addr) (process, thread int) {
	if a.IsClient() {
		return clientsProcess, int(a-trace.FirstClient) + 1
	}
	return membersProcess, 2 * int(a)
}

func chrome(w io.Writer, r *Run) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, `{"displayTimeUnit":"ms","traceEvents":[`)
	first := true
	var failed error
	emit := func(e chromeEvent) {
		text, err := json.Marshal(e)
		if err != nil && failed == nil {
			failed = err
		}
		if !first {
			fmt.Fprint(b, ",")
		}
		first = false
		fmt.Fprintf(b, "\n%s", text)
	}
	r.name(emit)
	for _, s := range r.spans() {
		if s.to < r.From || s.from > r.To || s.life == chronicle.Down {
			continue
		}
		name := fmt.Sprintf("%s, term %d", trace.RoleName(uint16(s.role)), s.term)
		if s.life == chronicle.Paused {
			name = "paused"
		}
		emit(chromeEvent{
			Name: name, Category: "role", Phase: "X", At: micros(s.from), Length: micros(s.to - s.from),
			Process: membersProcess, Thread: 2*int(s.member) - 1,
		})
	}
	for _, op := range r.operations() {
		end := min(op.Return, r.To)
		emit(chromeEvent{
			Name: store.DescribeAnswered(op.Request, op.Response), Category: "operation", Phase: "X", At: micros(op.Invoke),
			Length: micros(end - op.Invoke), Process: clientsProcess, Thread: op.Client + 1,
			Args: map[string]any{"outcome": op.Outcome.String(), "revision": op.Response.Revision, "via": op.Member, "operation": op.ID},
		})
	}
	r.flows(emit)
	for i := range r.Chronicle.Notes {
		e := &r.Chronicle.Notes[i]
		if !r.shown(e.At) {
			continue
		}
		process, thread := row(e.Member)
		scope := "t"
		if e.Member == 0 {
			process, thread, scope = scenarioProcess, 1, "g"
		}
		emit(chromeEvent{
			Name: r.tell(e), Category: e.Kind.String(), Phase: "i", At: micros(e.At), Process: process, Thread: thread, Scope: scope,
		})
	}
	fmt.Fprint(b, "\n]}\n")
	if failed != nil {
		return failed
	}
	return b.Flush()
}

// name gives processes and threads their names.
func (r *Run) name(emit func(chromeEvent)) {
	meta := func(kind string, process, thread int, name string) {
		emit(chromeEvent{Name: kind, Phase: "M", Process: process, Thread: thread, Args: map[string]any{"name": name}})
	}
	meta("process_name", membersProcess, 0, fmt.Sprintf("members of %s, seed %d", r.Result.Scenario, r.Result.Seed))
	meta("process_name", clientsProcess, 0, "clients")
	meta("process_name", scenarioProcess, 0, "scenario")
	for m := 1; m <= r.Chronicle.Members; m++ {
		meta("thread_name", membersProcess, 2*m-1, fmt.Sprintf("n%d", m))
		meta("thread_name", membersProcess, 2*m, fmt.Sprintf("n%d events", m))
	}
	for c := range r.Chronicle.Clients {
		meta("thread_name", clientsProcess, c+1, fmt.Sprintf("c%d", c))
	}
}

// flows shows packets as short slices at both ends, joined by an arrow.
func (r *Run) flows(emit func(chromeEvent)) {
	for i := range r.Chronicle.Packets {
		p := &r.Chronicle.Packets[i]
		if !r.shown(p.Sent) {
			continue
		}
		arrow := uint64(i) + 1
		process, thread := row(p.From)
		emit(chromeEvent{
			Name: p.Summary(), Category: "packet", Phase: "X", At: micros(p.Sent), Length: "1", Process: process, Thread: thread,
			Args: map[string]any{"to": chronicle.Name(p.To), "fate": p.Fate.String()},
		})
		if p.Fate != chronicle.Arrived && p.Fate != chronicle.Again {
			continue
		}
		name := chronicle.PacketName(p.Kind)
		emit(chromeEvent{Name: name, Category: "packet", Phase: "s", At: micros(p.Sent), Process: process, Thread: thread, ID: arrow})
		process, thread = row(p.To)
		emit(chromeEvent{
			Name: p.Summary(), Category: "packet", Phase: "X", At: micros(p.Ended), Length: "1", Process: process, Thread: thread,
			Args: map[string]any{"from": chronicle.Name(p.From)},
		})
		emit(chromeEvent{
			Name: name, Category: "packet", Phase: "f", Binding: "e", At: micros(p.Ended), Process: process, Thread: thread, ID: arrow,
		})
	}
}
