package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"etcdsim/node"
)

// kind is a kind of faults.
type kind struct {
	name, doc string
	// weight is how often it is drawn, relative to the others.
	weight int
	// least is the least number of members with which it makes sense.
	least int
	// only are the profiles with which it makes sense; empty means all.
	only []string
	// draw draws a fault.
	draw func(*fault) []Action
	// effect are meters of the run: if one of them shows something, the fault had an
	// effect.
	effect []string
}

// kinds are all of them.
var kinds = []kind{
	{
		name: "kill", doc: "a member dies and is restarted", weight: 6, least: 1, draw: kill,
		effect: []string{"undelivered", "lost-bytes"},
	},
	{
		name: "power", doc: "several members die at once", weight: 4, least: 1, draw: power,
		effect: []string{"undelivered", "lost-bytes"},
	},
	{
		name: "process", doc: "the process of a member dies, and its machine goes on", weight: 4, least: 1, draw: process,
		effect: []string{"unsynced-kept"},
	},
	{
		name: "stop", doc: "a member stops gracefully, and is started", weight: 2, least: 1, draw: stop,
		effect: []string{"stops"},
	},
	{
		name: "roll", doc: "all members restart, one after another", weight: 1, least: 2, draw: roll,
		effect: []string{"stops"},
	},
	{
		name: "pause", doc: "a member stands still", weight: 5, least: 1, draw: pause,
		effect: []string{"backlog"},
	},
	{
		name: "stall", doc: "the disk of a member stands still", weight: 6, least: 1, draw: stall,
		effect: []string{"sync-stalled"},
	},
	{
		name: "crash", doc: "a member dies at a point of its code", weight: 7, least: 1, draw: crash,
		effect: []string{"crash-at-point"},
	},
	{
		name: "clock", doc: "the clock of a member runs too fast or too slow", weight: 2, least: 1, draw: clock,
		effect: []string{"clock-drifts"},
	},
	{
		name: "jump", doc: "somebody turns the wall clock of a member", weight: 2, least: 1, only: []string{"older"}, draw: jump,
		effect: []string{"wall-clock-wrong"},
	},
	{
		name: "slow", doc: "a disk is slow", weight: 1, least: 1, draw: slow,
		effect: []string{"sync-slowed"},
	},
	{
		name: "cpu", doc: "a processor is slow", weight: 1, least: 1, draw: busy,
		effect: []string{"busy"},
	},
	{
		name: "damage", doc: "a disk is damaged, and its member refuses to start", weight: 1, least: 3, draw: damage,
		effect: []string{"damage-found"},
	},
	{
		name: "fail", doc: "a disk fails, and its member ends", weight: 1, least: 1, draw: fail,
		effect: []string{"disk-failed"},
	},
	{
		name: "wipe", doc: "a disk is emptied, and another member takes the place", weight: 1, least: 3, draw: wipe,
		effect: []string{"disk-wiped"},
	},
	{
		name: "full", doc: "a disk has no room", weight: 1, least: 2, draw: full,
		effect: []string{"disk-full"},
	},
	{
		name: "partition", doc: "members fall apart into groups", weight: 9, least: 2, draw: partition,
		effect: []string{"blocked"},
	},
	{
		name: "laggard", doc: "a member is away for so long that only a snapshot helps", weight: 5, least: 3, draw: laggard,
		effect: []string{"snapshot-installed"},
	},
	{
		name: "isolate", doc: "a member reaches nobody, not even clients", weight: 2, least: 1, draw: isolate,
		effect: []string{"blocked"},
	},
	{
		name: "one-way", doc: "packets pass in one direction only", weight: 4, least: 2, draw: oneWay,
		effect: []string{"blocked"},
	},
	{
		name: "ring", doc: "each member reaches its neighbours only", weight: 1, least: 4, draw: ring,
		effect: []string{"blocked"},
	},
	{
		name: "flap", doc: "a link breaks again and again", weight: 1, least: 2, draw: flap,
		effect: []string{"link-flapped"},
	},
	{
		name: "swizzle", doc: "members are cut off one after another, and return in another order", weight: 2, least: 3, draw: swizzle,
		effect: []string{"blocked"},
	},
	{
		name: "strangers", doc: "clients do not reach a member", weight: 1, least: 1, draw: strangers,
		effect: []string{"blocked"},
	},
	{
		name: "hold", doc: "packets wait on a link, and come late", weight: 4, least: 2, draw: hold,
		effect: []string{"held"},
	},
	{
		name: "loss", doc: "the network loses, doubles and reorders many packets", weight: 2, least: 2, draw: loss,
		effect: []string{"dropped", "duplicated", "reordered"},
	},
	{
		name: "link", doc: "a link is slow or lossy, the others are not", weight: 2, least: 2, draw: link,
		effect: []string{"link-of-its-own"},
	},
	{
		name: "late", doc: "some packets are much too late", weight: 2, least: 2, draw: late,
		effect: []string{"packet-late"},
	},
	{
		name: "corrupt", doc: "packets change on the way", weight: 1, least: 2, draw: corrupt,
		effect: []string{"packet-corrupted"},
	},
	{
		name: "compact", doc: "the history is compacted", weight: 3, least: 1, draw: compact,
		effect: []string{"compacted"},
	},
	{
		name: "defrag", doc: "a member writes its data anew", weight: 1, least: 1, draw: defrag,
		effect: []string{"defragmented"},
	},
	{
		name: "transfer", doc: "the leader is asked to hand over", weight: 4, least: 2, draw: transfer,
		effect: []string{"handed-over"},
	},
	{
		name: "learner", doc: "a learner joins, and is perhaps promoted", weight: 3, least: 1, draw: learner,
		effect: []string{"conf-changes"},
	},
	{
		name: "overlap", doc: "two operators change the members at the same time", weight: 2, least: 3, draw: overlap,
		effect: []string{"conf-changes"},
	},
	{
		name: "replace", doc: "a member is removed, and another joins", weight: 2, least: 3, draw: replace,
		effect: []string{"conf-changes"},
	},
}

