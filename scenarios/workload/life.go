package workload

import (
	"fmt"
	"strings"
)

// Life is what a client of a load does all the time.
type Life uint8

// The lives.
const (
	Mixed      Life = iota // requests from the mix, one after another
	Leases                 // grants leases, puts keys on them, keeps some alive
	Members                // lists the members of the cluster
	Locks                  // takes locks, and writes under their protection
	Older                  // speaks the older APIs
	Tenants                // ask for what they may do and what they may not
	Admins                 // change who may do what
	Elections              // stand in elections, and write while they lead
	Counters               // add to counters
	Appends                // append to lists
	Transfers              // move amounts between accounts
	Queues                 // put items into queues, and take them out
	Kubernetes             // list, watch and guard objects
	Operators              // compact, defragment, move the leader
	numLives               // keep last
)

var lives = [numLives]struct {
	name, doc string
	live      func(*Load, *Session)
}{
	Mixed:   {"mixed", "requests from the mix", (*Load).mixed},
	Leases:  {"lease", "grants leases, puts keys on them, keeps some alive and lets others expire", (*Load).leases},
	Members: {"members", "lists the members of the cluster", (*Load).listing},
	Locks:   {"lock", "takes locks by short leases, and writes under their protection", (*Load).locks},
	Older:   {"older", "speaks the older APIs: counts, waits, queues, lets keys expire", (*Load).older},
	Tenants: {"tenant", "asks for keys that its user may use and others, also inside nested transactions", (*Load).tenant},
	Admins:  {"admin", "changes all the time which rights the roles r1... have, and who of u1... has which role", (*Load).admin},

	Elections: {
		"election", "stands in elections by short leases, writes while it leads, and asks who leads", (*Load).elections,
	},
	Counters:   {"counter", "adds to counters, if nobody was faster", (*Load).counters},
	Appends:    {"append", "appends to lists, if nobody was faster", (*Load).appends},
	Transfers:  {"bank", "moves amounts between accounts, or adds them up", (*Load).transfers},
	Queues:     {"queue", "puts items into queues, or takes the oldest out", (*Load).queue},
	Kubernetes: {"kubernetes", "lists in pages, updates what is as it saw it last, and writes events that expire", (*Load).kubernetes},
	Operators:  {"operator", "does chores in mid-traffic: compacts, defragments, moves the leader", (*Load).operator},
}

// String returns the name of the life.
func (l Life) String() string { return lives[l].name }

func parseLife(s string) (Life, error) {
	names := make([]string, numLives)
	for i := range lives {
		if lives[i].name == s {
			return Life(i), nil
		}
		names[i] = lives[i].name
	}
	return 0, fmt.Errorf("unknown life %q: expected %s", s, strings.Join(names, " or "))
}

// Lives lists the lives that a load can have, each with what it does.
func Lives() [][2]string {
	all := make([][2]string, numLives)
	for i := range lives {
		all[i] = [2]string{lives[i].name, lives[i].doc}
	}
	return all
}
