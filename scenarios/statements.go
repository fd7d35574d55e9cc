package scenarios

import (
	"slices"
	"strings"
)

// statement is one row of the language. The parser, the runner, the help and
// the documentation share the table below.
type statement struct {
	verb   string
	group  group
	syntax string
	doc    string
	// negatable reports that "!" may stand before it.
	negatable bool
	parse     func(*parser) Args
	// exec makes the statement take effect. It is nil for statements of the
	// universe, which take effect before it runs.
	exec func(*run, *Statement) *halt
	// remedy is the statement that undoes the harm of this one; empty if it does none
	// that lasts, or undoes it itself.
	remedy string
	// silent: it has no number and leaves no Action in the trace.
	silent bool
	// block says what kind of block the statement opens; nil for all that open none.
	block *blockKind
}

// acts reports whether the statement does something to a universe, rather than
// saying how it is made or judged.
func (s *statement) acts() bool { return s.group != groupUniverse && s.group != groupVerdict }

// Concern is what a statement is about.
type Concern uint8

// Concerns.
const (
	// OfUniverse: how the universe is made.
	OfUniverse Concern = iota
	// OfClients: what clients ask.
	OfClients
	// OfWaits: what is waited for, expected or remembered.
	OfWaits
	// OfBlocks: statements that hold others.
	OfBlocks
	// OfFaults: what befalls the cluster, and what its operators do to it.
	OfFaults
	// OfVerdict: how the run is judged.
	OfVerdict
)

// Concern returns what the statement is about.
func (s *Statement) Concern() Concern {
	switch lookup(s.Verb).group {
	case groupUniverse:
		return OfUniverse
	case groupClients:
		return OfClients
	case groupSession:
		switch s.Args.(type) {
		case InputArgs:
			return OfClients
		case AtArgs:
			return OfWaits
		}
		return OfUniverse
	case groupWaits:
		return OfWaits
	case groupBlocks:
		return OfBlocks
	case groupVerdict:
		return OfVerdict
	}
	return OfFaults
}

// Acts reports whether the statement does something to a universe, or waits, rather
// than saying how it is made or judged. Up to the first one that does, the universe
// can be described.
func (s *Statement) Acts() bool { return lookup(s.Verb).acts() }

// outside reports whether the statement stands outside of blocks only.
func (s *statement) outside() bool {
	return s.group == groupVerdict || s.group == groupSession || s.group == groupUniverse && s.exec == nil
}

// group orders the help.
type group uint8

const (
	groupUniverse group = iota
	groupClients
	groupWaits
	groupBlocks
	groupFaults
	groupMembers
	groupRights
	groupSession
	groupVerdict
)

// String returns the title of the group.
func (g group) String() string {
	return [...]string{
		"the universe", "clients", "waiting and expecting", "blocks", "faults", "members that come and go", "users and rights",
		"recorded sessions", "the verdict",
	}[g]
}

