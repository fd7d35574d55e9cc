package chronicle_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

const ms = sim.Time(1e6)

// filmed runs a scenario of the library with a film.
func filmed(t *testing.T, scenario string, seed uint64, film *chronicle.Film) (*chronicle.Chronicle, *scenarios.Result) {
	t.Helper()
	r, err := scenarios.Run(scenarios.Lookup(scenario), seed, scenarios.Options{Observe: film.Attach})
	if err != nil {
		t.Fatal(err)
	}
	return film.Chronicle(), r
}

// state is what a chronicle says about members, links and logs at a time.
func state(c *chronicle.Chronicle, at sim.Time) string {
	fields := map[string]uint64{}
	for _, ch := range c.Changes {
		if ch.At > at {
			break
		}
		name := fmt.Sprintf("%s %d %s", chronicle.Name(ch.Member), ch.Field, chronicle.Name(ch.Peer))
		fields[name] = ch.Value
		if ch.Value == 0 {
			delete(fields, name)
		}
	}
	logs := map[trace.Addr]map[uint64]uint64{}
	for _, e := range c.Entries {
		if e.At > at {
			break
		}
		if logs[e.Member] == nil {
			logs[e.Member] = map[uint64]uint64{}
		}
		log := logs[e.Member]
		if log[e.Index-1] == 0 && log[e.Index] == 0 {
			clear(log)
		}
		maps.DeleteFunc(log, func(i, _ uint64) bool { return i >= e.Index })
		if e.Term > 0 {
			log[e.Index] = e.Term
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&b, "%s = %d\n", name, fields[name])
	}
	for _, m := range slices.Sorted(maps.Keys(logs)) {
		indexes := slices.Sorted(maps.Keys(logs[m]))
		for _, i := range indexes[max(0, len(indexes)-50):] {
			fmt.Fprintf(&b, "%s %d: %d\n", chronicle.Name(m), i, logs[m][i])
		}
	}
	return b.String()
}

// A window shows every moment in it as the whole run does: what happened before is
// in the state in which it begins.
func TestWindowIsWhole(t *testing.T) {
	for _, scenario := range []string{"leader-kill", "leader-partition", "rolling-restart", "snapshot-catch-up", "lossy-network"} {
		const seed = 3
		whole, _ := filmed(t, scenario, seed, &chronicle.Film{Limit: 1 << 20})
		if whole.Kept != whole.Total || whole.From != 0 {
			t.Fatalf("%s: the whole film keeps %d of %d events from %s", scenario, whole.Kept, whole.Total, whole.From)
		}
		focus := whole.To / 2
		part, _ := filmed(t, scenario, seed, &chronicle.Film{Limit: 1000, Focus: focus})
		if part.Kept != 1000 || part.From > focus || part.To < focus {
			t.Errorf("%s: the window is %d events from %s to %s, want 1000 around %s", scenario, part.Kept, part.From, part.To, focus)
		}
		for at := part.From; at < part.To; at += max(1, (part.To-part.From)/20) {
			if got, want := state(part, at), state(whole, at); got != want {
				t.Fatalf("%s seed %d: at %s the window shows\n%s\nthe whole run shows\n%s", scenario, seed, at, got, want)
			}
		}
	}
}

// Every packet has the fate that the network gave it.
func TestFates(t *testing.T) {
	const seed = 5
	var delivered, dropped, sent uint64
	film := &chronicle.Film{Limit: 1 << 20}
	_, err := scenarios.Run(scenarios.Lookup("lossy-network"), seed, scenarios.Options{Observe: func(l *trace.Log) {
		film.Attach(l)
		l.Subscribe(trace.Kinds(trace.Send), func(*trace.Event) { sent++ })
		l.Subscribe(trace.Kinds(trace.Deliver), func(*trace.Event) { delivered++ })
		l.Subscribe(trace.Kinds(trace.Drop), func(*trace.Event) { dropped++ })
	}})
	if err != nil {
		t.Fatal(err)
	}
	var arrived, again, lost, underWay uint64
	for _, p := range film.Chronicle().Packets {
		switch p.Fate {
		case chronicle.Arrived:
			arrived++
		case chronicle.Again:
			again++
		case chronicle.UnderWay:
			underWay++
		default:
			lost++
		}
		if p.Fate != chronicle.UnderWay && p.Ended < p.Sent {
			t.Fatalf("packet %d ends at %s and was sent at %s", p.ID, p.Ended, p.Sent)
		}
	}
	if arrived+again != delivered || lost != dropped || again == 0 || lost == 0 {
		t.Errorf("seed %d: %d+%d of %d arrived, %d of %d were lost", seed, arrived, again, delivered, lost, dropped)
	}
	if whole := arrived + underWay; whole > sent {
		t.Errorf("seed %d: %d packets were sent, %d arrived or are under way", seed, sent, whole)
	}
}

// The story of an acknowledged put: asked, proposed, written by a majority,
// acknowledged, applied, answered.
func TestStories(t *testing.T) {
	const seed = 7
	c, r := filmed(t, "leader-kill", seed, &chronicle.Film{Limit: 1 << 20})
	entries := map[uint64]uint64{}
	for _, commit := range r.History.Commits {
		entries[commit.Proposal.ID] = commit.Index
	}
	stories := c.Stories(entries)
	told := 0
	for i := range r.History.Ops {
		op := &r.History.Ops[i]
		index, written := entries[op.ID]
		if !written || op.Response.Revision == 0 {
			continue
		}
		told++
		seen := map[string]int{}
		last := sim.Time(0)
		for _, p := range stories[op.ID] {
			if p.At < last {
				t.Fatalf("seed %d: the story of operation %d goes back in time", seed, op.ID)
			}
			last = p.At
			if p.Note >= 0 {
				seen[c.Notes[p.Note].Kind.String()]++
			} else {
				seen[chronicle.PacketName(c.Packets[p.Packet].Kind)]++
			}
		}
		for _, want := range []struct {
			what  string
			least int
		}{
			{"invoke", 1},
			{"request", 1},
			{"propose", 1},
			{"append", 3},
			{"MsgApp", 2},
			{"MsgAppResp", 2},
			{"apply", 1},
			{"response", 1},
			{"return", 1},
		} {
			if seen[want.what] < want.least {
				t.Errorf("seed %d: the story of operation %d (entry %d) has %d times %q, want at least %d: %v",
					seed, op.ID, index, seen[want.what], want.what, want.least, seen)
			}
		}
	}
	if told < 50 {
		t.Errorf("%d stories of writes, want many", told)
	}
}

