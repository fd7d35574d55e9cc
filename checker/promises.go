package checker

// promises are what judges watch over, for readers who are new to it: by the names that
// judgements give.
var promises = map[string]string{
	"linearizability": "All answers fit one order, as if there were a single copy of the data: each operation takes effect at one " +
		"instant between its question and its answer, and whoever asks later never sees less.",
	"serializable reads": "A read that may be stale still shows the store as it once was, as a whole.",
	"durability":         "What a client was told is done stays done, whatever crashes a majority survives.",
	"store":              "Each entry of the committed log does to the store what etcd's documentation says.",
	"replicas":           "Members that have applied the same log hold the same data.",
	"leases":             "A key on a lease lives as long as its lease, and the lease as long as it was promised, neither less nor much more.",
	"locks":              "A lock has one holder at a time, and who waits for it gets it in turn.",
	"elections":          "An election has one leader at a time, and observers see all of them in order.",
	"auth":               "Nobody reads or writes what he has no right to.",
	"older":              "The older APIs answer as etcd's did: v2 and v1 over one tree.",
	"watch":              "A watcher is told of every change it asked for, once, in order, and of nothing else.",
	"membership":         "Lists of members and changes of them are those of the log.",
	"raft": "At every step raft's own rules hold: one leader a term, logs that agree, and nothing counts before a majority has it " +
		"on disk.",
	"crash":    "No member's process breaks down by itself.",
	"liveness": "Once the faults are over, a leader, progress and equal stores follow soon.",
	"coverage": "What the scenario wanted to happen did happen: a run that met nothing proves nothing.",
}

// Promise returns what the judge of this name watches over, in a sentence; nothing if
// there is no such judge.
func Promise(judge string) string { return promises[judge] }
