package scenarios

import (
	"fmt"
	"reflect"
	"testing"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// forked has every kind of component that draws.
const forked = `cluster nodes=3
net     latency=1ms..9ms drop=1%
wait    leader within=20s
auth    on users=2 within=5s
load    w clients=4 keys=3 users=2 mix=put:5,get:4
watch   eyes clients=2
link    n1 -> all tail=1% corrupt=1%
flap    n2 <-> n3 up=100ms..1s down=10ms..50ms
wait    elapsed 500ms
kill    leader
wait    elapsed 2s
restart any
wait    leader within=20s
`

// trail lets a scenario happen and returns all its events.
func trail(t *testing.T, f *File, o Options) []trace.Event {
	t.Helper()
	var all []trace.Event
	if _, err := Run(f, 5, o.observing(func(e *trace.Event) { all = append(all, *e) })); err != nil {
		t.Fatal(err)
	}
	return all
}

// A fork leaves the past as it was and has a future of its own: the same one for
// the same number.
func TestFork(t *testing.T) {
	f, err := Parse("forked.scn", forked)
	if err != nil {
		t.Fatal(err)
	}
	plain := trail(t, f, Options{})
	end := plain[len(plain)-1].At
	for i := range sim.Time(8) {
		at := end / 8 * i
		one := trail(t, f, Options{Fork: Fork{At: at, By: 1}})
		if again := trail(t, f, Options{Fork: Fork{At: at, By: 1}}); !reflect.DeepEqual(one, again) {
			t.Errorf("forked at %s: the same number gives two futures", at)
		}
		two := trail(t, f, Options{Fork: Fork{At: at, By: 2}})
		for what, other := range map[string][]trace.Event{"the run": plain, "another number": two} {
			n := 0
			for n < len(one) && n < len(other) && one[n] == other[n] {
				n++
			}
			if n == len(one) && n == len(other) {
				t.Errorf("forked at %s: the future is that of %s", at, what)
			} else if parted := min(one[min(n, len(one)-1)].At, other[min(n, len(other)-1)].At); parted < at {
				t.Errorf("forked at %s: it parts from %s at %s", at, what, parted)
			}
		}
	}
	if none := trail(t, f, Options{Fork: Fork{At: end / 2}}); !reflect.DeepEqual(none, plain) {
		t.Error("the future of number 0 is not that of the seed")
	}
}

// Whatever draws is turned: no stream of a run that is under way goes on as it
// did.
func TestForkTurnsEveryStream(t *testing.T) {
	f, err := Parse("forked.scn", forked)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRun(f, 5, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.convene()
	if err := r.begin(); err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for i := range f.Lines {
		if h := r.line(&f.Lines[i]); h != nil {
			t.Fatal(h.why)
		}
	}
	before := streams(reflect.ValueOf(r))
	r.turn(1)
	after := streams(reflect.ValueOf(r))
	if len(before) < 20 || len(before) != len(after) {
		t.Fatalf("%d streams before, %d after; want some dozens", len(before), len(after))
	}
	for place, state := range before { // unordered: each is held against itself
		if after[place] == state {
			t.Errorf("%s goes on as before", place)
		}
	}
}

// streams returns the state of every stream that has been derived and can be
// reached, by where it is.
func streams(root reflect.Value) map[string]uint64 {
	found := map[string]uint64{}
	seen := map[uintptr]bool{}
	stream := reflect.TypeFor[sim.Rand]()
	var walk func(v reflect.Value, place string)
	walk = func(v reflect.Value, place string) {
		switch v.Kind() {
		case reflect.Pointer:
			if !v.IsNil() && !seen[uintptr(v.UnsafePointer())] {
				seen[uintptr(v.UnsafePointer())] = true
				walk(v.Elem(), place)
			}
		case reflect.Interface:
			walk(v.Elem(), place)
		case reflect.Struct:
			if v.Type() == stream {
				if state := v.Field(0).Uint(); state != 0 {
					found[place] = state
				}
				return
			}
			for i := range v.NumField() {
				walk(v.Field(i), place+"."+v.Type().Field(i).Name)
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				walk(v.Index(i), fmt.Sprintf("%s[%d]", place, i))
			}
		case reflect.Map:
			for it := v.MapRange(); it.Next(); {
				walk(it.Value(), fmt.Sprintf("%s[%v]", place, it.Key()))
			}
		}
	}
	walk(root, "run")
	return found
}
