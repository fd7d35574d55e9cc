package sim_test

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"etcdsim/sim"
)

// TestProcOrder: the body runs only inside Start and Resume, and each answer
// reaches the wish it belongs to.
func TestProcOrder(t *testing.T) {
	var story []string
	tell := func(format string, args ...any) { story = append(story, fmt.Sprintf(format, args...)) }

	p := sim.NewProc(func(await func(string) int) {
		tell("body runs")
		a := await("one")
		tell("body got %d", a)
		b := await("two")
		tell("body got %d", b)
	})
	tell("made")
	wish, more := p.Start()
	tell("wishes %q, %v", wish, more)
	wish, more = p.Resume(10)
	tell("wishes %q, %v", wish, more)
	wish, more = p.Resume(20)
	tell("wishes %q, %v", wish, more)
	wish, more = p.Resume(30)
	tell("wishes %q, %v", wish, more)
	p.Stop()

	want := []string{
		"made",
		"body runs", `wishes "one", true`,
		"body got 10", `wishes "two", true`,
		"body got 20", `wishes "", false`,
		`wishes "", false`,
	}
	if !slices.Equal(story, want) {
		t.Errorf("the story was\n%q, want\n%q", story, want)
	}
}

func TestProcWithoutWish(t *testing.T) {
	ran := false
	p := sim.NewProc(func(func(int) int) { ran = true })
	if wish, more := p.Start(); more || !ran {
		t.Errorf("Start = %d, %v and ran = %v, want an ended process that ran", wish, more, ran)
	}
}

// TestProcStop: stopping runs the deferred calls and nothing else of the body.
func TestProcStop(t *testing.T) {
	var story []string
	p := sim.NewProc(func(await func(int) int) {
		defer func() { story = append(story, "outer") }()
		func() {
			defer func() {
				story = append(story, "inner")
				await(2) // a wish nobody hears: it must neither hang nor revive the body
				story = append(story, "revived")
			}()
			await(1)
			story = append(story, "went on")
		}()
		story = append(story, "went on further")
	})
	p.Start()
	p.Stop()
	p.Stop()
	if want := []string{"inner", "outer"}; !slices.Equal(story, want) {
		t.Errorf("Stop ran %q, want %q", story, want)
	}
	if _, more := p.Resume(0); more {
		t.Error("a stopped process went on")
	}
}

func TestProcStopBeforeStart(t *testing.T) {
	p := sim.NewProc(func(func(int) int) { t.Error("the body ran") })
	p.Stop()
	if _, more := p.Start(); more {
		t.Error("a stopped process started")
	}
}

// TestProcPanic: a panic of the body surfaces in whoever ran it, with its own
// value, and the process has ended.
func TestProcPanic(t *testing.T) {
	catch := func(f func()) (value any) {
		defer func() { value = recover() }()
		f()
		return nil
	}
	body := func(await func(int) int) {
		if await(1) == 1 {
			panic("in the body")
		}
		defer func() { panic("in a deferred call") }()
		await(2)
	}

	p := sim.NewProc(body)
	p.Start()
	if got := catch(func() { p.Resume(1) }); got != "in the body" {
		t.Errorf("Resume panics with %v, want the body's own value", got)
	}
	if _, more := p.Resume(1); more {
		t.Error("the process went on after its panic")
	}
	p.Stop()

	p = sim.NewProc(body)
	p.Start()
	p.Resume(0)
	if got := catch(p.Stop); got != "in a deferred call" {
		t.Errorf("Stop panics with %v, want the deferred call's own value", got)
	}
}

// TestProcLeavesNothing: a process that waits holds one coroutine; one that has
// ended or was stopped holds none.
func TestProcLeavesNothing(t *testing.T) {
	const n = 99
	before := coroutines()
	var procs []*sim.Proc[int, int]
	for i := range n {
		p := sim.NewProc(func(await func(int) int) {
			for range i % 3 {
				await(1)
			}
		})
		p.Start()
		procs = append(procs, p)
	}
	if got, want := coroutines()-before, n*2/3; got != want {
		t.Fatalf("%d coroutines while %d processes wait", got, want)
	}
	for _, p := range procs {
		p.Stop()
	}
	if got := coroutines() - before; got != 0 {
		t.Errorf("%d coroutines after all were stopped", got)
	}
}

// coroutines counts those that wait. Goroutines that merely end late, such as those of
// the test before, are none.
func coroutines() int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte(" [coroutine"))
}

// BenchmarkProc is one wish and its answer: two switches.
func BenchmarkProc(b *testing.B) {
	p := sim.NewProc(func(await func(int) int) {
		for await(1) == 1 {
		}
	})
	defer p.Stop()
	p.Start()
	b.ReportAllocs()
	for b.Loop() {
		p.Resume(1)
	}
}
