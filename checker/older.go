package checker

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// The older APIs. What etcd's v2 and v1 promise, by name:
//
//   - indexes: every write takes the next index, and no other.
//   - compared: what an event replaces is what the event before it left; whoever
//     compared and swapped saw what he compared with.
//   - log: what a write or a read with quorum was answered is what the log made of
//     it, and the log respects real time.
//   - reads: a member answers a local read from the state that it has applied.
//   - monotone: the index that a member shows never goes back.
//   - waits: whoever waits is told of the first event that he waits for, at or after
//     his index; only a snapshot from another member may make him miss one.
//   - expiry: no node expires before its time.
//   - replicas: members that applied the same log hold the same tree.
//
// The judge reads nothing but bodies, as clients do, and the text that the members
// kept of each command; it shares nothing with the members' tree.

// olderNode is a node as v2 shows it.
type olderNode struct {
	Key           string `json:"key"`
	Value         string `json:"value"`
	Dir           bool   `json:"dir"`
	Expiration    string `json:"expiration"`
	ModifiedIndex uint64 `json:"modifiedIndex"`
}

// olderEvent is a body: an event of v2, one of v1, or an error of both.
type olderEvent struct {
	Action   string     `json:"action"`
	Node     *olderNode `json:"node"`
	PrevNode *olderNode `json:"prevNode"`

	Key   string `json:"key"` // v1
	Value string `json:"value"`

	ErrorCode int    `json:"errorCode"`
	Index     uint64 `json:"index"`

	// where it is in the log
	at   uint64
	text string
}

// olderEpoch is the instant at which the simulation's clocks begin: 2000-01-01 UTC.
const olderEpoch = 946_684_800

// olderVersion is what a key was from a log index on.
type olderVersion struct {
	at    uint64
	value string
	// modified is 0 if the key was not there.
	modified uint64
}

// olderTree is the judgement of the older APIs.
type olderTree struct {
	*record
	paces
	ops []*history.Op
	// commits are the positions in Commits of the commands, by the ID of the proposal.
	commits map[uint64]int
	index   uint64
	keys    map[string][]olderVersion
	// events are the writes, by index - 1.
	events []olderEvent
	judged int
	found  []Violation
}

// judgeOlder judges the older APIs. ok is false if nobody used them.
func judgeOlder(r *record, all []history.Op, p paces) (j Judgement, ok bool) {
	t := olderTree{record: r, paces: p, commits: map[uint64]int{}, keys: map[string][]olderVersion{}}
	for i := range all {
		if _, ok := all[i].Request.(*store.HTTPRequest); ok {
			t.ops = append(t.ops, &all[i])
		}
	}
	if len(t.ops) == 0 {
		return j, false
	}
	t.replay()
	t.judgeAnswers()
	t.judgeOrder()
	t.judgeMonotone()
	t.judgeReplicas()
	return safety("older", t.judged, t.found), true
}

func (t *olderTree) add(property string, op *history.Op, at sim.Time, index uint64, format string, args ...any) {
	v := Violation{Property: "older, " + property, At: at, Index: index, Why: fmt.Sprintf(format, args...)}
	if op != nil {
		v.Ops, v.Member = []Exhibit{{Op: *op}}, op.Member
	}
	t.found = append(t.found, v)
}

func readOlder(text string) (e olderEvent) {
	if json.Unmarshal([]byte(text), &e) != nil {
		return olderEvent{} // plain text
	}
	e.text = text
	return e
}

// replay follows what the log made of the tree.
func (t *olderTree) replay() {
	for i := range t.Commits {
		c := &t.Commits[i]
		if _, ok := c.Proposal.Request.(*store.OlderRequest); !ok {
			continue
		}
		t.commits[c.Proposal.ID] = i
		res, ok := c.Response.Result.(*store.OlderResult)
		if !ok {
			continue
		}
		t.judged++
		for line := range strings.Lines(res.Text) {
			e := readOlder(strings.TrimSpace(line))
			e.at = c.Index
			t.follow(&e, t.commitTime(int32(i)))
		}
		if res.Index != t.index {
			t.add("indexes", nil, t.commitTime(int32(i)), c.Index, "After log index %d the index is %d, but the members say %d.",
				c.Index, t.index, res.Index)
			t.index = res.Index
		}
	}
}

