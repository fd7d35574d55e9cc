package scenarios

import "slices"

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
}

// group orders the help.
type group uint8

const (
	groupUniverse group = iota
	groupClients
	groupWaits
	groupFaults
	groupVerdict
)

// String returns the title of the group.
func (g group) String() string {
	return [...]string{"the universe", "clients", "waiting and expecting", "faults", "the verdict"}[g]
}

// statements is the language.
var statements = []statement{
	row(groupUniverse, "cluster", "nodes=N", "how many members there are", parseSection, nil),
	row(groupUniverse, "net", "OPTION=VALUE...", "how the network behaves; it may change while the universe runs", parseSection, execNet),
	row(groupUniverse, "disk", "OPTION=VALUE...", "how the disks behave", parseSection, nil),
	row(groupUniverse, "node", "OPTION=VALUE...", "how the members are configured", parseSection, nil),

	row(groupClients, "load", "NAME [OPTION=VALUE...]", "starts clients that send requests until they are stopped", parseLoad, execLoad),
	row(groupClients, "unload", "NAME", "stops the clients of a load; requests under way end by themselves", parseUnload, execUnload),
	row(groupClients, "compact", "[keep=N]", "compacts the history of the store, all but the newest N revisions (default 0)", parseCompact, execCompact),

	row(groupWaits, "wait", "CONDITION within=DURATION | elapsed DURATION | at TIME",
		"lets virtual time pass until the condition holds; with \"!\": it must not hold before the deadline", parseWait, execWait).orNot(),
	row(groupWaits, "expect", "CONDITION", "the condition must hold now; with \"!\": it must not", parseExpect, execExpect).orNot(),
	row(groupWaits, "let", "$NAME = TARGET...", "names members, so that a drawn choice can be referred to again", parseLet, execLet),

	row(groupFaults, "kill", "TARGET...", "members die at once; what their disks had not synced may be lost", parseMembers, execKill),
	row(groupFaults, "stop", "TARGET...", "members stop gracefully", parseMembers, execStop),
	row(groupFaults, "restart", "TARGET...", "members start from what their disks hold; running ones are stopped first", parseMembers, execRestart),
	row(groupFaults, "pause", "TARGET...", "members no longer run, though their clocks do", parseMembers, execPause),
	row(groupFaults, "resume", "TARGET...", "paused members run again", parseMembers, execResume),
	row(groupFaults, "partition", "TARGET... | TARGET... [| TARGET...]", "cuts every link between members of different groups; clients still reach all members",
		parsePartition, execPartition),
	row(groupFaults, "isolate", "TARGET...", "cuts every link of these members, to the other members and to the clients", parseMembers, execIsolate),
	row(groupFaults, "cut", "TARGET... -> TARGET... | TARGET... <-> TARGET...", "cuts links, one way or both", parseLinks, execCut),
	row(groupFaults, "heal", "[TARGET... -> TARGET... | TARGET... <-> TARGET...]", "mends cut links, or all of them", parseSomeLinks, execHeal),
	row(groupFaults, "hold", "TARGET... -> TARGET... | TARGET... <-> TARGET...", "keeps the packets of links waiting", parseLinks, execHold),
	row(groupFaults, "release", "[TARGET... -> TARGET... | TARGET... <-> TARGET...]", "delivers the packets that were held, on these links or on all", parseSomeLinks, execRelease),

	row(groupVerdict, "cover", "METER>=N...", "what must have happened in the end: a run that did not meet it has tested nothing", parseCover, execCover),
	row(groupVerdict, "liveness", "within=DURATION | off", "after the last statement a leader, progress and equal stores must follow this soon (default 30s)",
		parseLiveness, execLiveness),
}

// row makes a row whose functions know the type of their arguments.
func row[A Args](g group, verb, syntax, doc string, parse func(*parser) A, exec func(*run, *Statement, A) *halt) statement {
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

// lookup returns the row of a verb, or nil.
func lookup(verb string) *statement {
	i := slices.IndexFunc(statements, func(s statement) bool { return s.verb == verb })
	if i < 0 {
		return nil
	}
	return &statements[i]
}

// verbs returns the verbs in the order of the table.
func verbs() []string {
	names := make([]string, len(statements))
	for i := range statements {
		names[i] = statements[i].verb
	}
	return names
}
