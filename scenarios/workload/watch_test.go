package workload_test

import (
	"slices"
	"testing"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
)

// watching is a world in which clients write and others watch, each at a member of
// its own.
func watching(t *testing.T, seed uint64, change func(*workload.WatchConfig)) (*world, *workload.Watches) {
	t.Helper()
	w := newWorld(t, seed)
	w.pass(5 * time.Second)
	w.clients.Load("w", workload.DefaultConfig(), nil)
	cfg := workload.DefaultWatchConfig()
	cfg.Clients, cfg.Odd, cfg.Life = 3, sim.Ratio{}, sim.Range{}
	if change != nil {
		change(&cfg)
	}
	return w, w.clients.Watch("eyes", cfg, nil)
}

// creations returns the answers that say that a watcher was created.
func creations(w *history.Watch) (all []history.WatchAnswer) {
	for _, a := range w.Answers {
		if a.Response.Created {
			all = append(all, a)
		}
	}
	return all
}

// TestWatchersGoOn: after its stream broke a client goes on at the next member, each
// watcher from the revision after what it was told; or, with the defect, from that.
func TestWatchersGoOn(t *testing.T) {
	for _, bugs := range []bug.Set{0, bug.Set(0).With(bug.ResumeDup)} {
		w, eyes := watching(t, 1, nil)
		w.clients.Break(bugs)
		for i := range uint64(6) {
			w.pass(2 * time.Second)
			w.Kill(i%3 + 1)
			w.pass(time.Second)
			w.Start(i%3 + 1)
		}
		w.pass(2 * time.Second)
		resumed, again := 0, 0
		for _, one := range w.clients.Watches() {
			next := one.Request.StartRevision
			var stream, member uint64
			for _, a := range one.Answers {
				r := a.Response
				switch {
				case r.Created && a.Stream == stream:
					t.Fatalf("created twice on one stream: %+v", one)
				case r.Created:
					if resumed++; member == 0 {
						resumed--
					}
					if a.From == next-1 && bugs != 0 {
						again++
					} else if a.From != next {
						t.Errorf("a watcher went on from rev %d, want %d", a.From, next)
					}
					if a.Member == member {
						t.Errorf("a client went back to n%d, which had failed it", member)
					}
					if stream, member = a.Stream, a.Member; next == 0 {
						next = r.Revision
					}
				case len(r.Events) > 0:
					next = r.Events[len(r.Events)-1].KV.ModRevision + 1
				default:
					next = r.Revision + 1
				}
			}
		}
		if resumed < 10 || uint64(resumed) != eyes.Resumed || (again > 0) != (bugs != 0) {
			t.Errorf("%v: %d watchers went on (%d counted), %d of them where they had been", bugs, resumed, eyes.Resumed, again)
		}
	}
}

// TestWatchersLeaveSilentMembers: a client that hears nothing asks, and if that is
// not answered takes the next member.
func TestWatchersLeaveSilentMembers(t *testing.T) {
	w, _ := watching(t, 2, func(c *workload.WatchConfig) { c.KeepAlive = 500 * time.Millisecond })
	w.pass(2 * time.Second)
	before := len(creations(w.clients.Watches()[0]))
	w.Pause(w.clients.Watches()[0].Answers[0].Member)
	w.pass(2 * time.Second)
	all := creations(w.clients.Watches()[0])
	if len(all) != before+1 || all[before].Member == all[before-1].Member {
		t.Errorf("while its member was paused the client created its watcher %d times", len(all)-before)
	}
	// A cut link is not noticed otherwise either.
	last := all[before]
	w.Network().Isolate(trace.Addr(last.Member))
	w.pass(3 * time.Second)
	if again := creations(w.clients.Watches()[0]); len(again) != before+2 || again[before+1].Member == last.Member {
		t.Errorf("while its member was isolated the client created its watcher %d times", len(again)-before-1)
	}
}

// TestWatchersTakeTheirTime: with a pace, a client deals with one response after
// another, and loses none.
func TestWatchersTakeTheirTime(t *testing.T) {
	w, _ := watching(t, 3, func(c *workload.WatchConfig) {
		c.Pace, c.Window = sim.Range{Min: 100 * time.Millisecond, Max: 200 * time.Millisecond}, 1<<10
	})
	w.pass(5 * time.Second)
	taken := map[int][]sim.Time{}
	for _, one := range w.clients.Watches() {
		for _, a := range one.Answers {
			taken[one.Client] = append(taken[one.Client], a.At)
		}
	}
	for client, times := range taken { // unordered: each client by itself
		slices.Sort(times)
		times = slices.Compact(times) // what tells of progress, it tells all watchers at once
		for i := range times[1:] {
			if gap := times[i+1].Sub(times[i]); gap < 100*time.Millisecond {
				t.Errorf("client %d took a response %v after another", client, gap)
			}
		}
		if len(times) < 20 {
			t.Errorf("client %d took %d responses in five seconds", client, len(times))
		}
	}
	if w.log.Hits(trace.ProbeWatchSlow) == 0 {
		t.Error("no watcher fell behind")
	}
}

