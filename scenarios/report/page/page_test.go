package page_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// contents is what the tests look at.
type contents struct {
	Meta struct {
		Outcome     string
		Defects     []string
		From, To    int64
		Total, Kept uint64
	}
	Findings []struct {
		Word, What, Promise, Plain, Why string

		At  int64
		Ops []struct {
			Op   uint64
			Note string
		}
	}
	Ops []struct {
		ID             uint64
		Place          int
		Index          uint64
		Invoke, Return int64
		Outcome        string
	}
	Packets, Notes, Changes, Entries [][]any
	Stories                          map[uint64][][3]int
}

var data = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

func write(t *testing.T, scenario string, seed uint64, o scenarios.Options, limit int) (string, contents) {
	t.Helper()
	f := scenarios.Lookup(scenario)
	r, c, err := page.Record(f, seed, o, limit)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := page.Write(&b, f, r, c); err != nil {
		t.Fatal(err)
	}
	m := data.FindSubmatch(b.Bytes())
	if m == nil {
		t.Fatal("the page has no data")
	}
	var in contents
	if err := json.Unmarshal(m[1], &in); err != nil {
		t.Fatalf("%v\n%.400s", err, m[1])
	}
	return b.String(), in
}

// A violation is in the page with its operations, each with a story, at a moment
// that the page shows.
func TestPageOfViolation(t *testing.T) {
	bugs, err := bug.Parse("leader-local-read")
	if err != nil {
		t.Fatal(err)
	}
	const again = "etcdsim run leader-partition --seed 8 --bug leader-local-read"
	html, in := write(t, "leader-partition", 8, scenarios.Options{Bugs: bugs}, 0)
	if in.Meta.Outcome != "violation" || len(in.Findings) == 0 {
		t.Fatalf("the outcome is %q with %d findings: %s", in.Meta.Outcome, len(in.Findings), again)
	}
	f := in.Findings[0]
	if !strings.HasPrefix(f.What, "linearizability") || f.Why == "" || len(f.Ops) == 0 || f.At < in.Meta.From || f.At > in.Meta.To {
		t.Fatalf("the finding is %+v: %s", f, again)
	}
	// Who is new to it is told what is switched on, what was promised, and what is to be seen.
	if len(in.Meta.Defects) != 1 || !strings.Contains(in.Meta.Defects[0], "without asking a quorum") ||
		!strings.Contains(f.Promise, "one order") || !strings.Contains(f.Plain, "Only then") {
		t.Errorf("the page says %q, %q and %q: %s", in.Meta.Defects, f.Promise, f.Plain, again)
	}
	last := in.Findings[len(in.Findings)-1]
	if last.Word != "expectation" || !strings.Contains(last.Promise, "must not happen") || last.Plain != "" {
		t.Errorf("the statement that did not hold is told as %+v: %s", last, again)
	}
	for _, o := range f.Ops {
		if len(in.Stories[o.Op]) < 3 {
			t.Errorf("operation %d has no story: %s", o.Op, again)
		}
	}
	if !strings.Contains(html, again) {
		t.Error("the page does not say how to reproduce it")
	}
}

// A member that breaks down is told of once, by the judge of crashes.
func TestPageOfBreakdown(t *testing.T) {
	o := scenarios.Options{Bugs: bug.Set(0).With(bug.SnapOrder)}
	for seed := uint64(1); seed <= 20; seed++ {
		r, err := scenarios.Run(scenarios.Lookup("snapshot-and-crash"), seed, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Breakdowns) == 0 {
			continue
		}
		_, in := write(t, "snapshot-and-crash", seed, o, 0)
		told := 0
		for _, f := range in.Findings {
			if strings.Contains(f.Why, r.Breakdowns[0].Text) {
				told++
			}
		}
		if told != 1 {
			t.Errorf("seed %d: the page tells %d times that a member broke down: %+v", seed, told, in.Findings)
		}
		return
	}
	t.Error("no seed up to 20 breaks a member down")
}

// What two operations show is said of an answer that is older than one before its
// question, and of nothing else.
func TestPlainWords(t *testing.T) {
	const ms = sim.Time(time.Millisecond)
	op := func(invoke, ret sim.Time, rev int64, o history.Outcome) checker.Exhibit {
		return checker.Exhibit{Op: history.Op{Invoke: invoke * ms, Return: ret * ms, Outcome: o, Response: store.Response{Revision: rev}}}
	}
	first := op(10, 20, 7, history.OK)
	for _, c := range []struct {
		why    string
		second checker.Exhibit
		told   bool
	}{
		{"asked later, shown less", op(21, 30, 6, history.OK), true},
		{"asked before the first was answered", op(15, 30, 6, history.OK), false},
		{"shown as much", op(21, 30, 7, history.OK), false},
		{"never answered", op(21, 30, 6, history.Unknown), false},
		{"answered without a revision", op(21, 30, 0, history.OK), false},
	} {
		f := page.FindingsOf(&checker.Judgement{Judge: "linearizability", Violations: []checker.Violation{{
			Property: "linearizability", Ops: []checker.Exhibit{c.second, first},
		}}})[0]
		if (f.Plain != "") != c.told {
			t.Errorf("%s: %q", c.why, f.Plain)
		}
		if f.At != first.Op.Return {
			t.Errorf("%s: the finding is at %v, want where the last operation ended", c.why, f.At)
		}
	}
}

