package scenarios_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/store/saved"
)

// example is the scenario of the design, with every kind of argument once.
const example = `# Leader dies mid-write; the new leader is cut off; heal.
cluster nodes=5
net     latency=5ms..15ms drop=0.5%

# 1. a leader serves writes
wait    leader within=2s as=$old
load    w clients=4 keys=3 mix=put:5,get:4,txn:1
wait    acked w >=50 within=5s

# 2. kill it while clients write
kill    $old
wait    leader within=2s as=$new
expect  term $new > term $old

# 3. isolate the new leader
partition $new | rest
wait    leader in=rest within=2s
! wait  acked w via=$new since=here >=1 within=1s

# 4. heal, restart, converge
heal
restart $old
wait    converged within=5s

cover   elections>=3 dropped>=1
`

func TestFormatKeepsTheExample(t *testing.T) {
	f, err := scenarios.Parse("example.scn", example)
	if err != nil {
		t.Fatal(err)
	}
	// Options come in the order of the language, everything else as written.
	want := strings.NewReplacer(
		"leader within=2s as=$old", "leader as=$old within=2s",
		"leader within=2s as=$new", "leader as=$new within=2s",
		"acked w via=$new since=here >=1 within=1s", "acked w >=1 via=$new since=here within=1s",
	).Replace(example)
	if got := scenarios.Format(f); got != want {
		t.Errorf("Format prints\n%s\nwant\n%s", got, want)
	}
}

// forms are statements in their canonical form; together they use every verb,
// target and operator.
var forms = func() string {
	text, err := os.ReadFile("testdata/forms.scn")
	if err != nil {
		panic(err)
	}
	return string(text)
}()

func TestFormatIsCanonical(t *testing.T) {
	f, err := scenarios.Parse("forms.scn", forms)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(scenarios.Format(f), "\n")
	for i, line := range strings.Split(forms, "\n") {
		if got[i] != line {
			t.Errorf("line %d prints as %q, want %q", i+1, got[i], line)
		}
	}
	verbs := map[string]bool{}
	for _, s := range f.Statements() {
		verbs[s.Verb] = true
	}
	for _, verb := range scenarios.Verbs() {
		if !verbs[verb] {
			t.Errorf("the forms of this test lack statement %s", verb)
		}
	}
}

// nonsense is what a session says of a snapshot that is none.
var nonsense = scenarios.SessionArgs{Snapshot: scenarios.Embed(&saved.Snapshot{File: "nonsense"})}.String()

