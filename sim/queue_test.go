package sim_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"weak"

	"pgregory.net/rapid"

	"etcdsim/sim"
)

// TestQueueAgainstSortedSlice compares the queue with the obvious one: a slice
// kept sorted by time, in which equal times keep the order of their pushes.
func TestQueueAgainstSortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type event struct {
			at sim.Time
			id int
		}
		var (
			queue sim.Queue[int]
			model []event
			fresh int
			floor sim.Time
		)
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				// A narrow range, so that many events share an instant.
				at := floor + sim.Time(rapid.IntRange(0, 8).Draw(t, "after"))
				queue.Push(at, fresh)
				i, _ := slices.BinarySearchFunc(model, at+1, func(e event, at sim.Time) int { return int(e.at - at) })
				model = slices.Insert(model, i, event{at, fresh})
				fresh++
			},
			"pop": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("empty")
				}
				at, id := queue.Pop()
				if want := model[0]; at != want.at || id != want.id {
					t.Fatalf("popped event %d of %d ns, want event %d of %d ns", id, at, want.id, want.at)
				}
				model, floor = model[1:], at
			},
			"": func(t *rapid.T) {
				if queue.Len() != len(model) {
					t.Fatalf("Len is %d, want %d", queue.Len(), len(model))
				}
				want := sim.Forever
				if len(model) > 0 {
					want = model[0].at
				}
				if got := queue.NextAt(); got != want {
					t.Fatalf("NextAt is %d, want %d", got, want)
				}
			},
		})
	})
}

// TestQueueSameInstant: what is pushed for the instant that is happening happens
// after everything already due at it.
func TestQueueSameInstant(t *testing.T) {
	var q sim.Queue[string]
	q.Push(5, "a")
	q.Push(9, "later")
	q.Push(5, "b")
	var order []string
	for q.Len() > 0 {
		at, e := q.Pop()
		order = append(order, e)
		if e == "a" {
			q.Push(at, "c")
		}
	}
	if want := []string{"a", "b", "c", "later"}; !slices.Equal(order, want) {
		t.Errorf("order is %v, want %v", order, want)
	}
}

func TestQueuePopEmpty(t *testing.T) {
	defer func() {
		if r := recover(); r != "sim: Pop from an empty queue" {
			t.Errorf("recovered %v", r)
		}
	}()
	new(sim.Queue[int]).Pop()
}

// TestQueueForgetsPayload: a popped event's payload is garbage as soon as its
// receiver drops it, although the slab it lay in stays.
func TestQueueForgetsPayload(t *testing.T) {
	var q sim.Queue[*[64]byte]
	push := func() weak.Pointer[[64]byte] {
		payload := new([64]byte)
		q.Push(1, payload)
		return weak.Make(payload)
	}
	ref := push()
	q.Push(2, nil)
	runtime.GC()
	if ref.Value() == nil {
		t.Fatal("the payload of a pending event was collected")
	}
	q.Pop()
	runtime.GC()
	if ref.Value() != nil {
		t.Error("the payload of a popped event is still reachable")
	}
	runtime.KeepAlive(&q)
}

// TestQueueAllocates: nothing, once it has held as many events before.
func TestQueueAllocates(t *testing.T) {
	var q sim.Queue[[4]uint64]
	at := sim.Time(0)
	round := func() {
		for i := range 100 {
			q.Push(at+sim.Time(i*7919%101), [4]uint64{})
		}
		for range 100 {
			at, _ = q.Pop()
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("100 pushes and pops allocate %v times once warm, want none", n)
	}
}

// BenchmarkQueue holds a number of events pending and takes one out and puts
// one in, a random time ahead: a simulation in its steady state.
func BenchmarkQueue(b *testing.B) {
	for _, pending := range []int{10, 100, 10_000} {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			var q sim.Queue[[2]uint64] // 16 bytes: the size of an event of a cluster
			rand := sim.NewRand(1, "bench")
			for range pending {
				q.Push(sim.Time(rand.Below(1e6)), [2]uint64{})
			}
			b.ReportAllocs()
			for b.Loop() {
				at, e := q.Pop()
				q.Push(at+sim.Time(rand.Below(1e6)), e)
			}
		})
	}
}
