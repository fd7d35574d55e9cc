package checker

import (
	"testing"
	"time"

	"etcdsim/sim/trace"
)

// Lessors take note of what the trace says of leases, if they watch it.
func TestLessorsWatch(t *testing.T) {
	log := trace.NewLog()
	var l Lessors
	l.Watch(log)
	for _, e := range []trace.Event{
		{Kind: trace.RoleChange, Aux: trace.RoleLeader, Member: 1, Term: 2},
		{Kind: trace.LeasesPromoted, Member: 1, Term: 2},
		{Kind: trace.Send, Aux: msgHeartbeat, Member: 1},
		{Kind: trace.Send, Aux: msgAppResp, Member: 1},
		{Kind: trace.LeaseRenewed, Member: 1, Term: 2, ID: 7},
		{Kind: trace.LeaseExpired, Member: 1, Term: 2, ID: 7},
		{Kind: trace.Propose, Aux: trace.RoleLeader, Member: 1, Term: 2, ID: ownRequest | 1},
		{Kind: trace.LeasesRecorded, Member: 1, Term: 2, A: 1},
		{Kind: trace.MemberFault, Aux: trace.FaultClockPace, Member: 1, A: 100_000},
		{Kind: trace.MemberFault, Aux: trace.FaultClockTurned, Member: 1, A: uint64(time.Hour)},
		{Kind: trace.MemberFault, Aux: trace.FaultClockTurned, Member: 1, A: uint64(time.Minute)},
		{Kind: trace.MemberCrash, Member: 1},
	} {
		if e.Kind != trace.Propose { // in the moment in which the lease is found over
			log.Now += ms(10)
		}
		log.Emit(e)
	}
	if len(l.elections) != 1 || len(l.promotions) != 1 || len(l.renewals) != 1 || len(l.recordings) != 1 ||
		len(l.expiries) != 1 || !l.expiries[0].proposed {
		t.Errorf("%+v", l)
	}
	if got := l.renewals[0].stood; got != 20*time.Millisecond {
		t.Errorf("its clock stood still for %v, want 20ms: its last heartbeat", got)
	}
	if l.reigns[0].to != log.Now || l.recordings[0].to != log.Now {
		t.Errorf("it is dead, but leads until %v and records until %v", l.reigns[0].to, l.recordings[0].to)
	}
	if l.fastest != 100_000 || l.ahead != time.Hour {
		t.Errorf("the fastest clock gains %d, and the one furthest ahead is so by %v", l.fastest, l.ahead)
	}
}