// Every kind of event can be told in words, with its subject.
func TestTell(t *testing.T) {
	for k := trace.MemberStart; k.String() != "unknown"; k++ {
		text := chronicle.Tell(&trace.Event{Kind: k, Member: 2, Peer: 3, Term: 4, Index: 5, A: 6, B: 1, ID: 1})
		if text == "" || strings.Contains(text, "%!") {
			t.Errorf("%s is told as %q", k, text)
		}
	}
	for _, tell := range []struct {
		event trace.Event
		want  string
	}{
		{
			trace.Event{Kind: trace.RoleChange, Member: 4, Aux: trace.RoleLeader, Term: 3, Index: 9, A: 8},
			"n4 leads term 3; its log ends at 9, committed through 8",
		},
		{
			trace.Event{Kind: trace.RoleChange, Member: 4, Aux: trace.RoleFollower, Term: 3},
			"n4 is a follower in term 3, and knows no leader yet",
		},
		{
			trace.Event{Kind: trace.ConfApplied, Member: 1, Index: 7, A: 0b1110, B: 0b10000},
			"n1 applies a configuration at 7: voters n1 n2 n3, learners n4",
		},
		{trace.Event{Kind: trace.LinkCut, Member: 1, Peer: 2}, "the link n1 to n2 is cut"},
		{trace.Event{Kind: trace.LinkCut, Member: 1}, "the network of n1 is cut"},
		{
			trace.Event{Kind: trace.MemberFault, Member: 1, Aux: trace.FaultClockPace, A: ^uint64(0) - 499_999},
			"the clock of n1 runs at another pace: -50%",
		},
		{
			trace.Event{Kind: trace.Reorder, Aux: trace.MsgApp, Member: 1, Peer: 2, A: ^uint64(0) - uint64(5*ms) + 1},
			"MsgApp from n1 to n2 is hastened by 5ms",
		},
		{trace.Event{Kind: trace.Hold, Aux: trace.MsgApp, Member: 1, Peer: 2}, "MsgApp from n1 to n2 is held back"},
		{trace.Event{Kind: trace.Release, Aux: trace.MsgApp, Member: 1, Peer: 2}, "MsgApp from n1 to n2 goes on"},
		{trace.Event{Kind: trace.Duplicate, Aux: trace.MsgApp, Member: 1, Peer: 2}, "MsgApp from n1 to n2 will arrive twice"},
		{trace.Event{Kind: trace.Abandon, Member: trace.Client(2), ID: 8, A: uint64(500 * ms)}, "c2 gives up on operation 8 after 0.500s"},
	} {
		if got := chronicle.Tell(&tell.event); got != tell.want {
			t.Errorf("got %q, want %q", got, tell.want)
		}
	}
}

// What ails a member is known while it does, and no longer.
func TestFaultsShow(t *testing.T) {
	f, err := scenarios.Parse("faults.scn", `wait at 1s
clock n1 drift=-50% offset=-2s
slow n1 disk=5
slow n2 disk=20 cpu=1ms..2ms
stall n3
fill n3
wait at 2s
clock n1 drift=0% offset=0s
slow n1 disk=1
slow n2 cpu=0s
unstall n3
free n3
fail n3
lie n1
damage n1 kind=garbage
wipe n2 force=on
wait at 3s
repair all
restart n2 n3
`)
	if err != nil {
		t.Fatal(err)
	}
	film := &chronicle.Film{Limit: 1 << 20}
	if _, err := scenarios.Run(f, 1, scenarios.Options{Observe: film.Attach}); err != nil {
		t.Fatal(err)
	}
	c := film.Chronicle()
	for _, at := range []struct {
		at   sim.Time
		want map[chronicle.Field][3]int64
	}{
		{1500 * ms, map[chronicle.Field][3]int64{
			chronicle.Drift: {-500_000}, chronicle.Ahead: {-2_000_000_000}, chronicle.SlowSyncs: {5, 20}, chronicle.SlowSteps: {0, 2_000_000},
			chronicle.Disk: {0, 0, int64(chronicle.DiskStalled | chronicle.DiskFull)},
		}},
		{2500 * ms, map[chronicle.Field][3]int64{chronicle.Disk: {
			int64(chronicle.DiskLies | chronicle.DiskDamaged), int64(chronicle.DiskWiped), int64(chronicle.DiskFails),
		}}},
		{c.To, nil},
	} {
		got := map[chronicle.Field][3]int64{}
		for _, ch := range c.Changes {
			if ch.At <= at.at && ch.Field >= chronicle.Disk && ch.Member > 0 {
				values := got[ch.Field]
				values[ch.Member-1] = int64(ch.Value)
				got[ch.Field] = values
			}
		}
		maps.DeleteFunc(got, func(_ chronicle.Field, v [3]int64) bool { return v == [3]int64{} })
		if !maps.Equal(got, at.want) && len(got)+len(at.want) > 0 {
			t.Errorf("at %s members have %v, want %v", at.at, got, at.want)
		}
	}
}
