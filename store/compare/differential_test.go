package compare

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"etcdsim/store"
)

var (
	ops     = flag.Int("ops", 2000, "how many requests are compared")
	seed    = flag.Uint64("seed", 1, "of the first sequence; the next has the next one")
	length  = flag.Int("length", 250, "requests in a sequence")
	only    = flag.String("subject", "", "compare only this: bare or member")
	patient = flag.Duration("shrink", 2*time.Minute, "how long to look for a shorter sequence that shows a difference")
	tell    = flag.Bool("tell", false, "print each request before it is served: a request may be the end of etcd, and so of the test")
	keepOn  = flag.Bool("keep-on", false, "go on after a difference")
)

// subject is what is compared with etcd.
type subject struct {
	name  string
	start func() (server, error)
	// cannot tells which steps the subject cannot do, but would have to remember.
	cannot func(step) bool
}

// subjects are ours.
var subjects = []subject{
	{
		"bare", func() (server, error) { return newBare(), nil },
		func(s step) bool { return s.Request != nil && store.Service(s.Request) },
	},
	{"member", func() (server, error) { return newMember() }, func(step) bool { return false }},
}

// TestDifferential compares ours with a real etcd, request by request.
func TestDifferential(t *testing.T) {
	etcds := newSpares(t.Context())
	defer etcds.close()
	done, sequences, tally := 0, 0, tally{}
	for s := *seed; done < *ops; s++ {
		g := newGenerator(s)
		steps := g.sequence(*length)
		d, err := compare(etcds, steps, served(), tally)
		for tries := 0; errors.Is(err, errExpired) && tries < 5; tries++ {
			d, err = compare(etcds, steps, served(), tally)
		}
		if err != nil {
			t.Fatalf("seed %d: %v", s, err)
		}
		done += len(steps)
		sequences++
		if d == nil {
			continue
		}
		t.Errorf("seed %d, %s: %s", s, d.subject.name, explain(etcds, steps, d))
		if !*keepOn {
			break
		}
	}
	t.Logf("%d requests in %d sequences compared\n%v", done, sequences, tally)
}

// served are the subjects that are compared.
func served() []subject {
	return slices.DeleteFunc(slices.Clone(subjects), func(s subject) bool { return *only != "" && s.name != *only })
}

// difference is the first place in a sequence where a subject answers otherwise than
// etcd.
type difference struct {
	subject    subject
	at         int
	want, got  answer
	sequence   []step
	transcript []answer // what etcd answered up to there
}

// compare runs a sequence on an etcd and on the subjects. It returns nil if they
// answer alike.
func compare(etcds *spares, steps []step, subjects []subject, tally tally) (*difference, error) {
	e, err := etcds.take()
	if err != nil {
		return nil, err
	}
	r := newReal(e)
	defer r.close()
	var ours []server
	subjects = slices.DeleteFunc(slices.Clone(subjects), func(sub subject) bool { return slices.ContainsFunc(steps, sub.cannot) })
	for _, sub := range subjects {
		started, err := sub.start()
		if err != nil {
			return nil, err
		}
		defer started.close()
		ours = append(ours, started)
	}
	var transcript []answer
	for i, s := range steps {
		if s.As != "" && backwards(reflect.ValueOf(s.Request)) {
			transcript = append(transcript, answer{Unserved: true})
			continue
		}
		if *tell {
			fmt.Printf("%d. %v\n", i+1, s)
		}
		want, err := r.serve(s)
		if errors.Is(err, errDeadly) {
			transcript = append(transcript, answer{Unserved: true})
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("step %d: %w", i, err)
		}
		transcript = append(transcript, want)
		tally.count(s, &want)
		for j, sub := range ours {
			got, err := sub.serve(s)
			if err != nil {
				return nil, fmt.Errorf("step %d: %s: %w", i, subjects[j].name, err)
			}
			if !got.Unserved && got.text(0) != want.text(0) {
				return &difference{subjects[j], i, want, got, steps[:i+1], transcript}, nil
			}
		}
	}
	return nil, nil
}

// backwards reports whether a request has a range that ends before it begins. Whether
// a user has the right to it depends on the shape of a tree in etcd's cache of rights:
// this is not compared.
func backwards(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && backwards(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			if backwards(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		if end := v.FieldByName("RangeEnd"); end.IsValid() && end.String() > "\x00" && end.String() < v.FieldByName("Key").String() {
			return true
		}
		for i := range v.NumField() {
			if backwards(v.Field(i)) {
				return true
			}
		}
	}
	return false
}

// explain shrinks a sequence that shows a difference and tells what is left.
func explain(etcds *spares, steps []step, d *difference) string {
	fails := func(candidate []step) bool {
		found, err := compare(etcds, candidate, []subject{d.subject}, tally{})
		return err == nil && found != nil && found.kind() == d.kind()
	}
	var b strings.Builder
	from := 0
	shortest := shrink(steps[:d.at+1], *patient, fails)
	if again, err := compare(etcds, shortest, []subject{d.subject}, tally{}); err == nil && again != nil {
		d = again
		fmt.Fprintf(&b, "answers differ after %d requests of %d\n", d.at+1, len(steps))
	} else {
		from = max(0, d.at-10)
		fmt.Fprintf(&b, "answers differed after %d requests, but not again (%v)\n", d.at+1, err)
	}
	for i, a := range d.transcript {
		if i < from {
			continue
		}
		fmt.Fprintf(&b, "  %d. %v\n", i+1, d.sequence[i])
		if i < d.at {
			fmt.Fprintf(&b, "       %s\n", a.text(200))
		}
	}
	fmt.Fprintf(&b, "       etcd  %s\n       ours  %s\n", d.want.text(600), d.got.text(600))
	return b.String()
}

// kind says what sort of difference it is, so that shrinking stays with one.
func (d *difference) kind() string {
	return fmt.Sprintf("%T %v %v", d.sequence[d.at].Request, outcome(&d.want), outcome(&d.got))
}

func outcome(a *answer) string {
	if a.Err != nil {
		return a.Err.Text
	}
	return "ok"
}

// tally counts what was compared: a comparison in which everything was refused
// would be worth nothing.
type tally map[string][2]int

func (t tally) count(s step, a *answer) {
	name := strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", s.Request), "*store."), "*compare.")
	if s.Request == nil {
		name = "reading of streams"
	}
	n := t[name]
	if a.Err == nil {
		n[0]++
	} else {
		n[1]++
	}
	t[name] = n
}

func (t tally) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&b, "  %-28s %6d done %6d refused\n", name, t[name][0], t[name][1])
	}
	return b.String()
}