// In the page of a recorded session each request is that of the client that its
// operation is counted for, and what entered is no statement.
func TestPageOfSession(t *testing.T) {
	f, err := scenarios.Parse("session.scn", `session
at      5s
ask     n1 {"put":{"Key":"k","Value":"1"}}
ask     n2 {"put":{"Key":"k","Value":"2"}}
ask     n3 {"leasegrant":{"TTL":60,"ID":7}}
at      6s
ask     n1 {"leasekeepalive":{"ID":7}}
ask     n2 {"leasekeepalive":{"ID":7}}
ask     n3 {"leasekeepalive":{"ID":7}}
wait    acked outside >=6 within=5s
`)
	if err != nil {
		t.Fatal(err)
	}
	r, c, err := page.Record(f, 7, scenarios.Options{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	clients := map[uint64]int{}
	for _, op := range r.History.Ops {
		clients[op.ID] = op.Client
	}
	asked, passed := map[trace.Addr]bool{}, 0
	for _, p := range c.Packets {
		switch {
		case p.Kind == trace.ClientRequest && !p.From.IsClient():
			passed++ // by a member to the leader
		case p.Kind == trace.ClientRequest && p.From.IsClient():
			if asked[p.From] = true; p.From != trace.Client(clients[p.Index]) {
				t.Errorf("operation %d of c%d was asked by %v", p.Index, clients[p.Index], p.From)
			}
		case p.Kind == trace.ClientResponse && p.To.IsClient() && p.To != trace.Client(clients[p.Index]):
			t.Errorf("operation %d of c%d was answered to %v", p.Index, clients[p.Index], p.To)
		}
	}
	for a := range asked {
		if int(a-trace.FirstClient) >= c.Clients {
			t.Errorf("%v asked, of %d clients", a, c.Clients)
		}
	}
	var b strings.Builder
	if err := page.Write(&b, f, r, c); err != nil {
		t.Fatal(err)
	}
	var in struct{ Statements []struct{ Number int } }
	if err := json.Unmarshal(data.FindSubmatch([]byte(b.String()))[1], &in); err != nil {
		t.Fatal(err)
	}
	for i, s := range in.Statements {
		if s.Number != i+1 {
			t.Errorf("statement %d has number %d", i+1, s.Number)
		}
	}
	if r.Outcome != scenarios.Pass || len(asked) != 3 || passed != 2 || len(in.Statements) != 1 {
		t.Errorf("%v: %d clients asked, members passed %d requests on, %d statements", r.Outcome, len(asked), passed, len(in.Statements))
	}
}

// The page needs nothing from elsewhere.
func TestPageIsSelfContained(t *testing.T) {
	html, _ := write(t, "leader-kill", 1, scenarios.Options{}, 0)
	if m := regexp.MustCompile(`(?i)(src|href)\s*=\s*["']?(https?:|//)[^"' >]*|@import|url\(\s*["']?https?:`).FindString(html); m != "" {
		t.Errorf("the page loads %s", m)
	}
}

// Operations are numbered in an order that respects real time: it is the
// linearization.
func TestPlaces(t *testing.T) {
	_, in := write(t, "leader-kill", 4, scenarios.Options{}, 0)
	placed := make([]int, len(in.Ops)+1)
	for i, o := range in.Ops {
		if o.Place > 0 {
			placed[o.Place] = i + 1
		}
	}
	var latest int64
	n := 0
	for place, i := range placed[1:] {
		if i == 0 {
			continue
		}
		n++
		o := in.Ops[i-1]
		if o.Outcome == "ok" && o.Return < latest {
			t.Fatalf("seed 4: operation %d at place %d returned at %d, before an earlier one was invoked at %d", o.ID, place+1, o.Return,
				latest)
		}
		latest = max(latest, o.Invoke)
	}
	if n < 100 {
		t.Errorf("%d operations have places, want most", n)
	}
}

// A run with more events than a page shows is cut to a window around what was
// found, and the page says so. The same run gives the same page.
func TestPageOfLongRun(t *testing.T) {
	bugs, err := bug.Parse("leader-local-read")
	if err != nil {
		t.Fatal(err)
	}
	first, in := write(t, "leader-partition", 8, scenarios.Options{Bugs: bugs}, 1500)
	if in.Meta.Kept != 1500 || in.Meta.Total <= 1500 {
		t.Fatalf("%d of %d events are kept, want 1500 of more", in.Meta.Kept, in.Meta.Total)
	}
	if at := in.Findings[0].At; at < in.Meta.From || at > in.Meta.To {
		t.Errorf("the window %d to %d does not show the finding at %d", in.Meta.From, in.Meta.To, at)
	}
	if again, _ := write(t, "leader-partition", 8, scenarios.Options{Bugs: bugs}, 1500); again != first {
		t.Error("the same run gives another page")
	}
}

// Twenty thousand events make less than 15 MB.
func TestPageSize(t *testing.T) {
	html, in := write(t, "lossy-network", 1, scenarios.Options{}, 20_000)
	perEvent := len(html) / int(in.Meta.Kept)
	if perEvent > 15_000_000/20_000 {
		t.Errorf("%d bytes an event (%d for %d), want at most %d", perEvent, len(html), in.Meta.Kept, 15_000_000/20_000)
	}
}