// statements is the language.
var statements = []statement{
	row(groupUniverse, "cluster", "nodes=N", parseSection, nil,
		"how many members there are"),
	row(groupUniverse, "net", "OPTION=VALUE...", parseSection, execNet,
		"how the network behaves; it may change while the universe runs"),
	row(groupUniverse, "disk", "OPTION=VALUE...", parseSection, nil,
		"how the disks behave"),
	row(groupUniverse, "node", "OPTION=VALUE...", parseSection, nil,
		"how the members are configured"),

	row(groupClients, "load", "NAME [OPTION=VALUE...]", parseLoad, execLoad,
		"starts clients that send requests until they are stopped"),
	row(groupClients, "watch", "NAME [OPTION=VALUE...]", parseWatch, execWatch,
		"starts clients that watch until they are stopped, and in the end must have been told of everything"),
	row(groupClients, "unload", "NAME", parseUnload, execUnload,
		"stops the clients of a load; requests under way end by themselves; watching clients hang up"),
	row(groupClients, "put", "KEY VALUE [via=TARGET] within=DURATION", parsePut, execPut,
		"a client writes a key, and asks again until that is acknowledged; with \"!\": asked once, it must not be, "+
			"though it may be done later all the same").orNot(),
	row(groupClients, "get", "KEY [==VALUE] [serializable] [via=TARGET] within=DURATION", parseGet, execGet,
		"a client reads a key, and asks again until it is answered; the value must be VALUE (or not, with !=), where "+
			Nothing+" means that there is none; with \"!\": asked once, it must not be answered").orNot(),
	row(groupClients, "delete", "KEY [via=TARGET] within=DURATION", parseDelete, execDelete,
		"a client deletes a key, and asks again until that is acknowledged; with \"!\": asked once, it must not be").orNot(),
	row(groupClients, "compact", "[keep=N]", parseCompact, execCompact,
		"compacts the history of the store, all but the newest N revisions (default 0)"),
	row(groupClients, "defrag", "TARGET... within=DURATION", parseMaintain, execDefrag,
		"an operator has members give back the space that their data no longer use, one after another"),
	row(groupClients, "disarm", "within=DURATION", parseDisarm, execDisarm,
		"an operator switches off all alarms"),

	row(groupWaits, "wait", "CONDITION within=DURATION | elapsed DURATION | at TIME", parseWait, execWait,
		"lets virtual time pass until the condition holds; with \"!\": it must not hold before the deadline").orNot(),
	row(groupWaits, "expect", "CONDITION", parseExpect, execExpect,
		"the condition must hold now; with \"!\": it must not").orNot(),
	row(groupWaits, "let", "$NAME = TARGET... | $NAME = METER [TARGET|LOAD]", parseLet, execLet,
		"names members, so that a drawn choice can be referred to again; or remembers what a meter shows now"),

	row(groupBlocks, "repeat", "N ... end", parseRepeat, execRepeat,
		"does what stands up to its end N times over").opens(repeated),
	row(groupBlocks, "concurrently", "... and ... end", parseNothing, execConcurrently,
		"does what stands between concurrently, and, and end at the same time; it is over when all of them are").opens(concurrent),

	row(groupFaults, "kill", "TARGET... [machine=up]", parseKill, execKill,
		"members die at once, as by a power cut: what their disks had not synced may be lost; with machine=up only their "+
			"processes die, as by kill -9, and what they wrote is there, though not synced, until a power cut").undoneBy("restart"),
	row(groupFaults, "stop", "TARGET...", parseMembers, execStop,
		"members stop gracefully").undoneBy("restart"),
	row(groupFaults, "restart", "TARGET...", parseMembers, execRestart,
		"members start from what their disks hold; running ones are stopped first"),
	row(groupFaults, "pause", "TARGET...", parseMembers, execPause,
		"members no longer run, though their clocks do").undoneBy("resume"),
	row(groupFaults, "resume", "TARGET...", parseMembers, execResume,
		"paused members run again"),
	row(groupFaults, "stall", "TARGET...", parseMembers, execStall,
		"the disks of members stall: no sync completes, and what waits for one waits").undoneBy("unstall"),
	row(groupFaults, "unstall", "TARGET...", parseMembers, execUnstall,
		"stalled disks go on"),
	row(groupFaults, "slow", "TARGET... [disk=N] [cpu=DURATION..DURATION]", parseSlow, execSlow,
		"the syncs of members' disks take N times as long (1 is normal), or each step of theirs takes so long (0s is normal)"),
	row(groupFaults, "damage", "TARGET... [kind=rot|garbage|misdirected] [sectors=N] [force=on]", parseDamage, execDamage,
		"bits of members' disks flip, or sectors hold garbage, or what belongs elsewhere; members "+
			"notice when they start, and refuse").undoneBy("repair"),
	row(groupFaults, "wipe", "TARGET... [force=on]", parseWipe, execWipe,
		"members die and their disks are emptied: they do not start again, and must be replaced").undoneBy("repair"),
	row(groupFaults, "lie", "TARGET...", parseMembers, execLie,
		"the syncs of members' disks lie: what they cover is lost in a crash. Raft does not survive that in general").undoneBy("repair"),
	row(groupFaults, "fail", "TARGET... [syncs=N]", parseFail, execFail,
		"the disks of members fail: whoever writes ends, and nobody starts; with syncs= their next N syncs fail, and what these "+
			"were to write is read back all the same, until a power cut. Raft does not survive that in general").undoneBy("repair"),
	row(groupFaults, "repair", "TARGET...", parseMembers, execRepair,
		"damage, lies and failures of members' disks are undone; a wiped disk is as it was before"),
	row(groupFaults, "fill", "TARGET...", parseMembers, execFill,
		"the disks of members are full: whoever cannot write ends").undoneBy("free"),
	row(groupFaults, "free", "TARGET...", parseMembers, execFree,
		"full disks have room again"),
	row(groupFaults, "crash", "TARGET... at=POINT [skip=N] [machine=up]", parseCrash, execCrash,
		"members die when they come to a point in their code, the N-th time after the first, as by kill; "+
			"at=nowhere spares them").undoneBy("restart"),
	row(groupFaults, "clock", "TARGET... [drift=DRIFT] [offset=DURATION | jump=DURATION]", parseClock, execClock,
		"the clocks of members run at another pace (drift=+10%), or their wall clocks are turned, to an offset or by a jump"),
	row(groupFaults, "partition", "TARGET... | TARGET... [| TARGET...]", parsePartition, execPartition,
		"cuts every link between members of different groups; clients still reach all members").undoneBy("heal"),
	row(groupFaults, "isolate", "TARGET...", parseMembers, execIsolate,
		"cuts every link of these members, to the other members and to the clients").undoneBy("heal"),
	row(groupFaults, "cut", "TARGET... -> TARGET... | TARGET... <-> TARGET...", parseLinks, execCut,
		"cuts links, one way or both").undoneBy("heal"),
	row(groupFaults, "heal", "[TARGET... -> TARGET... | TARGET... <-> TARGET...]", parseSomeLinks, execHeal,
		"mends cut links, or all of them"),
	row(groupFaults, "flap", "TARGET... ->|<-> TARGET... up=DURATION..DURATION down=DURATION..DURATION", parseFlap, execFlap,
		"links break and mend by themselves, again and again, each for times of its own, until they are healed").undoneBy("heal"),
	row(groupFaults, "ring", "TARGET...", parseMembers, execRing,
		"each member reaches its neighbours only, in a circle: all see a majority, and no two the same").undoneBy("heal"),
	row(groupFaults, "link", "TARGET... ->|<-> TARGET... OPTION=VALUE...|normal", parseShape, execShape,
		"links behave otherwise than the rest, by the options of net: a slow link, a lossy one; or as the rest again"),
	row(groupFaults, "hold", "TARGET... -> TARGET... | TARGET... <-> TARGET...", parseLinks, execHold,
		"keeps the packets of links waiting").undoneBy("release"),
	row(groupFaults, "release", "[TARGET... -> TARGET... | TARGET... <-> TARGET...]", parseSomeLinks, execRelease,
		"delivers the packets that were held, on these links or on all"),
	row(groupFaults, "packet",
		"TARGET... ->|<-> TARGET... drop | double | deliver | delay=DURATION [kind=KIND] [term=N] [index=N] [op=N] [nth=N] [within=DURATION]",
		parsePacket, execPacket,
		"one packet that is on its way is lost, arrives twice, arrives now, or later: the next to arrive of those meant, or the nth; "+
			"with within= the first that there is"),
	row(groupFaults, "mend", "TARGET...", parseMembers, execMend,
		"undoes every fault of these members and between them and the clients; the others stay as they are, and no longer count"),

	row(groupMembers, "add", "[nN] [learner] [as=$NAME] [via=TARGET] within=DURATION", parseAdd, execAdd,
		"an operator announces a new member, the next by number, and does not start it; with \"!\": it must not be done").orNot(),
	row(groupMembers, "start", "TARGET...", parseMembers, execStart,
		"members start that do not run, from what their disks hold: new ones from nothing"),
	row(groupMembers, "promote", "TARGET [via=TARGET] within=DURATION", parseChange, execChange,
		"an operator gives a learner its vote; with \"!\": it must not be done").orNot(),
	row(groupMembers, "remove", "TARGET [via=TARGET] within=DURATION", parseChange, execChange,
		"an operator removes a member for good; with \"!\": it must not be done").orNot(),
	row(groupMembers, "update", "TARGET url=URL [via=TARGET] within=DURATION", parseUpdate, execChange,
		"an operator changes the address at which the others reach a member; with \"!\": it must not be done").orNot(),
	row(groupMembers, "transfer", "TARGET [via=TARGET] within=DURATION", parseChange, execChange,
		"an operator asks the leader to hand over to a member; with \"!\": it must not be done").orNot(),

	row(groupRights, "auth", "on [users=N] | off within=DURATION", parseAuth, execAuth,
		"an administrator creates root and the users u1, u2... with the roles r1, r2..., and switches authentication on; or off"),
	row(groupRights, "permit", "ROLE read|write|readwrite KEY [END] within=DURATION", parsePermit, execPermit,
		"an administrator lets a role read or write a key, or all keys from KEY up to END"),
	row(groupRights, "forbid", "ROLE KEY [END] within=DURATION", parseForbid, execForbid,
		"an administrator takes that away"),

	row(groupSession, "session", "[seed=N] [bug=NAME,...] [trace=N] [nN=URL...] [SECTION.OPTION=VALUE...] [snapshot=BASE64]",
		parseSession, execSession,
		"from here on requests come from outside, as they were recorded; commands take the seed, the bugs and the settings "+
			"from here unless they are told others; clients reach members at these addresses; what members "+
			"began with is held as the gzip of etcd's file. Operators' statements that do not hold do not end the run, and nobody "+
			"need be well in the end").silently(),
	row(groupSession, "at", "TIME [after=N]", parseAt, execAt,
		"lets the run come to a place: virtual time, and how many events happen at that instant before; at once if it is past it").silently(),
	row(groupSession, "ask", "nN REQUEST [token=TEXT] [cn=TEXT] [call=N | stream=N] | REQUEST stream=N", parseAsk, execInput,
		"a request comes from outside, which may open a stream or go over one; requests are JSON, "+
			"as are the token and the common name of the certificate that say in whose name").silently(),
	row(groupSession, "hangup", "N", parseHangUp, execInput,
		"whoever opened a stream ends it, or whoever called no longer waits").silently(),
	row(groupSession, "ended", "[digest=DIGEST]", parseEnded, execEnded,
		"here the recording ended, and the trace had this digest: another one means that this is another run").silently(),

	row(groupVerdict, "cover", "METER>=N...", parseCover, execCover,
		"what must have happened in the end: a run that did not meet it has tested nothing"),
	row(groupVerdict, "liveness", "within=DURATION | off", parseLiveness, execLiveness,
		"after the last statement a leader, progress and equal stores must follow this soon (default 30s)"),
}

