package scenarios_test

import (
	"slices"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/sim/trace"
)

// A fault that has no effect yet changes nothing else: what it draws comes from a stream
// of its own, and all others draw as without it.
func TestFaultsLeaveOtherStreamsAlone(t *testing.T) {
	const before = "wait leader within=20s\nload w clients=3 timeout=500ms\nwait written w >=50 within=20s\nwait elapsed 300ms\n"
	const after = "kill n3\nwait elapsed 1s\nrestart n3\nwait elapsed 1s\n"
	faults := trace.Kinds(trace.Action, trace.Probe, trace.DiskFault, trace.MemberFault)
	happened := func(fault string) (all []trace.Event) {
		f, err := scenarios.Parse("test.scn", before+fault+"\n"+after)
		if err != nil {
			t.Fatal(err)
		}
		must(t, f, 5, scenarios.Options{Observe: func(l *trace.Log) {
			l.Subscribe(trace.AllKinds&^faults, func(e *trace.Event) { all = append(all, *e) })
		}})
		return all
	}
	plain := happened("")
	if len(plain) < 1000 {
		t.Fatalf("only %d events", len(plain))
	}
	for _, fault := range []string{
		"damage n1", "damage n1 kind=garbage sectors=7", "damage n2 kind=misdirected", "lie n1",
		"crash n1 at=defrag-before-copy", "clock n1 offset=+1h", "slow n1 cpu=1ms..2ms\nslow n1 cpu=0s",
		"link clients <-> all tail=1%\nlink clients <-> all normal",
	} {
		got := happened(fault)
		i := 0
		for i < min(len(got), len(plain)) && got[i] == plain[i] {
			i++
		}
		if !slices.Equal(got, plain) {
			t.Errorf("%s changes event %d of %d, at %v", fault, i, len(plain), plain[min(i, len(plain)-1)].At)
		}
	}
}
