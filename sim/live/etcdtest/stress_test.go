package etcdtest_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/live/etcdtest"
)

// stress is a cluster that is broken while clients use it. When it ends, the session
// is replayed, and all judges look at it.
type stress struct {
	*etcdtest.Cluster
	t *testing.T
	// over ends when the faults do.
	over    context.Context
	end     context.CancelFunc
	clients sync.WaitGroup
	// done counts what clients have brought to an end.
	done atomic.Int64
}

// patience is how long a client waits for an answer. A member would wait ten times as
// long for a message that was lost with the leader.
const patience = 500 * time.Millisecond

func newStress(t *testing.T) *stress {
	t.Helper()
	s := &stress{Cluster: etcdtest.Start(t, etcdtest.Options{Nodes: 5, Settings: []string{"node.tick=10ms"}}), t: t}
	s.over, s.end = context.WithCancel(t.Context())
	return s
}

// Go lets a client run beside the faults. It must end soon after them.
func (s *stress) Go(client func()) { s.clients.Go(client) }

// enough is how much clients bring to an end between two faults.
const enough = 5

// progress waits until clients have brought something to an end, however busy the
// machine is.
func (s *stress) progress() {
	s.t.Helper()
	for began, target := time.Now(), s.done.Load()+enough; s.done.Load() < target; time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			s.t.Fatal("clients have done nothing for a minute")
		}
	}
}

// faults lets statements happen one after another, with some time between them in
// which clients meet what came of them.
func (s *stress) faults(statements ...string) {
	s.t.Helper()
	for _, statement := range statements {
		s.Do(statement)
		time.Sleep(30 * time.Millisecond)
	}
}

// killLeaders kills so many leaders, each of which comes back as a follower.
func (s *stress) killLeaders(n int) {
	s.t.Helper()
	for range n {
		s.progress()
		s.Do("wait leader within=10s")
		old := s.Leader()
		s.faults("kill "+old, "wait leader within=10s", "restart "+old)
	}
	s.progress()
}

// finish waits for the clients, with everybody up again.
func (s *stress) finish() {
	s.t.Helper()
	s.end()
	s.clients.Wait()
	s.Do("wait converged within=20s")
}

// judge ends the cluster and lets the judges look at the session.
func (s *stress) judge() {
	s.t.Helper()
	r, err := s.End()
	if err != nil {
		s.t.Fatal(err)
	}
	if r.Outcome != scenarios.Pass {
		var text strings.Builder
		_ = report.Text(&text, r, report.Style{})
		s.t.Error(text.String())
	}
	s.t.Logf("%d operations", len(r.History.Ops))
}

// ask calls f with a patient context until it succeeds, and reports how often it did
// not.
func ask(t *testing.T, f func(ctx context.Context) error) (failures int) {
	t.Helper()
	for began := time.Now(); ; failures++ {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := f(ctx)
		cancel()
		if err == nil {
			return failures
		}
		if time.Since(began) > 20*time.Second {
			t.Errorf("no success in 20 s; at last: %v", err)
			return failures
		}
		time.Sleep(5 * time.Millisecond)
	}
}
