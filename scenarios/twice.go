package scenarios

import (
	"fmt"

	"etcdsim/sim/trace"
)

// RunTwice runs a scenario twice with the same seed and compares the traces
// event by event. The result is the first run's. If the second differs, its
// outcome is Nondeterminism and Divergence shows where.
func RunTwice(f *File, seed uint64, o Options) (*Result, error) {
	var first []trace.Event
	r, err := Run(f, seed, o.observing(func(e *trace.Event) { first = append(first, *e) }))
	if err != nil {
		return nil, err
	}
	c := comparison{first: first}
	again, err := Run(f, seed, o.observing(c.see))
	if err != nil || again.Outcome == Interrupted {
		return again, err
	}
	r.Divergence = c.text()
	if r.Divergence == "" && r.Digest != again.Digest {
		r.Divergence = fmt.Sprintf("all %d events agree, but the digests are %s and %s", len(first), r.Digest, again.Digest)
	}
	if r.Divergence != "" {
		r.Outcome = Nondeterminism
	}
	return r, nil
}

// observing returns the options with one more subscriber to every event.
func (o Options) observing(see func(*trace.Event)) Options {
	before := o.Observe
	o.Observe = func(l *trace.Log) {
		if before != nil {
			before(l)
		}
		l.Subscribe(trace.AllKinds, see)
	}
	return o
}

// comparison holds the events of a run against those of an earlier one.
type comparison struct {
	first []trace.Event
	n     int
	// differs reports that event n is not the same; other is it.
	differs bool
	other   trace.Event
}

func (c *comparison) see(e *trace.Event) {
	if c.differs {
		return
	}
	if c.n < len(c.first) && c.first[c.n] == *e {
		c.n++
		return
	}
	c.differs, c.other = true, *e
}

// text shows where the runs part, or is empty.
func (c *comparison) text() string {
	switch {
	case c.differs && c.n < len(c.first):
		return fmt.Sprintf("event %d differs\n  first   %s\n  second  %s", c.n+1, Describe(&c.first[c.n]), Describe(&c.other))
	case c.differs:
		return fmt.Sprintf("the first run ended after %d events, the second went on\n  second  %s", c.n, Describe(&c.other))
	case c.n < len(c.first):
		return fmt.Sprintf("the second run ended after %d events, the first went on\n  first   %s",
			c.n, Describe(&c.first[c.n]))
	}
	return ""
}

// Describe prints an event with all its fields.
func Describe(e *trace.Event) string {
	return fmt.Sprintf("%d ns %s aux=%d member=%d peer=%d term=%d index=%d a=%d b=%d id=%d",
		int64(e.At), e.Kind, e.Aux, e.Member, e.Peer, e.Term, e.Index, e.A, e.B, e.ID)
}