// row makes a row whose functions know the type of their arguments.
func row[A Args](
	g group, verb, syntax string, parse func(*parser) A, exec func(*run, *Statement, A) *halt, doc string,
) statement {
	s := statement{verb: verb, group: g, syntax: verb + " " + syntax, doc: doc}
	s.parse = func(p *parser) Args { return parse(p) }
	if exec != nil {
		s.exec = func(r *run, st *Statement) *halt { return exec(r, st, st.Args.(A)) }
	}
	return s
}

// orNot lets "!" stand before the statement.
func (s statement) orNot() statement {
	s.negatable = true
	return s
}

// silently keeps the statement out of the trace.
func (s statement) silently() statement {
	s.silent = true
	return s
}

// undoneBy says which statement undoes the harm of this one.
func (s statement) undoneBy(verb string) statement {
	s.remedy = verb
	return s
}

// Remedy returns the statement that undoes the harm of another; empty if that does
// none that lasts, or undoes it itself.
func Remedy(verb string) string {
	if s := lookup(verb); s != nil {
		return s.remedy
	}
	return ""
}

// opens makes the statement open a block.
func (s statement) opens(k blockKind) statement {
	s.block = &k
	return s
}

// attemptable reports that "?" may stand before the statement: it acts or waits,
// and so may be in vain. A block does neither itself.
func (s *statement) attemptable() bool {
	return s.acts() && s.block == nil && s.group != groupSession && s.verb != "expect"
}

// prefixed lists the verbs that the prefix of s may stand before.
func prefixed(s *Statement) string {
	var verbs []string
	for i := range statements {
		if s.Not && statements[i].negatable || s.Maybe && statements[i].attemptable() {
			verbs = append(verbs, statements[i].verb)
		}
	}
	return strings.Join(verbs, ", ")
}

// lookup returns the row of a verb, or nil.
func lookup(verb string) *statement { return rowOf(statements, verb) }

func rowOf(language []statement, verb string) *statement {
	i := slices.IndexFunc(language, func(s statement) bool { return s.verb == verb })
	if i < 0 {
		return nil
	}
	return &language[i]
}

// Verbs returns the verbs in the order of the table.
func Verbs() []string {
	names := make([]string, len(statements))
	for i := range statements {
		names[i] = statements[i].verb
	}
	return names
}