// TestSlowWatchersCatchUp: a client that takes longer over a response than it waits
// between two requests for progress asks no oftener than it can take the answers.
func TestSlowWatchersCatchUp(t *testing.T) {
	w := newWorld(t, 5)
	w.pass(5 * time.Second)
	load := workload.DefaultConfig()
	load.Ops = 30
	w.clients.Load("w", load, nil)
	cfg := workload.DefaultWatchConfig()
	cfg.Clients, cfg.Watchers, cfg.Life, cfg.Odd, cfg.Future, cfg.Progress = 1, 3, sim.Range{}, sim.Ratio{}, sim.Ratio{}, sim.Range{}
	cfg.Pace = sim.Range{Min: 400 * time.Millisecond, Max: 400 * time.Millisecond}
	eyes := w.clients.Watch("eyes", cfg, nil)
	w.pass(2 * time.Second)

	eyes.CatchUp(w.Member(1).Revision, []uint64{1, 2, 3})
	asked, seconds := 0, 0
	w.log.Subscribe(trace.Kinds(trace.Send), func(e *trace.Event) {
		if e.Member.IsClient() {
			asked++
		}
	})
	for ; eyes.Behind() != "" && seconds < 60; seconds++ {
		w.pass(time.Second)
	}
	if s := eyes.Behind(); s != "" {
		t.Errorf("after %d s %s", seconds, s)
	}
	if most := 5 * seconds / 2; seconds == 0 || asked == 0 || asked > most {
		t.Errorf("in %d s it asked %d times, want some, and %d at most", seconds, asked, most)
	}
}

// A client that has lost its member, and is about to go to one that may be in any state,
// goes to another one when it is to catch up.
func TestCatchUpElsewhere(t *testing.T) {
	for wait := range 12 {
		w, eyes := watching(t, 1, nil)
		w.pass(2 * time.Second)
		w.Kill(1)
		w.pass(time.Duration(wait) * 10 * time.Millisecond)
		eyes.CatchUp(w.Member(3).Revision, []uint64{3})
		var watching []trace.Addr
		for _, one := range w.clients.Watches() {
			watching = append(watching, trace.Client(one.Client))
		}
		hungUp := w.Now()
		w.log.Subscribe(trace.Kinds(trace.Send), func(e *trace.Event) {
			if e.Peer != 3 && e.At > hungUp && slices.Contains(watching, e.Member) {
				t.Errorf("%d0 ms after n1 died, client %v was to catch up at n3, and asks %v at %v", wait, e.Member, e.Peer, e.At)
			}
		})
		w.pass(time.Second)
	}
}

// TestWatchersComeAndGo: watchers are replaced after a while, those that are refused
// too, and at the end all are told of everything.
func TestWatchersComeAndGo(t *testing.T) {
	w, eyes := watching(t, 4, func(c *workload.WatchConfig) {
		c.Life, c.Odd = sim.Range{Min: 100 * time.Millisecond, Max: time.Second}, sim.Percent(50)
		c.Past, c.Future = sim.Percent(20), sim.Percent(20)
	})
	w.pass(10 * time.Second)
	refused := 0
	for _, one := range w.clients.Watches() {
		if len(one.Answers) > 0 && one.Answers[0].Response.Created && one.Answers[0].Response.Canceled {
			if refused++; len(one.Answers) > 1 {
				t.Errorf("after it was refused, a watcher is told %+v", one.Answers[1])
			}
		}
	}
	if refused == 0 || eyes.Created < 60 || eyes.Progress == 0 {
		t.Errorf("%d watchers were created and %d refused, and %d responses told how far", eyes.Created, refused, eyes.Progress)
	}
	revision := w.Member(1).Revision
	eyes.CatchUp(revision, []uint64{1, 2, 3})
	if eyes.Behind() == "" {
		t.Error("nobody is behind before anything could be told")
	}
	w.pass(2 * time.Second)
	if s := eyes.Behind(); s != "" {
		t.Error(s)
	}
	eyes.Stop()
	events := eyes.Events
	w.pass(time.Second)
	if eyes.Events != events {
		t.Error("clients that hung up are told of events")
	}
}

func TestWatchOptions(t *testing.T) {
	for _, o := range workload.WatchOptions() {
		c := workload.DefaultWatchConfig()
		if o.Default == "" || o.Doc == "" {
			t.Errorf("option %+v", o)
		}
		if err := c.Set(o.Name, o.Syntax); err != nil {
			t.Errorf("%s=%s: %v", o.Name, o.Syntax, err)
		}
	}
	c := workload.DefaultWatchConfig()
	if err := c.Set("odds", "1%"); err == nil {
		t.Error("an option that does not exist is set")
	}
}