// follow takes one line of the log into account.
func (t *olderTree) follow(e *olderEvent, at sim.Time) {
	switch {
	case e.ErrorCode != 0:
		return // the index is compared by the caller
	case e.Node == nil:
		t.add("log", nil, at, e.at, "The members made nothing of the command at log index %d.", e.at)
		return
	case e.Action == "get":
		t.judgeRead(nil, e.Node, e.at, at)
		return
	}
	if e.Node.ModifiedIndex != t.index+1 {
		t.add("indexes", nil, at, e.at, "The event at log index %d has index %d; the one before had %d.", e.at, e.Node.ModifiedIndex, t.index)
	}
	t.index = e.Node.ModifiedIndex
	t.events = append(t.events, *e)
	t.judgeReplaced(e, at)
	if e.Action == "expire" && e.PrevNode != nil {
		t.judgeExpiry(e, at)
	}
	switch e.Action {
	case "delete", "compareAndDelete", "expire":
		t.remove(e)
	default:
		if !e.Node.Dir {
			t.keys[e.Node.Key] = append(t.keys[e.Node.Key], olderVersion{e.at, e.Node.Value, e.Node.ModifiedIndex})
		}
	}
}

// remove takes a node and all below it out.
func (t *olderTree) remove(e *olderEvent) {
	for key, versions := range t.keys { // unordered: each key is treated alike
		if (key == e.Node.Key || below(key, e.Node.Key)) && versions[len(versions)-1].modified != 0 {
			t.keys[key] = append(versions, olderVersion{at: e.at})
		}
	}
}

func below(key, dir string) bool { return strings.HasPrefix(key, strings.TrimSuffix(dir, "/")+"/") }

// judgeReplaced compares what an event replaced with what was there.
func (t *olderTree) judgeReplaced(e *olderEvent, at sim.Time) {
	was, prev := t.version(e.Node.Key, e.at), olderVersion{}
	if e.PrevNode != nil {
		if e.PrevNode.Dir {
			return
		}
		prev = olderVersion{value: e.PrevNode.Value, modified: e.PrevNode.ModifiedIndex}
	}
	if was.value != prev.value || was.modified != prev.modified {
		t.add("compared", nil, at, e.at, "The %s of %s at index %d replaced %s, but the event before it left %s.",
			e.Action, store.Text(e.Node.Key), e.Node.ModifiedIndex, prev, was)
	}
}

// String describes a version.
func (v olderVersion) String() string {
	if v.modified == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%s of index %d", store.Text(v.value), v.modified)
}

// version returns what a file was after a log index.
func (t *olderTree) version(key string, at uint64) olderVersion {
	versions := t.keys[key]
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].at <= at {
			return versions[i]
		}
	}
	return olderVersion{}
}

func (t *olderTree) judgeExpiry(e *olderEvent, at sim.Time) {
	due, err := time.Parse(time.RFC3339Nano, e.PrevNode.Expiration)
	if err != nil || due.UnixNano()-olderEpoch*int64(time.Second) > int64(t.latestShown(at)) {
		t.add("expiry", nil, at, e.at, "%s expired at %v, at index %d; it was to live until %s.",
			store.Text(e.Node.Key), at, e.Node.ModifiedIndex, e.PrevNode.Expiration)
	}
}

// judgeRead compares a file that was read with what it was after a log index.
func (t *olderTree) judgeRead(op *history.Op, n *olderNode, applied uint64, at sim.Time) {
	if n.Dir {
		return
	}
	got := olderVersion{value: n.Value, modified: n.ModifiedIndex}
	if was := t.version(n.Key, applied); was.value != got.value || was.modified != got.modified {
		t.add("reads", op, at, applied, "After log index %d %s was %s, but a read gave %s.", applied, store.Text(n.Key), was, got)
	}
}

// judgeAnswers judges what each client was told.
func (t *olderTree) judgeAnswers() {
	for _, op := range t.ops {
		r, _ := op.Request.(*store.HTTPRequest)
		res, ok := op.Response.Result.(*store.HTTPResult)
		if !ok || op.Outcome != history.OK {
			continue
		}
		t.judged++
		query, _ := url.ParseQuery(r.Query)
		e := readOlder(strings.TrimSpace(res.Body))
		switch {
		case r.Method != "GET" || query.Get("quorum") == "true":
			t.judgeCommand(op, r, res, &e)
		case query.Get("wait") == "true":
			t.judgeWait(op, r, res, &e, query)
		default:
			t.judgeLocal(op, r, res, &e)
		}
	}
}

