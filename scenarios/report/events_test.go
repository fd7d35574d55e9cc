package report_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/scenarios/report"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// An event that was written reads back, whatever its fields hold.
func TestEventsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var kinds []trace.Kind
		for k := trace.MemberStart; k.String() != "unknown"; k++ {
			kinds = append(kinds, k)
		}
		field := rapid.OneOf(rapid.Just(uint64(0)), rapid.Uint64())
		e := trace.Event{
			At: sim.Time(rapid.Int64().Draw(t, "at")), Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Aux: rapid.Uint16().Draw(t, "aux"),
			Member: trace.Addr(rapid.Uint16().Draw(t, "member")), Peer: trace.Addr(rapid.Uint16().Draw(t, "peer")),
			Term: field.Draw(t, "term"), Index: field.Draw(t, "index"), A: field.Draw(t, "a"), B: field.Draw(t, "b"), ID: field.Draw(t, "id"),
		}
		line := report.AppendEvent(nil, &e)
		if got, err := report.ParseEvent(line); err != nil || got != e || !json.Valid(line) {
			t.Fatalf("%s reads back as %+v, %v; want %+v", line, got, err, e)
		}
	})
	for _, bad := range []string{"", "{}", `{"kind":"sent"}`, `{"kind":""}`, `{"kind":"send","aux":70000}`} {
		if e, err := report.ParseEvent([]byte(bad)); err == nil {
			t.Errorf("%q is the event %+v", bad, e)
		}
	}
}

func TestEventInWords(t *testing.T) {
	for _, c := range []struct {
		e    trace.Event
		want string
	}{
		{
			trace.Event{At: 1104 * ms, Kind: trace.Send, Aux: 4 | trace.Rejected, Member: 1, Peer: 2, Term: 3, Index: 5, ID: 7},
			"1.104s    n1->n2   send app-resp rejected term=3 index=5 id=7",
		},
		{trace.Event{At: 9 * ms, Kind: trace.Drop, Aux: trace.DropCut, Member: 1, Peer: trace.Client(3)}, "0.009s    n1->c3   drop cut"},
		{trace.Event{Kind: trace.RoleChange, Aux: trace.RoleLeader, Member: 2, B: 2}, "0.000s    n2       role leader b=2"},
		{trace.Event{Kind: trace.Return, Aux: trace.OutcomeUnknown, Member: trace.Client(0), Peer: 1}, "0.000s    c0->n1   return unknown"},
		{trace.Event{Kind: trace.Phase, ID: 2}, "0.000s    -        phase id=2"},
		{trace.Event{Kind: trace.DiskFault, Aux: 9, Member: 1}, "0.000s    n1       disk-fault aux=9"},
	} {
		if got := report.Event(&c.e); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}