// mistakes are scenarios that do not parse, and the beginning of what is said about
// them, from the line on.
var mistakes = []struct{ text, want string }{
	{"clutser nodes=5", `1:1: unknown statement "clutser" (did you mean cluster?): expected one of cluster, net,`},
	{"cluster nodes=0", `1:9: cluster.nodes: "0": expected a number from 1 to 63`},
	{"cluster", `1:8: cluster: expected an option`},
	{"cluster nodes = 5", `1:9: cluster: "nodes": expected an option`},
	{"net drop=200%", `1:5: net.drop: "200%" is not a probability`},
	{"net   speed=1", `1:7: net.speed: unknown option: expected one of latency`},
	{"net drop=1% drop=2%", `1:13: net: drop= stands here twice`},
	{"net drop=", `1:5: net: "drop=": expected name=value`},
	{"kill", `1:5: kill: expected a member (n1, n2...), leader,`},
	{"kill n64", `1:6: kill: "n64": expected a member`},
	{"kill n01", `1:6: kill: "n01": expected a member`},
	{"kill $x", `1:6: kill: $x has no value yet: expected an earlier as=$x`},
	{"kill clients", `1:6: kill: clients: expected members`},
	{"kill n1 now", `1:9: kill: "now" is too much: expected kill TARGET... [machine=up]`},
	{"kill n1 machine=down", `1:9: kill: machine: "down": expected up`},
	{"crash n1 at=raft-before-save machine=on", `1:30: crash: machine: "on": expected up`},
	{"fail n1 syncs=0", `1:9: fail: syncs: "0": expected a number from 1 to 1000`},
	{"kill n1 within=2s", `1:9: kill: unknown option within=: expected kill TARGET...`},
	{"\n\n  wait leader", `3:14: wait: expected within=a duration`},
	{"wait leader within=soon", `1:13: wait: within: "soon": expected a duration`},
	{"wait leader within=0s", `1:13: wait: within: "0s": expected a duration`},
	{"wait leader within=25h", `1:13: wait: within: "25h": expected a duration`},
	{"wait leader as=old within=1s", `1:13: wait: as: "old": expected a variable such as $old`},
	{"! wait leader as=$old within=1s", `1:15: wait: as: a leader that must not exist`},
	{"wait within=1s", `1:15: wait: expected a condition: leader, converged`},
	{"wait sunshine within=1s", `1:6: wait: "sunshine": expected a condition: leader, converged, elapsed, at, a number or a meter such as`},
	{"wait laeder within=1s", `1:6: wait: "laeder" (did you mean leader?): expected a condition: leader,`},
	{"wait acked w within=1s", `1:12: wait: "w": expected the name of a load: an earlier load statement`},
	{"load w\nwait acked v >=1 within=1s", `2:12: wait: "v": expected the name of a load: one of w`},
	{"load w\nwait acked w =>1 within=1s", `2:14: wait: "=": expected a relation such as >=`},
	{"load w\nwait acked w >= many within=1s", `2:17: wait: "many": expected a number or a meter`},
	{"load w\nload w", `2:6: load: there is a load or a watch w already`},
	{"watch w\nload w", `2:6: load: there is a load or a watch w already`},
	{"watch w\nwatch w", `2:7: watch: there is a load or a watch w already`},
	{"watch", `1:6: watch: expected the name of the watching clients`},
	{"watch w odds=3%", `1:9: watch.odds: unknown option`},
	{"wait events w within=1s", `1:13: wait: "w": expected the name of watching clients: an earlier watch statement`},
	{"watch w\nwait events v within=1s", `2:13: wait: "v": expected the name of watching clients: one of w`},
	{"watch w\nwait acked w within=1s", `2:12: wait: "w": expected the name of a load`},
	{"watch w\nwait events w via=n1 within=1s", `2:31: wait: via: expected only where the operations of a load are counted`},
	{"load 7", `1:6: load: "7": expected the name of the load`},
	{"load w mix=put:5,got:4", `1:8: load.mix: unknown kind of request "got": expected put, get,`},
	{"load w mix=put:0", `1:8: load.mix: "put:0" asks for nothing`},
	{"wait elections via=n1 within=1s", `1:32: wait: via: expected only where the operations of a load are counted`},
	{"wait term n1 >=1 since=here within=1s", `1:18: wait: since: expected only where something is counted`},
	{"wait elections since=there within=1s", `1:16: wait: since: "there": expected here`},
	{"wait elapsed", `1:13: wait: expected a duration such as 500ms or 2s`},
	{"! wait elapsed 1s", `1:1: wait: time always passes`},
	{"expect elapsed 1s", `1:8: expect: expected a condition on the cluster`},
	{"! kill n1", `1:1: ! kill: expected "!" before put, get, delete, wait,`},
	{"!", `1:2: expected a statement after "!"`},
	{"?", `1:2: expected a statement after "?": one of load, watch,`},
	{"? expect leader", `1:1: ? expect: expected "?" before load, watch,`},
	{"? net drop=1%", `1:1: ? net: expected "?" before load, watch,`},
	{"! ? kill n1", `1:3: unknown statement "?"`},
	{"mend", `1:5: mend: expected a member (n1, n2...), leader,`},
	{"add", `1:4: add: expected within=a duration`},
	{"add leader within=1s", `1:5: add: "leader" is too much: expected add [nN] [learner]`},
	{"add as=new within=1s", `1:5: add: as: "new": expected a variable such as $new`},
	{"! add as=$new within=1s", `1:7: add: as: a member that must be refused cannot be named`},
	{"promote within=1s", `1:18: promote: expected a member (n1, n2...), leader,`},
	{"update n1 within=1s", `1:20: update: expected url=http://host:port`},
	{"defrag within=1s", `1:17: defrag: expected a member (n1, n2...), leader,`},
	{"defrag n1", `1:10: defrag: expected within=a duration`},
	{"disarm n1 within=1s", `1:8: disarm: "n1" is too much: expected disarm within=DURATION`},
	{"fill", `1:5: fill: expected a member (n1, n2...), leader,`},
	{"crash at=raft-before-save", `1:26: crash: expected a member (n1, n2...), leader,`},
	{"crash n1", `1:9: crash: expected at=POINT, such as at=raft-before-save`},
	{"link n1 -> n2", `1:14: link: expected an option such as latency=200ms, or normal`},
	{"link n1 latency=1s", `1:19: link: expected "->" or "<->"`},
	{"link n1 -> n2 speed=1", `1:15: net.speed: unknown option`},
	{"link n1 -> n2 tail=2", `1:15: net.tail: "2" is not a probability`},
	{"link n1 -> n2 normal drop=1%", `1:29: link: expected options, or normal, not both`},
	{"flap n1 <-> n2 up=1s", `1:21: flap: expected down=, such as down=100ms..2s`},
	{"flap n1 <-> n2 up=0s down=1s", `1:16: flap: up: "0s": expected a range of durations such as 100ms..2s`},
	{"flap up=1s down=1s", `1:19: flap: expected a member`},
	{"packet n1 -> n2", `1:16: packet: expected drop, double, deliver or delay=DURATION`},
	{"packet n1 drop", `1:11: packet: "drop": expected "->" or "<->"`},
	{"packet n1 -> n2 lose", `1:17: packet: "lose": expected drop, double, deliver or delay=DURATION`},
	{"packet n1 -> n2 drop delay=1s", `1:22: packet: expected drop or delay=, not both`},
	{"packet n1 -> n2 delay=0s", `1:17: packet: delay: "0s": expected a duration such as 500ms or 2s`},
	{"packet n1 -> n2 drop kind=pigeon", `1:22: packet: kind: "pigeon": expected one of prop, app, app-resp, vote,`},
	{"packet n1 -> n2 drop nth=0", `1:22: packet: nth: "0": expected a number from 1`},
	{"packet n1 -> n2 drop within=0s", `1:22: packet: within: "0s": expected a duration`},
	{"packet n1 -> n2 drop drop", `1:22: packet: "drop" is too much`},
	{"ring", `1:5: ring: expected a member`},
	{"ring clients", `1:6: ring: clients: expected members`},
	{"load o chores=cook", `1:8: load.chores: unknown chore "cook": expected compact, defrag, transfer, list, alarms`},
	{"load o chores=compact:0", `1:8: load.chores: "compact:0" asks for nothing`},
	{"load o chores=compact:x", `1:8: load.chores: compact: "x" is not a weight`},
	{"slow n1", `1:8: slow: expected disk=N or cpu=DURATION..DURATION`},
	{"slow n1 disk=0", `1:9: slow: disk: "0": expected a number from 1 to 100000`},
	{"slow n1 cpu=1m", `1:9: slow: cpu: "1m": expected how long each step takes, such as 1ms..5ms, 10s at most`},
	{"slow disk=2", `1:12: slow: expected a member`},
	{"damage n1 kind=moths", `1:11: damage: kind: "moths": expected one of rot, garbage, misdirected`},
	{"damage n1 sectors=0", `1:11: damage: sectors: "0": expected a number from 1 to 1000`},
	{"damage n1 force=yes", `1:11: damage: force: "yes": expected on`},
	{"damage", `1:7: damage: expected a member`},
	{"wipe n1 kind=rot", `1:9: wipe: unknown option kind=: expected wipe TARGET`},
	{"wipe", `1:5: wipe: expected a member`},
	{"lie", `1:4: lie: expected a member`},
	{"fail", `1:5: fail: expected a member`},
	{"repair", `1:7: repair: expected a member`},
	{"crash n1 at=lunch", `1:10: crash: at: unknown point "lunch": expected one of before-apply-entries,`},
	{"crash n1 at=raft-after-save skip=no", `1:29: crash: skip: "no": expected how many times`},
	{"crash n1 at=nowhere skip=1", `1:21: crash: skip: expected a point at which they die`},
	{"clock drift=1%", `1:15: clock: expected a member (n1, n2...), leader,`},
	{"clock n1", `1:9: clock: expected drift=, offset= or jump=, such as drift=+10%`},
	{"clock n1 drift=fast", `1:10: clock: drift: "fast" is not a drift: expected -90% to +100%`},
	{"clock n1 offset=1", `1:10: clock: offset: "1": expected a duration with its sign`},
	{"clock n1 jump=+-1s", `1:10: clock: jump: "+-1s": expected a duration with its sign`},
	{"clock n1 offset=1s jump=1s", `1:20: clock: expected offset= or jump=, not both`},
	{"clock n1 jump=1s pace=2", `1:18: clock: unknown option pace=: expected clock TARGET...`},
	{"remove n1", `1:10: remove: expected within=a duration`},
	{"partition n1 n2", `1:16: partition: expected "|" and the other side`},
	{"partition n1 |", `1:15: partition: expected a member`},
	{"cut n1 n2", `1:10: cut: expected "->" or "<->"`},
	{"cut n1 ->", `1:10: cut: expected a member`},
	{"let x = n1", `1:5: let: "x": expected a variable such as $few`},
	{"let $x n1", `1:8: let: "n1": expected "="`},
	{"cover", `1:6: cover: expected a counter: messages,`},
	{"cover acked>=1", `1:7: cover: "acked": expected a counter`},
	{"cover elections>=x", `1:18: cover: "x": expected a number`},
	{"compact keep=x", `1:9: compact: keep: "x": expected a number of revisions`},
	{"liveness", `1:9: liveness: expected within=`},
	{"session 7", `1:9: session: "7" is too much: expected session [seed=N]`},
	{"session seed=x", `1:9: session: seed: "x": expected a whole number`},
	{"session bug=x", `1:9: session: bug: unknown bug "x"`},
	{"session trace=0", `1:9: session: trace: "0": expected the version of a trace`},
	{"session snapshot=,", `1:9: session: snapshot: expected a snapshot in base64: illegal base64 data`},
	{"session snapshot=AAAA", `1:9: session: snapshot: expected a snapshot packed by gzip: unexpected EOF`},
	{"session " + nonsense, `1:9: session: snapshot: not a snapshot of etcd: not an intact bbolt database`},
	{"session drop=1%", `1:9: session: unknown option drop=`},
	{"session net.speed=1", `1:9: session: net.speed: unknown option`},
	{"load outside\nsession", `2:1: session: there is a load or a watch outside already`},
	{"session\nload outside", `2:6: load: there is a load or a watch outside already`},
	{"session\ncluster nodes=5", `2:1: cluster: the universe is made before it runs`},
	{"? session", `1:1: ? session: expected "?" before`},
	{"repeat 2\nsession\nend", `2:1: session: expected outside of repeat`},
	{"at 1s", `1:1: at: expected an earlier session`},
	{"session\nat soon", `2:4: at: "soon": expected an instant such as 500ms or 2s`},
	{"session\nat -1s", `2:4: at: "-1s": expected an instant`},
	{"session\nat 1s after=0", `2:7: at: after: "0": expected how many events`},
	{`ask n1 {"put":{}}`, `1:1: ask: expected an earlier session`},
	{"session\nask n1", `2:7: ask: expected a request such as {"put":`},
	{"session\nask leader", `2:5: ask: expected a request: `},
	{`session` + "\n" + `ask {"put":{}}`, `2:1: ask: expected a member such as n1, or stream=`},
	{`session` + "\n" + `ask n1 {"pot":{}}`, `2:8: ask: expected the name of a request, found "pot"`},
	{`session` + "\n" + `ask n1 {"put":{}} token=x`, `2:19: ask: token: x: expected text in quotation marks`},
	{`session` + "\n" + `ask n1 {"put":{}} stream=x`, `2:19: ask: stream: "x": expected a number from 1`},
	{`session` + "\n" + `ask n1 {"put":{}} "x"`, `2:19: ask: "\"x\"" is too much: expected ask`},
	{`session` + "\n" + `ask n1 {"put":{}} call=0`, `2:19: ask: call: "0": expected a number from 1`},
	{`session` + "\n" + `ask n1 {"put":{}} call=1 stream=1`, `2:19: ask: call: expected only where a member is asked`},
	{`session` + "\n" + `ask {"put":{}} call=1`, `2:16: ask: call: expected only where a member is asked`},
	{`session` + "\n" + `ask n1 {"put":{}} call=1` + "\n" + `ask n1 {"put":{}} call=1`, `3:19: ask: call: there is an operation 1 already`},
	{`session` + "\n" + `ask n1 {"put":{}} call=1` + "\n" + `ask {"put":{}} stream=1`, `3:16: ask: stream 1: expected one`},
	{`session` + "\n" + `ask {"watch":{}} stream=4`, `2:18: ask: stream 4: expected one that an earlier ask has opened`},
	{"session\nhangup 4", `2:8: hangup: 4: expected a call or stream of an earlier ask`},
	{"session\nhangup", `2:7: hangup: expected the number of a call or stream`},
	{"ended", `1:1: ended: expected an earlier session`},
	{"session\nended digest=77", `2:7: ended: digest: "77": expected 32 hexadecimal digits`},
	{"kill n1\ncluster nodes=3", `2:1: cluster: the universe is made before it runs`},
	{"# 1. one\n# 3. three", `2:1: phase 3: expected phase 2`},
	{"end", `1:1: end: no block is open here: expected an earlier repeat or concurrently`},
	{"repeat 2\nkill n1\nend end", `3:5: end: "end" is too much: expected end alone`},
	{"repeat 2\nkill n1\nand", `3:1: and: repeat has one branch only: expected end`},
	{"repeat 2\n# nothing\nend", `3:1: end: expected a statement in every branch of repeat`},
	{"concurrently\nkill n1\nend", `3:1: end: expected "and" and another branch of concurrently first`},
	{"concurrently\nkill n1\nand\nkill n2", `1:1: concurrently: expected a line "end" after it`},
	{"concurrently now", `1:14: concurrently: "now" is too much`},
	{"repeat", `1:7: repeat: expected how many times`},
	{"repeat 0", `1:8: repeat: 0 times: expected 1 to 1000000`},
	{"repeat 2\nload w\nend", `2:6: load: expected outside of repeat: the second one would have the name of the first`},
	{"repeat 2\nwatch w\nend", `2:7: watch: expected outside of repeat`},
	{"repeat 2\nadd n4 within=1s\nend", `2:5: add: n4: expected no number inside of repeat: each one that is added has another`},
	{"repeat 2\n# 1. a phase\nend", `2:1: phase 1: expected outside of repeat`},
	{"repeat 2\ncover elections>=1\nend", `2:1: cover: expected outside of repeat`},
	{"repeat 2\ncluster nodes=3\nend", `2:1: cluster: the universe is made before it runs`},
	{"concurrently\nwait leader as=$l within=1s\nand\nkill $l\nend", `4:6: kill: $l has no value yet`},
	{"put", `1:4: put: expected a key`},
	{"put color within=1s", `1:20: put: expected a value of letters, digits, '-' and '_'`},
	{"put color nothing within=1s", `1:11: put: a value cannot be called nothing`},
	{"put color blue", `1:15: put: expected within=a duration`},
	{"get 7 within=1s", `1:5: get: "7": expected a key`},
	{"get color == within=1s", `1:23: get: expected a value, or nothing of letters`},
	{"get color >=1 within=1s", `1:11: get: ">=" is too much: expected get KEY [==VALUE]`},
	{"! get color ==1 within=1s", `1:13: get: expected no value: what must not be answered has none`},
	{"delete", `1:7: delete: expected a key`},
	{"delete a b within=1s", `1:10: delete: "b" is too much: expected delete KEY`},
	{"let $x = elections\nkill $x", `2:6: kill: $x stands for a number: expected members`},
	{"let $x = n1\nlet $x = elections", `2:5: let: $x stands for members: expected another name for a number`},
	{"let $x = elections\nlet $x = n1", `2:5: let: $x stands for a number: expected another name for members`},
	{"let $x = elections\nwait leader as=$x within=1s", `2:13: wait: $x stands for a number`},
	{"expect term n1 >= $x", `1:19: expect: $x is no number: expected an earlier let $x = METER`},
	{"let $x = acked w", `1:16: let: "w": expected the name of a load`},
	{"disk keep=2", `1:6: disk.keep: "2" is not a probability`},
	{"node election=0", `1:6: node.election: "0" is not a count`},
	{"unload v", `1:8: unload: "v": expected the name of a load: an earlier load statement`},
	{"stop n1 | n2", `1:9: stop: "|" is too much: expected stop TARGET...`},
	{"restart everybody", `1:9: restart: "everybody": expected a member`},
	{"pause", `1:6: pause: expected a member`},
	{"resume clients", `1:8: resume: clients: expected members`},
	{"stall n0", `1:7: stall: "n0": expected a member`},
	{"unstall $x", `1:9: unstall: $x has no value yet`},
	{"free n1 within=1s", `1:9: free: unknown option within=: expected free TARGET...`},
	{"isolate n1 n2 -> n3", `1:15: isolate: "->" is too much: expected isolate TARGET...`},
	{"heal n1", `1:8: heal: expected "->" or "<->"`},
	{"hold", `1:5: hold: expected a member`},
	{"release n1 <->", `1:15: release: expected a member`},
	{"start", `1:6: start: expected a member`},
	{"transfer n1", `1:12: transfer: expected within=a duration`},
	{"auth maybe within=1s", `1:6: auth: "maybe": expected on or off`},
	{"auth off users=2 within=1s", `1:10: auth: users: expected only after on`},
	{"auth on users=0 within=1s", `1:9: auth: users: "0": expected 1 to 100`},
	{"permit r1 see k1 within=1s", `1:11: permit: "see": expected read, write or readwrite`},
	{"permit r1 read k2 k1 within=1s", `1:19: permit: k1 does not follow k2: expected the first key that is not meant`},
	{"forbid r1 within=1s", `1:20: forbid: expected a key`},
	{"kill\u00a0n1", `1:5: the character U+00A0: expected printable UTF-8 text`},
	{"# bad \xff", `1:7: the character U+FFFD`},
	{"größer n1", `1:1: unknown statement "größer"`},
	{"kill n1 größer klein", `1:9: kill: "größer" is too much`},
}