// judgeCommand judges the answer to what goes through the log.
func (t *olderTree) judgeCommand(op *history.Op, r *store.HTTPRequest, res *store.HTTPResult, e *olderEvent) {
	i, committed := t.commits[op.ID]
	// Some requests are refused, or sent elsewhere, before the log.
	before := res.Status == 307 || res.Status == 405 || e.ErrorCode/100 == 2
	switch {
	case before && committed:
		t.add("log", op, op.Return, t.Commits[i].Index, "n%d refused %s with status %d, but it was committed at log index %d.",
			op.Member, store.Describe(r), res.Status, t.Commits[i].Index)
	case before:
	case !committed:
		t.add("log", op, op.Return, op.Applied, "n%d answered %s with status %d, but no entry of the log carries it.",
			op.Member, store.Describe(r), res.Status)
	default:
		made, ok := t.Commits[i].Response.Result.(*store.OlderResult)
		if !ok {
			return
		}
		same := e.text == made.Text
		if strings.HasPrefix(r.Path, "/v1/") && e.ErrorCode == 0 {
			same = e.Index == made.Index
		}
		if !same {
			t.add("log", op, op.Return, t.Commits[i].Index, "The log made %s of %s, but n%d answered %s.",
				made.Text, store.Describe(r), op.Member, strings.TrimSpace(res.Body))
		}
		t.judgeCompared(op, r, e)
	}
}

// judgeCompared judges a successful write with conditions.
func (t *olderTree) judgeCompared(op *history.Op, r *store.HTTPRequest, e *olderEvent) {
	if e.Node == nil || r.Method == "GET" {
		return
	}
	form, _ := url.ParseQuery(r.Body + "&" + r.Query)
	prev := olderNode{}
	if e.PrevNode != nil {
		prev = *e.PrevNode
	}
	var wrong string
	switch value, index := form.Get("prevValue"), form.Get("prevIndex"); {
	case value != "" && value != prev.Value:
		wrong = "the value " + store.Text(value)
	case index != "" && index != strconv.FormatUint(prev.ModifiedIndex, 10):
		wrong = "index " + index
	case form.Get("prevExist") == "false" && e.PrevNode != nil:
		wrong = "nothing"
	case form.Get("prevExist") == "true" && e.PrevNode == nil:
		wrong = "something"
	default:
		return
	}
	t.add("compared", op, op.Return, op.Applied, "%s succeeded at index %d. It compares with %s, but found %s.", store.Describe(r),
		e.Node.ModifiedIndex, wrong, olderVersion{value: prev.Value, modified: prev.ModifiedIndex})
}

// judgeLocal judges a read of one member's state.
func (t *olderTree) judgeLocal(op *history.Op, r *store.HTTPRequest, res *store.HTTPResult, e *olderEvent) {
	key, isKey := olderKey(r.Path)
	switch {
	case !isKey:
	case e.ErrorCode == 100:
		if was := t.version(key, op.Applied); was.modified != 0 {
			t.add("reads", op, op.Return, op.Applied, "After log index %d %s was %s, but n%d did not find it.",
				op.Applied, store.Text(key), was, op.Member)
		}
	case res.Status == 200 && e.Node != nil:
		t.judgeRead(op, e.Node, op.Applied, op.Return)
	case res.Status == 200 && e.Key != "":
		if was := t.version(e.Key, op.Applied); was.modified == 0 || was.value != e.Value {
			t.add("reads", op, op.Return, op.Applied, "After log index %d %s was %s, but n%d gave %s.",
				op.Applied, store.Text(e.Key), was, op.Member, store.Text(e.Value))
		}
	}
}

func olderKey(path string) (key string, ok bool) {
	if key, ok = strings.CutPrefix(path, "/v2/keys"); ok {
		return key, true
	}
	key, ok = strings.CutPrefix(path, "/v1/keys")
	return key, ok
}

// judgeWait judges what a client was told who waited.
func (t *olderTree) judgeWait(op *history.Op, r *store.HTTPRequest, res *store.HTTPResult, e *olderEvent, query url.Values) {
	if e.Node == nil {
		return
	}
	start, _ := strconv.ParseUint(res.Get("X-Etcd-Index"), 10, 64)
	since, err := strconv.ParseUint(query.Get("waitIndex"), 10, 64)
	if err != nil || since == 0 {
		since = start + 1
	}
	at := e.Node.ModifiedIndex
	if at < since || at > uint64(len(t.events)) || t.events[at-1].text != e.text {
		t.add("waits", op, op.Return, op.Applied, "n%d told %s of %s, which is no event of the log from index %d on.",
			op.Member, store.Describe(r), e.text, since)
		return
	}
	key, _ := olderKey(r.Path)
	recursive := query.Get("recursive") == "true"
	for i := since; i < at; i++ {
		if missed := &t.events[i-1]; concerns(missed, key, recursive) && !t.facts.installedWithin(op.Member, op.Invoke, op.Return) {
			t.add("waits", op, op.Return, missed.at, "n%d told %s of index %d and left out %s.", op.Member, store.Describe(r), at, missed.text)
			return
		}
	}
}

