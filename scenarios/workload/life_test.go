package workload_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/store"
)

// live lets a load live for a minute, and counts what came of its requests, in a
// few words each.
func live(t *testing.T, life string) (w *world, outcomes map[string]int) {
	w = newWorld(t, 5)
	t.Cleanup(w.Close)
	w.pass(5 * time.Second)
	cfg := workload.DefaultConfig()
	if err := cfg.Set("life", life); err != nil {
		t.Fatal(err)
	}
	cfg.Clients, cfg.Timeout = 6, 4*time.Second
	l := w.clients.Load("w", cfg, nil)
	w.pass(time.Minute)
	l.Stop()
	w.pass(10 * time.Second)
	if w.clients.Busy() != 0 {
		t.Errorf("%d clients go on although the load was stopped", w.clients.Busy())
	}
	outcomes = map[string]int{}
	for _, op := range w.clients.Ops() {
		outcomes[summary(&op)]++
	}
	return w, outcomes
}

func summary(op *history.Op) string {
	what := strings.TrimPrefix(fmt.Sprintf("%T", op.Request), "*store.")
	switch res := op.Response.Result.(type) {
	case *store.LeaseKeepAliveResult:
		return fmt.Sprintf("%s alive=%v", what, res.TTL > 0)
	case *store.LeaseTimeToLiveResult:
		return fmt.Sprintf("%s known=%v", what, res.GrantedTTL > 0)
	case *store.TxnResult:
		return fmt.Sprintf("%s done=%v", what, res.Succeeded)
	}
	if op.Response.Err != nil {
		return what + ": " + op.Response.Err.Text
	}
	return what
}

// Each life meets what it is for.
func TestLivesMeetWhatTheyAreFor(t *testing.T) {
	for life, want := range map[string][]string{
		"lease": {
			"LeaseGrantRequest", "LeaseRevokeRequest", "PutRequest", "RangeRequest", "LeaseKeepAliveRequest alive=true",
			"LeaseKeepAliveRequest alive=false", "LeaseTimeToLiveRequest known=true", "LeaseTimeToLiveRequest known=false",
		},
		"lock": {
			"LeaseGrantRequest", "LockRequest", "LockRequest: mutex: session is expired", "UnlockRequest", "RangeRequest",
			"TxnRequest done=true", "TxnRequest done=false", "LeaseKeepAliveRequest alive=true",
		},
	} { // unordered: subtests with names
		t.Run(life, func(t *testing.T) {
			w, outcomes := live(t, life)
			for _, one := range want {
				if outcomes[one] == 0 {
					t.Errorf("never: %s", one)
				}
			}
			t.Logf("%d operations: %v", len(w.clients.Ops()), outcomes)
		})
	}
}

func TestUnknownLife(t *testing.T) {
	cfg := workload.DefaultConfig()
	err := cfg.Set("life", "idle")
	if err == nil || !strings.Contains(err.Error(), "lease") || !strings.Contains(err.Error(), "load.life") {
		t.Errorf("an unknown life: %v, want an error that names the option and the lives", err)
	}
}
