package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/datadriven"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// ringing is a timer that the member set.
type ringing struct {
	at    sim.Time
	token Token
}

// actInTime does what scripts about the passing of time ask for:
//
//	pass for=2s             time passes; timers ring, the clock ticks, syncs complete
//	stand for=2s            the same, but the clock stands still behind a slow disk
//	sleep for=2s            the process is stopped: nothing happens
//	ask op=7 grant id=7 ttl=2
//	ask op=8 renew id=7 [peer]
//	ask op=9 left id=7, revoke id=7, leases, attach key=k id=7
func (s *stage) actInTime(d *datadriven.TestData, out *strings.Builder) bool {
	switch d.Cmd {
	case "pass", "stand":
		var length string
		d.ScanArgs(s.t, "for", &length)
		s.pass(out, s.duration(length), d.Cmd == "pass")
	case "sleep":
		var length string
		d.ScanArgs(s.t, "for", &length)
		s.now = s.now.Add(s.duration(length))
	case "ask":
		var op uint64
		d.ScanArgs(s.t, "op", &op)
		r := s.leaseRequest(d)
		s.asked[op] = r
		client := trace.Client(0)
		if d.HasArg("peer") {
			client = 2
		}
		s.step(out, Input{Kind: Request, Call: &Call{Client: client, Op: op, Request: r}})
	default:
		return false
	}
	return true
}

func (s *stage) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *stage) leaseRequest(d *datadriven.TestData) store.Request {
	var id, ttl int64
	if d.HasArg("id") {
		d.ScanArgs(s.t, "id", &id)
	}
	switch {
	case d.HasArg("grant"):
		d.ScanArgs(s.t, "ttl", &ttl)
		return &store.LeaseGrantRequest{ID: id, TTL: ttl}
	case d.HasArg("renew"):
		return &store.LeaseKeepAliveRequest{ID: id}
	case d.HasArg("left"):
		return &store.LeaseTimeToLiveRequest{ID: id, Keys: true}
	case d.HasArg("revoke"):
		return &store.LeaseRevokeRequest{ID: id}
	case d.HasArg("leases"):
		return &store.LeaseLeasesRequest{}
	case d.HasArg("attach"):
		var key string
		d.ScanArgs(s.t, "key", &key)
		return &store.PutRequest{Key: key, Value: "v", Lease: id}
	}
	s.t.Fatalf("%s: ask for what?", d.Pos)
	return nil
}

// pass lets time pass, and tells when what happened.
func (s *stage) pass(out *strings.Builder, length time.Duration, ticks bool) {
	end := s.now.Add(length)
	for {
		tick := s.now.Add(s.cfg.Tick) / sim.Time(s.cfg.Tick) * sim.Time(s.cfg.Tick)
		next, what := end, ""
		if ticks && tick < next {
			next, what = tick, "tick"
		}
		first := slices.MinFunc(append(s.timers, ringing{at: sim.Forever}), func(a, b ringing) int { return int(min(max(a.at-b.at, -1), 1)) })
		if first.at <= next {
			next, what = max(s.now, first.at), "ring"
		}
		if len(s.syncs) > 0 && s.now.Add(time.Millisecond) <= next {
			next, what = s.now.Add(time.Millisecond), "sync"
		}
		s.now = next
		var told strings.Builder
		switch what {
		case "":
			return
		case "tick":
			s.step(&told, Input{Kind: Tick})
		case "ring":
			i := slices.Index(s.timers, first)
			s.timers = slices.Delete(s.timers, i, i+1)
			s.step(&told, Input{Kind: Alarm, Token: first.token})
		case "sync":
			ticket := s.syncs[0]
			s.syncs = s.syncs[1:]
			s.step(&told, Input{Kind: Synced, Ticket: ticket.ID})
		}
		for line := range strings.Lines(told.String()) {
			if strings.TrimSpace(line) != "sync" {
				fmt.Fprintf(out, "%v %s", s.now, line)
			}
		}
	}
}
