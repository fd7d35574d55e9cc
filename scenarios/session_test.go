package scenarios_test

import (
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/sim/outside"
)

// recorded runs a session.
func recorded(t *testing.T, text string) (*scenarios.File, *scenarios.Result) {
	t.Helper()
	f, err := scenarios.Parse("recorded", text)
	if err != nil {
		t.Fatal(err)
	}
	return f, must(t, f, 7, scenarios.Options{})
}

// What came from outside is judged beside what the universe's own clients asked.
func TestSessionIsJudged(t *testing.T) {
	_, r := recorded(t, `cluster nodes=3
wait    leader within=5s
load    w clients=2
session
wait    acked w >=5 within=5s
ask     n1 {"put":{"Key":"color","Value":"blue"}}
ask     n2 {"put":{"Key":"color","Value":"red"}}
wait    acked outside >=2 within=5s
ask     n3 {"range":{"Key":"color"}}
wait    acked outside >=3 within=5s
`)
	if r.Outcome != scenarios.Pass {
		t.Fatal(tell(r))
	}
	clients := map[int]bool{}
	for _, op := range r.History.Ops {
		if op.Load == outside.Load {
			clients[op.Client] = true
		}
	}
	if len(clients) != 2 {
		t.Errorf("%d clients stand for two operations at a time", len(clients))
	}
}

// A statement of a session that does not hold is told of and does not end the run, and
// the verdict knows of it.
func TestUnmetInSession(t *testing.T) {
	f, r := recorded(t, `session
wait    leader within=1ms
expect  term n1 >=99
kill    n9
at      5s
ask     n1 {"put":{"Key":"k"}}
at      6s
`)
	if r.Outcome != scenarios.Stuck || r.Counts.Operations != 1 || r.Failure == nil || r.Failure.Statement != "wait    leader within=1ms" {
		t.Errorf("%s\n%s", scenarios.Format(f), tell(r))
	}
}

// Members come by requests; statements may name them from then on.
func TestMembersComeToSession(t *testing.T) {
	_, r := recorded(t, `session
at      5s
ask     n1 {"memberadd":{"PeerURLs":["http://n4:2380"]}}
at      6s
session n4=http://127.0.0.1:1/
start   n4
wait    joined n4 ==1 within=10s
kill    n4
`)
	if r.Outcome != scenarios.Pass || r.Counts.Crashes != 1 {
		t.Error(tell(r))
	}
}

// What is said on a stream that has ended is not heard: whoever was there before is
// left out, or has died.
func TestStreamsOfSession(t *testing.T) {
	_, r := recorded(t, `session
at      5s
ask     n1 {"streamopen":{}} stream=7
ask     {"watch":{"Key":"k"}} stream=7
at      6s
kill    n1
at      7s
ask     {"watch":{"Key":"l"}} stream=7
hangup  7
hangup  7
ask     {"watch":{"Key":"m"}} stream=7
at      8s
`)
	if r.Outcome != scenarios.Pass {
		t.Error(tell(r))
	}
}

// A sealed session knows its end; another run of it is found out.
func TestSealed(t *testing.T) {
	f, r := recorded(t, `session seed=3
at      5s
ask     n1 {"put":{"Key":"k","Value":"old"}}
at      6s
ended
`)
	text := scenarios.Format(f.Sealed(r))
	again, same := recorded(t, text)
	if s := again.Session(); s.Seed != 7 || s.Trace == 0 || again.Ended().Digest != r.Story.String() {
		t.Errorf("sealed as\n%s", text)
	}
	if same.Outcome != scenarios.Pass || same.Digest != r.Digest {
		t.Errorf("the same run: %s", tell(same))
	}
	_, other := recorded(t, strings.Replace(text, "old", "new", 1))
	if other.Outcome != scenarios.Nondeterminism || !strings.Contains(other.Failure.Why, "not the run that was recorded") {
		t.Errorf("another run: %s", tell(other))
	}
	if _, r := recorded(t, strings.Replace(scenarios.Format(again.Unended()), "old", "new", 1)); r.Outcome != scenarios.Pass {
		t.Errorf("without an end: %s", tell(r))
	}
}
