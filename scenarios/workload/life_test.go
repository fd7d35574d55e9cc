package workload_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"etcdsim/checker/history"
	"etcdsim/scenarios/workload"
	"etcdsim/sim"
	"etcdsim/store"
)

// live lets a load live for a minute, and counts what came of its requests, in a
// few words each.
func live(t *testing.T, life string, settings ...string) (w *world, outcomes map[string]int) {
	w = newWorld(t, 5)
	t.Cleanup(w.Close)
	w.pass(5 * time.Second)
	cfg := workload.DefaultConfig()
	for _, s := range append(settings, "life="+life) {
		name, value, _ := strings.Cut(s, "=")
		if err := cfg.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	cfg.Clients, cfg.Timeout = 6, 4*time.Second
	cfg.Think = sim.Range{Min: 10 * time.Millisecond, Max: 40 * time.Millisecond}
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
		"election": {
			"LeaseGrantRequest", "CampaignRequest", "ProclaimRequest", "ResignRequest", "LeaderRequest",
			"LeaderRequest: election: no leader", "TxnRequest done=true", "TxnRequest done=false",
		},
		"operator": {
			"RangeRequest", "CompactionRequest", "DefragmentRequest", "MemberListRequest", "MoveLeaderRequest",
			"MoveLeaderRequest: " + store.ErrNotLeader.Text,
		},
		"counter":    {"RangeRequest", "TxnRequest done=true", "TxnRequest done=false"},
		"append":     {"RangeRequest", "TxnRequest done=true", "TxnRequest done=false"},
		"bank":       {"RangeRequest", "TxnRequest done=true", "TxnRequest done=false"},
		"queue":      {"RangeRequest", "TxnRequest done=true", "TxnRequest done=false"},
		"kubernetes": {"RangeRequest", "TxnRequest done=true", "TxnRequest done=false", "LeaseGrantRequest", "PutRequest"},
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

// An operator does the chores that it was given, and no others.
func TestChores(t *testing.T) {
	for chore, want := range map[string][]string{
		"compact": {"RangeRequest", "CompactionRequest"}, "defrag": {"DefragmentRequest"},
		"transfer": {"MemberListRequest", "MoveLeaderRequest"}, "list": {"MemberListRequest"}, "alarms": {"AlarmRequest"},
	} { // unordered: subtests with names
		t.Run(chore, func(t *testing.T) {
			w, outcomes := live(t, "operator", "chores="+chore)
			for _, op := range w.clients.Ops() {
				if req, ok := op.Request.(*store.CompactionRequest); ok && req.Revision < 1 {
					t.Errorf("a compaction at %d", req.Revision)
				}
			}
			for one, n := range outcomes { // unordered: each is judged alone
				if what, _, _ := strings.Cut(one, ":"); !slices.Contains(want, what) {
					t.Errorf("%d times: %s", n, one)
				}
			}
			for _, one := range want {
				if outcomes[one] == 0 {
					t.Errorf("never: %s", one)
				}
			}
		})
	}
}

// Operators ask all members, and spare some of the newest revisions.
func TestOperatorsCompactThePast(t *testing.T) {
	w := newWorld(t, 6)
	t.Cleanup(w.Close)
	w.pass(5 * time.Second)
	w.clients.Load("w", workload.DefaultConfig(), nil)
	w.pass(time.Second)
	cfg := workload.DefaultConfig()
	cfg.Clients = 1
	for name, value := range map[string]string{"life": "operator", "chores": "compact"} { // unordered: options are independent
		if err := cfg.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	w.clients.Load("o", cfg, nil)
	w.pass(5 * time.Second)

	newest, spared, asked := int64(0), map[int64]bool{}, map[uint64]bool{}
	for _, op := range w.clients.Ops() {
		switch req := op.Request.(type) {
		case *store.RangeRequest:
			if op.Load == "o" {
				newest = op.Response.Revision
			}
		case *store.CompactionRequest:
			spared[newest-req.Revision], asked[op.Member] = true, true
			if req.Revision > newest || req.Revision <= newest-50 || req.Revision < 1 {
				t.Errorf("a compaction at %d, where the newest revision is %d", req.Revision, newest)
			}
		}
	}
	if len(spared) < 20 || len(asked) != 3 {
		t.Errorf("of %d members the compactions spared so many revisions: %v; want three members, and many numbers", len(asked), spared)
	}
}

// What a profile is about can be seen in what is left: the counters add up to the
// additions that were acknowledged, and perhaps some of those whose outcome is
// unknown; no element of a list is there twice; the accounts hold together what they
// held at first.
func TestProfilesAddUp(t *testing.T) {
	for life, wrong := range map[string]func(values []string, done, unknown int) bool{
		"counter": func(values []string, done, unknown int) bool {
			return sumOf(values) < done || sumOf(values) > done+unknown
		},
		"append": func(values []string, _, _ int) bool {
			elements := strings.Split(strings.Join(values, ","), ",")
			slices.Sort(elements)
			return len(elements) < 5 || len(slices.Compact(slices.Clone(elements))) < len(elements)
		},
		"bank": func(values []string, _, _ int) bool { return sumOf(values) != len(values)*100 },
	} { // unordered: subtests with names
		t.Run(life, func(t *testing.T) {
			w, _ := live(t, life)
			done, unknown := 0, 0
			for _, op := range w.clients.Ops() {
				res, ok := op.Response.Result.(*store.TxnResult)
				switch {
				case ok && res.Succeeded:
					done++
				case op.Outcome == history.Unknown && !store.ReadOnly(op.Request):
					unknown++
				}
			}
			var values []string
			for _, kv := range w.all("k", "k:") {
				values = append(values, kv.Value)
			}
			if done < 20 || len(values) != 3 || wrong(values, done, unknown) {
				t.Errorf("%q after %d writes that were acknowledged and %d of unknown outcome", values, done, unknown)
			}
		})
	}
}

// sumOf adds up values.
func sumOf(values []string) (sum int) {
	for _, v := range values {
		n, _ := strconv.Atoi(v)
		sum += n
	}
	return sum
}

// all reads a range of keys.
func (w *world) all(key, end string) []*store.KeyValue {
	var op history.Op
	w.clients.Spawn("reader", time.Second, nil, func(s *workload.Session) {
		op = s.Do(workload.Range, &store.RangeRequest{Key: key, RangeEnd: end})
	})
	w.pass(2 * time.Second)
	res, ok := op.Response.Result.(*store.RangeResult)
	if !ok {
		return nil
	}
	return res.KVs
}

func TestUnknownLife(t *testing.T) {
	cfg := workload.DefaultConfig()
	err := cfg.Set("life", "idle")
	if err == nil || !strings.Contains(err.Error(), "lease") || !strings.Contains(err.Error(), "load.life") {
		t.Errorf("an unknown life: %v, want an error that names the option and the lives", err)
	}
}