// fault is a fault being drawn.
type fault struct {
	*dice
	*world
	// number makes the names of its variables its own.
	number int
	// begin and end are its time. An open fault does not end.
	begin, end time.Duration
	open       bool
}

// from gives a fault a beginning and an end, unless it is open.
func (f *fault) from(begin string, end ...string) []Action {
	all := []Action{{f.begin, []string{begin}}}
	if !f.open {
		all = append(all, Action{f.end, end})
	}
	return all
}

// drawIn reports whether a kind makes sense in a plan.
func (k *kind) drawIn(p *Plan) bool {
	return p.Nodes >= k.least && (len(k.only) == 0 ||
		slices.ContainsFunc(k.only, func(profile string) bool { return slices.Contains(p.Profiles, profile) }))
}

// variable returns a name of the fault's own.
func (f *fault) variable() string { return fmt.Sprintf("$f%d", f.number) }

// first lets statements come before those of a fault's first action.
func first(statements []string, all []Action) []Action {
	all[0].Statements = append(statements, all[0].Statements...)
	return all
}

// victim chooses a member: by number, the leader or a follower. let must come first.
func (f *fault) victim() (name string, let []string) {
	if f.chance(50) {
		return names(f.count(1, f.nodes)), nil
	}
	who := "leader"
	if f.nodes > 1 && f.chance(20) {
		// A draw at run time would depend on what happens.
		who = names(f.count(1, f.nodes))
	}
	return f.variable(), []string{fmt.Sprintf("? let %s = %s", f.variable(), who)}
}

// on does one thing to a victim and then another.
func (f *fault) on(begin, end string) []Action {
	who, let := f.victim()
	return first(let, f.from("? "+begin+" "+who, "? "+end+" "+who))
}

// few returns fewer members than a quorum needs, at least one.
func (f *fault) few() []int { return f.members(f.count(1, max(1, f.minority())), f.nodes) }

func kill(f *fault) []Action {
	all := f.on("kill", "restart")
	if f.chance(60) {
		// More is at stake while something is being written.
		wait := fmt.Sprintf("? wait saving %s >=1 within=%v", victimOf(all[0]), f.time(f.election/20, f.election/4))
		all[0].Statements = slices.Insert(all[0].Statements, len(all[0].Statements)-1, wait)
	}
	return all
}

// victimOf returns whom the last statement of an action is about.
func victimOf(a Action) string {
	words := strings.Fields(a.Statements[len(a.Statements)-1])
	return words[len(words)-1]
}

func power(f *fault) []Action {
	who := "all"
	if f.nodes > 2 && f.chance(40) {
		who = names(f.members(f.minority()+1, f.nodes)...)
	}
	var all []Action
	if f.chance(50) {
		all = f.from("kill "+who, "restart "+who)
		if f.chance(50) {
			wait := fmt.Sprintf("? wait saving n%d >=1 within=%v", f.count(1, f.nodes), f.election/10)
			return first([]string{wait}, all)
		}
		return all
	}
	// The power comes back at once, perhaps to fail again before anybody has recovered.
	all = []Action{{f.begin, []string{"kill " + who, "restart " + who}}}
	if f.chance(40) {
		all = append(all, Action{f.begin + f.time(time.Millisecond, f.election), []string{"kill " + who, "restart " + who}})
	}
	return all
}

// process kills a process while it writes. The next one begins at once or later, and
// perhaps the power fails when it has hardly begun.
func process(f *fault) []Action {
	who, let := f.victim()
	begin := append(let, fmt.Sprintf("? wait saving %s >=1 within=%v", who, f.time(f.election/20, f.election/4)))
	kill, start := "? kill "+who+" machine=up", "? start "+who
	if f.chance(30) {
		return first(begin, f.from(kill, start))
	}
	all := first(begin, []Action{{f.begin, []string{kill, start}}})
	if f.chance(50) {
		all = append(all, Action{f.begin + f.time(time.Millisecond, f.election/4), []string{"? kill " + who, "? restart " + who}})
	}
	return all
}