func TestErrorsNameThePlace(t *testing.T) {
	for _, c := range mistakes {
		_, err := scenarios.Parse("x.scn", c.text)
		if err == nil {
			t.Errorf("%q parses; want error %q", c.text, c.want)
			continue
		}
		if want := "x.scn:" + c.want; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q:\n got %q\nwant %q...", c.text, err, want)
		}
		var e *scenarios.Error
		if !errors.As(err, &e) || e.Pos.Line == 0 || e.Pos.Col == 0 {
			t.Errorf("%q: error %#v names no place", c.text, err)
		}
	}
}

func TestParseStatementAtAPrompt(t *testing.T) {
	var scope scenarios.Scope
	for i, text := range []string{
		"load w", "wait leader within=1s as=$l", "kill $l", "wait acked w >=1 within=1s", "# so\nrepeat 2\nkill $l\nend", "resume n1",
	} {
		s, err := scenarios.ParseStatement(text, &scope)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if i < 4 && s.Number != i+1 || i == 5 && s.Number != 7 {
			t.Errorf("%q has number %d", text, s.Number)
		}
		if again, err := scenarios.ParseStatement(s.String(), &scenarios.Scope{}); s.Verb == "kill" && err == nil {
			t.Errorf("%q parses in an empty scope as %q", s, again)
		}
	}
	for _, text := range []string{"", "# only a comment", "kill $stranger", "kill n1\nkill n2"} {
		if s, err := scenarios.ParseStatement(text, &scope); err == nil {
			t.Errorf("%q parses as %q", text, s)
		}
	}
	// A prompt reads on until a block is whole.
	for _, c := range []struct {
		text       string
		unfinished bool
	}{{"repeat 2", true}, {"repeat 2\nconcurrently\nkill n1\nand", true}, {"repeat 2\nkill n0", false}, {"repeat", false}} {
		_, err := scenarios.ParseStatement(c.text, &scenarios.Scope{})
		var e *scenarios.Error
		if !errors.As(err, &e) || e.Unfinished != c.unfinished {
			t.Errorf("%q: error %+v, want unfinished %v", c.text, err, c.unfinished)
		}
	}
}

