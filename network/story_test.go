package network_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"etcdsim/network"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// TestStories runs the scripts of testdata: lines of statements, and below them
// what happened. After a change that is meant, run with -rewrite and read the
// difference.
//
//	net OPTION=VALUE...        configure all links
//	link A->B OPTION=VALUE...  configure one
//	send A->B [BYTES]          send a packet; A is a member or, as c0, a client
//	wait DURATION              let time pass; packets whose time has come arrive
//	cut, heal, hold, release A->B; isolate, rejoin A; partition A B | C...; heal-all; release-all
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := newStory()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "new" {
				s = newStory()
			}
			s.out.Reset()
			for line := range strings.Lines(d.Input) {
				if err := s.run(strings.Fields(line)); err != nil {
					d.Fatalf(t, "%q: %v", strings.TrimSpace(line), err)
				}
			}
			if s.out.Len() == 0 {
				return "nothing happened"
			}
			return s.out.String()
		})
	})
}

// story is a network with its packets in flight, and what is told of it.
type story struct {
	net    *network.Network
	log    *trace.Log
	config network.Config
	queue  sim.Queue[network.Packet]
	last   uint64
	out    strings.Builder
}

func newStory() *story {
	s := &story{log: trace.NewLog()}
	s.net = network.New(s.config, 1, s.log)
	s.log.Subscribe(trace.AllKinds, func(e *trace.Event) {
		if e.Kind == trace.Probe {
			s.tell("first %s", trace.ProbeID(e.ID))
			return
		}
		what := ""
		if e.ID > 0 {
			what = fmt.Sprintf(" p%d", e.ID)
		}
		if e.Kind == trace.Drop {
			what += " " + [...]string{trace.DropLoss: "lost", trace.DropCut: "cut", trace.DropFull: "queue full"}[e.Aux]
		}
		s.tell("%s->%s %s%s", name(e.Member), name(e.Peer), e.Kind, what)
	})
	return s
}

func (s *story) tell(format string, args ...any) {
	fmt.Fprintf(&s.out, "%v  %s\n", s.log.Now, fmt.Sprintf(format, args...))
}

func name(a trace.Addr) string {
	switch {
	case a == 0:
		return "*"
	case a.IsClient():
		return fmt.Sprintf("c%d", a-trace.FirstClient)
	}
	return fmt.Sprintf("n%d", a)
}

func parseAddr(s string) (a trace.Addr, err error) {
	if client, ok := strings.CutPrefix(s, "c"); ok {
		_, err = fmt.Sscan(client, &a)
		return trace.FirstClient + a, err
	}
	_, err = fmt.Sscan(strings.TrimPrefix(s, "n"), &a)
	return a, err
}

func parseLink(s string) (from, to trace.Addr, err error) {
	a, b, ok := strings.Cut(s, "->")
	if !ok {
		return 0, 0, fmt.Errorf("%q is not a link such as n1->n2", s)
	}
	if from, err = parseAddr(a); err == nil {
		to, err = parseAddr(b)
	}
	return from, to, err
}

func (s *story) run(words []string) error {
	verb, args := words[0], words[1:]
	switch verb {
	case "net":
		err := configure(&s.config, args)
		s.net.SetConfig(s.config)
		return err
	case "wait":
		d, err := time.ParseDuration(args[0])
		s.pass(d)
		return err
	case "isolate", "rejoin":
		a, err := parseAddr(args[0])
		map[string]func(trace.Addr){"isolate": s.net.Isolate, "rejoin": s.net.Rejoin}[verb](a)
		return err
	case "partition":
		groups := [][]trace.Addr{nil}
		for _, word := range args {
			if word == "|" {
				groups = append(groups, nil)
				continue
			}
			a, err := parseAddr(word)
			if err != nil {
				return err
			}
			groups[len(groups)-1] = append(groups[len(groups)-1], a)
		}
		s.net.Partition(groups...)
		return nil
	case "heal-all":
		s.net.HealAll()
		return nil
	case "release-all":
		s.resend(s.net.ReleaseAll())
		return nil
	}

	from, to, err := parseLink(args[0])
	if err != nil {
		return err
	}
	switch verb {
	case "send":
		size := 100
		if len(args) > 1 {
			_, err = fmt.Sscan(args[1], &size)
		}
		s.last++
		s.send(network.Packet{ID: s.last, From: from, To: to, Size: size})
	case "link":
		c := s.net.LinkConfig(from, to)
		err = configure(&c, args[1:])
		s.net.SetLinkConfig(from, to, c)
	case "cut":
		s.net.Cut(from, to)
	case "heal":
		s.net.Heal(from, to)
	case "hold":
		s.net.Hold(from, to)
	case "release":
		s.resend(s.net.Release(from, to))
	default:
		err = fmt.Errorf("unknown statement")
	}
	return err
}

func configure(c *network.Config, pairs []string) error {
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if err := c.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) send(p network.Packet) {
	switch v := s.net.Send(p); v.Fate {
	case network.Deliver:
		s.queue.Push(v.At, p)
		if v.Again > 0 {
			s.queue.Push(v.Again, p)
		}
	case network.Drop, network.Held: // the events tell
	}
}

func (s *story) resend(packets []network.Packet) {
	for _, p := range packets {
		s.send(p)
	}
}

// pass lets time pass and packets arrive.
func (s *story) pass(d time.Duration) {
	until := s.log.Now.Add(d)
	for s.queue.NextAt() <= until {
		at, p := s.queue.Pop()
		s.log.Now = at
		if s.net.Arrive(p) {
			s.tell("%s->%s arrive p%d", name(p.From), name(p.To), p.ID)
		}
	}
	s.log.Now = until
}