// concerns reports whether somebody who waits at a key is told of an event. A
// refresh is told nobody; it is an update that changes no value.
func concerns(e *olderEvent, key string, recursive bool) bool {
	if e.Action == "update" && e.PrevNode != nil && e.PrevNode.Value == e.Node.Value {
		return false
	}
	return e.Node.Key == key || recursive && below(e.Node.Key, key) ||
		below(key, e.Node.Key) && (e.Action == "delete" || e.Action == "expire")
}

// judgeOrder: what was answered before something was asked is before it in the log.
func (t *olderTree) judgeOrder() {
	var commands []*history.Op
	for _, op := range t.ops {
		if _, ok := t.commits[op.ID]; ok && op.Outcome == history.OK {
			commands = append(commands, op)
		}
	}
	at := func(op *history.Op) uint64 { return t.Commits[t.commits[op.ID]].Index }
	t.inRealTime(commands, at, func(before, op *history.Op) {
		t.add("log", op, op.Return, at(op), "%s was answered at %v and is at log index %d; %s was asked later, at %v, and is at %d.",
			store.Describe(before.Request), before.Return, at(before), store.Describe(op.Request), op.Invoke, at(op))
	})
}

// judgeMonotone compares the indexes that each member showed.
func (t *olderTree) judgeMonotone() {
	shown := func(op *history.Op) uint64 {
		index, _ := strconv.ParseUint(op.Response.Result.(*store.HTTPResult).Get("X-Etcd-Index"), 10, 64)
		return index
	}
	byMember := make([][]*history.Op, len(t.Members)+1)
	for _, op := range t.ops {
		// Refusals before the store show 0.
		if _, ok := op.Response.Result.(*store.HTTPResult); ok && op.Outcome == history.OK && op.Member < uint64(len(byMember)) && shown(op) > 0 {
			byMember[op.Member] = append(byMember[op.Member], op)
		}
	}
	for _, ops := range byMember {
		t.inRealTime(ops, shown, func(before, op *history.Op) {
			t.add("monotone", op, op.Return, op.Applied, "n%d showed index %d at %v; asked again at %v, it showed %d.",
				op.Member, shown(before), before.Return, op.Invoke, shown(op))
		})
	}
}

// inRealTime calls wrong for operations whose place is before that of one which had
// returned when they were invoked.
func (t *olderTree) inRealTime(ops []*history.Op, place func(*history.Op) uint64, wrong func(before, op *history.Op)) {
	returned := slices.Clone(ops)
	slices.SortStableFunc(returned, func(a, b *history.Op) int { return cmp.Compare(a.Return, b.Return) })
	invoked := slices.Clone(ops)
	slices.SortStableFunc(invoked, func(a, b *history.Op) int { return cmp.Compare(a.Invoke, b.Invoke) })
	var last *history.Op
	for _, op := range invoked {
		for len(returned) > 0 && returned[0].Return < op.Invoke {
			if last == nil || place(returned[0]) > place(last) {
				last = returned[0]
			}
			returned = returned[1:]
		}
		if last != nil && place(op) < place(last) {
			wrong(last, op)
		}
	}
}

// judgeReplicas compares the trees that the run left.
func (t *olderTree) judgeReplicas() {
	for i := range t.Members {
		for k := range i {
			a, b := &t.Members[k], &t.Members[i]
			if a.Running && b.Running && a.Applied == b.Applied && (a.OlderIndex != b.OlderIndex || a.OlderHash != b.OlderHash) {
				t.add("replicas", nil, 0, a.Applied,
					"After log index %d n%d holds a tree of index %d with hash %016x, n%d one of index %d with hash %016x.",
					a.Applied, a.ID, a.OlderIndex, a.OlderHash, b.ID, b.OlderIndex, b.OlderHash)
			}
		}
	}
}

// install is a snapshot that took the place of a member's state.
type install struct {
	member trace.Addr
	at     sim.Time
}

// installedWithin reports whether a member installed a snapshot in a time.
func (v *Invariants) installedWithin(member uint64, from, to sim.Time) bool {
	return v != nil && slices.ContainsFunc(v.installs, func(i install) bool {
		return uint64(i.member) == member && i.at >= from && i.at <= to
	})
}