func stop(f *fault) []Action { return f.on("stop", "restart") }

func roll(f *fault) []Action {
	var all []Action
	at, step := f.begin, f.time(f.election/10, f.election)
	for _, id := range f.members(f.nodes, f.nodes) {
		all = append(all, Action{at, []string{"restart " + names(id)}})
		at += step
	}
	return all
}

func pause(f *fault) []Action { return f.on("pause", "resume") }

func stall(f *fault) []Action { return f.on("stall", "unstall") }

// crash arms a trap, and disarms it: who did not come there goes on. Points that belong
// together stand in one row, so that each is drawn as often as it is worth it.
func crash(f *fault) []Action {
	points := one(f.dice,
		[]node.Point{node.BeforeSave, node.BeforeSync, node.AfterSave, node.BeforeAdvance},
		[]node.Point{node.BeforeLeaderSend, node.AfterLeaderSend, node.BeforeFollowerSend, node.AfterFollowerSend},
		[]node.Point{node.BeforeApply, node.AfterApply},
		[]node.Point{node.BeforeMark, node.AfterMark, node.BeforeRelease},
		[]node.Point{node.BeforeSaveSnap, node.AfterSaveSnap, node.BeforeApplySnap, node.AfterApplySnap, node.AfterRelease, node.AfterInstall},
		[]node.Point{node.BeforeSnapshotSend, node.AfterSnapshotSend},
		[]node.Point{node.BeforeCommit, node.AfterCommit, node.AfterCommitSync},
		[]node.Point{node.BeforeCompact, node.AfterCompact, node.AfterCompactCommit},
		[]node.Point{node.BeforeApplyConf},
		[]node.Point{node.BeforeDefragCopy, node.BeforeDefragRename, node.AfterDefrag},
	)
	who := one(f.dice, "all", "all", names(f.few()...), names(f.count(1, f.nodes)))
	at := " at=" + points[f.Intn(len(points))].String()
	if f.chance(30) {
		at += fmt.Sprintf(" skip=%d", f.count(1, 10))
	}
	if f.chance(30) {
		at += " machine=up"
	}
	all := f.from("crash "+who+at, "crash "+who+" at=nowhere", "start "+who)
	switch {
	case strings.Contains(at, "defrag"):
		all[0].Statements = append(all[0].Statements, "? defrag "+names(f.count(1, f.nodes))+" "+f.try())
	case strings.Contains(at, "compact"):
		all[0].Statements = append(all[0].Statements, "compact")
	case strings.Contains(at, "snap") && f.nodes > 2:
		// Somebody must need one.
		all = append(all, laggard(f)...)
	}
	return all
}

func clock(f *fault) []Action {
	who, let := f.victim()
	drift := one(f.dice, "-60%", "-30%", "-10%", "-5%", "+5%", "+10%", "+30%", "+60%")
	return first(let, f.from("? clock "+who+" drift="+drift, "? clock "+who+" drift=0%"))
}

func jump(f *fault) []Action {
	who, let := f.victim()
	by := one(f.dice, "", "-") + one(f.dice, f.time(f.election/2, 4*f.election), f.time(f.election, 10*time.Second), time.Hour).String()
	return first(let, f.from("? clock "+who+" jump="+by, "? clock "+who+" offset=0s"))
}

func slow(f *fault) []Action {
	who, let := f.victim()
	times := one(f.dice, "5", "20", "100")
	return first(let, f.from("? slow "+who+" disk="+times, "? slow "+who+" disk=1"))
}

func busy(f *fault) []Action {
	who, let := f.victim()
	step := f.time(f.election/1000, f.election/50)
	return first(let, f.from("? slow "+who+" cpu="+span(step/4, step), "? slow "+who+" cpu=0s"))
}

func damage(f *fault) []Action {
	who := names(f.few()...)
	how := one(f.dice, "", " kind=garbage", " kind=misdirected", " sectors=8")
	return f.from("? damage "+who+how, "restart "+who, "repair "+who, "start "+who)
}

func fail(f *fault) []Action {
	who := names(f.few()...)
	return f.from("fail "+who, "repair "+who, "start "+who)
}

func wipe(f *fault) []Action {
	who, v := names(f.count(1, f.nodes)), f.variable()
	return f.from("? wipe "+who, "? remove "+who+" "+f.try(), "? add as="+v+" "+f.try(), "? start "+v)
}

func full(f *fault) []Action {
	who := names(f.count(1, f.nodes))
	return f.from("fill "+who, "free "+who, "start "+who)
}

// Kinds returns the names of the kinds of faults, in the order of their table.
func Kinds() []string {
	all := make([]string, len(kinds))
	for i := range kinds {
		all[i] = kinds[i].name
	}
	return all
}