func TestLibraryIsCanonicalAndSaysWhatItIs(t *testing.T) {
	for _, f := range scenarios.Library() {
		text, err := os.ReadFile("library/" + f.Name + scenarios.Suffix)
		if err != nil || scenarios.Format(f) != string(text) {
			t.Errorf("%s is not canonical, %v: etcdsim fmt -w scenarios/library", f.Name, err)
		}
		about := f.About()
		if about.Purpose == "" || about.Group == "" || about.Source == "" || about.Teaches == "" {
			t.Errorf("%s: the header lacks something: %+v", f.Name, about)
		}
		if !strings.HasPrefix(f.Lines[0].Comment, "# "+f.Name+": ") {
			t.Errorf("%s: the first line is %q, want the name", f.Name, f.Lines[0].Comment)
		}
		if scenarios.Lookup(f.Name) != f {
			t.Errorf("Lookup(%q) finds another", f.Name)
		}
	}
}

// FuzzParse: no text makes the parser panic; errors name a place; what parses,
// prints, and what is printed is stable.
func FuzzParse(f *testing.F) {
	f.Add(example)
	f.Add(forms)
	for _, s := range scenarios.Library() {
		f.Add(scenarios.Format(s))
	}
	f.Add("!!wait\n! = |\n<->->=><= x=y= $ n0 # #\n\r\n\tlet $a=n1\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := scenarios.Parse("fuzz.scn", text)
		if err != nil {
			var e *scenarios.Error
			if !errors.As(err, &e) || e.Pos.Line < 1 || e.Pos.Col < 1 {
				t.Fatalf("error %q names no place", err)
			}
			return
		}
		printed := scenarios.Format(file)
		again, err := scenarios.Parse("fuzz.scn", printed)
		if err != nil {
			t.Fatalf("%q prints as %q, which does not parse: %v", text, printed, err)
		}
		if twice := scenarios.Format(again); twice != printed {
			t.Fatalf("%q prints as %q, and that as %q", text, printed, twice)
		}
	})
}
