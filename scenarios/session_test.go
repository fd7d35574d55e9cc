package scenarios_test

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/scenarios"
	"etcdsim/sim/bug"
	"etcdsim/sim/outside"
	"etcdsim/sim/trace"
	"etcdsim/store"
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
	if !slices.IsSortedFunc(r.History.Ops, func(a, b history.Op) int { return cmp.Compare(a.Invoke, b.Invoke) }) {
		t.Error("the operations are not in order of invocation")
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
	if r.Phases[0].OK {
		t.Error("the phase in which statements did not hold is said to be in order")
	}
}

// That it is another run counts more than a statement that does not hold in it, and ends
// it.
func TestUnmetInAnotherRun(t *testing.T) {
	f, r := recorded(t, `session trace=1
wait    leader within=1ms
ended   digest=00000000000000000000000000000000
kill    n1
`)
	if r.Outcome != scenarios.Nondeterminism || r.Counts.Crashes != 0 || r.Failure == nil ||
		!strings.HasPrefix(r.Failure.Statement, "ended ") ||
		!strings.HasSuffix(r.Failure.Why, fmt.Sprintf(", with version 1 of the trace, not %d", trace.Version)) {
		t.Errorf("%s\n%s", scenarios.Format(f), tell(r))
	}
}

// Whoever hangs up takes the watchers of a stream along.
func TestHangUp(t *testing.T) {
	f, err := scenarios.Parse("session", `session n2=http://b n1=http://a
at      5s
ask     n1 {"streamopen":{}} stream=7
at      5.1s
ask     {"watch":{"Key":"k"}} stream=7
at      6s
hangup  7
at      7s
`)
	if err != nil {
		t.Fatal(err)
	}
	if text := scenarios.Format(f); !strings.HasPrefix(text, "session n1=http://a n2=http://b\n") {
		t.Errorf("the addresses of members are not in their order:\n%s", text)
	}
	p, err := scenarios.Begin(f, 7, scenarios.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	most := 0
	for i := range f.Lines {
		if fail := p.Line(&f.Lines[i]); fail != nil {
			t.Fatal(fail)
		}
		most = max(most, p.Cluster().Node(1).Watching())
	}
	if n := p.Cluster().Node(1).Watching(); most != 1 || n != 0 {
		t.Errorf("n1 had %d watchers, and has %d", most, n)
	}
}

// What is written down of a stage, with the places in its run, is the same run.
func TestPlacesOfSession(t *testing.T) {
	s := stage(t, "net latency=0s\nload w clients=3 keys=1")
	text := "net latency=0s\nload w clients=3 keys=1\nsession\n"
	shared := 0
	for i := range 60 {
		for range 7 * i {
			s.Step()
		}
		place := s.Place()
		if place.After > 1 {
			shared++
		}
		in := outside.Input{
			Kind: outside.Ask, Member: uint64(i%3 + 1), Request: &store.PutRequest{Key: "k", Value: strconv.Itoa(i)},
		}
		text += string(place.Append(nil)) + "\n"
		s.Opening().Enter(&in)
		in.Op = 0
		text += string(in.Append(nil)) + "\n"
	}
	if shared == 0 {
		t.Error("no request entered behind several events of one instant")
	}
	if _, r := recorded(t, text); r.Story != s.Log().Digest() {
		t.Errorf("the stage came to %v, what was written down to %v:\n%s", s.Log().Digest(), r.Story, text)
	}
}

// Wherever a recording was cut off, what is whole of it is a session.
func TestSessionIsCutOff(t *testing.T) {
	const whole = `cluster nodes=1
session
at      2s
ask     n1 {"put":{"Key":"k","Value":"v"}}
repeat  2
  wait    elapsed 1s
end
`
	begins := strings.Index(whole, "session") + len("session\n")
	for cut := begins; cut <= len(whole); cut++ {
		f, err := scenarios.ParseSession("cut", whole[:cut])
		if err != nil {
			t.Fatalf("cut off at %d: %v", cut, err)
		}
		if kept := scenarios.Format(f); !strings.HasPrefix(whole, kept) {
			t.Errorf("cut off at %d it is\n%s", cut, kept)
		}
	}
	for _, text := range []string{"wait leader within=5s\nkil", "session\nended\nkil", "session\nkil\nat 1s\n", "repeat 2\nsession"} {
		if _, err := scenarios.ParseSession("no", text); err == nil {
			t.Errorf("%q is taken for a recording that was cut off", text)
		}
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
	small, err := scenarios.ParseSetting("cluster.nodes=1")
	if err != nil {
		t.Fatal(err)
	}
	bare, err := scenarios.Parse("recorded", "session\nat 5s\nask n1 {\"put\":{\"Key\":\"k\"}}\nat 6s\n")
	if err != nil {
		t.Fatal(err)
	}
	o := scenarios.Options{Bugs: bug.Set(0).With(bug.LeaderLocalRead), Settings: []scenarios.Setting{small}}
	own := must(t, bare, 9, o)
	if again, err := scenarios.Replay("recorded", scenarios.Format(bare.Sealed(own))); err != nil || again.Digest != own.Digest ||
		again.Bugs != own.Bugs || again.Nodes != 1 || again.Seed != 9 {
		t.Errorf("%v; replayed it is\n%s\nwant\n%s", err, tell(again), tell(own))
	}

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

// Whatever bytes clients send, as keys, tokens and names, stand in a recording as they were.
func TestSessionsHoldAnyBytes(t *testing.T) {
	for b := range 256 {
		for _, text := range []string{string([]byte{byte(b)}), string([]byte{'a', byte(b), ' ', byte(b), 'b'})} {
			want := outside.Input{
				Kind: outside.Ask, Member: 1, Request: &store.PutRequest{Key: text, Value: text},
				As: store.Credential{Token: text, Certified: true, Name: text},
			}
			f, err := scenarios.Parse("session", "session\n"+string(want.Append(nil))+"\n")
			if err == nil {
				f, err = scenarios.Parse("session", scenarios.Format(f))
			}
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if got := outside.Input(f.Lines[1].Statement.Args.(scenarios.InputArgs)); !reflect.DeepEqual(got, want) {
				t.Errorf("%q: %+v, want %+v", text, got, want)
			}
		}
	}
}

// What is asked of a member that is not there, or said of its address, is not heard.
func TestSessionWithStrangers(t *testing.T) {
	_, r := recorded(t, `cluster nodes=3
session n4=http://127.0.0.1:1/
at      2s
ask     n4 {"put":{"Key":"k"}} call=1
ask     n4 {"streamopen":{}} stream=2
ask     {"watch":{"Key":"k"}} stream=2
hangup  2
at      4s
`)
	if r.Outcome != scenarios.Pass {
		t.Errorf("%v: %+v", r.Outcome, r.Failure)
	}
}
