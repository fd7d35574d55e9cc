package workload

import (
	"fmt"
	"strings"
)

// Kind is a kind of request; its value is in the trace (Aux of Invoke).
type Kind uint8

// The kinds a load can mix. New ones go to the end: the values are part of the
// digest.
const (
	Put           Kind = 1 + iota // writes one key
	Get                           // reads one key
	Range                         // reads all keys of the load, or some of them
	Delete                        // deletes one key
	Txn                           // compares and swaps, writes two keys at once, or moves a value
	Past                          // reads at a revision seen before
	Count                         // counts the keys of the load
	Clear                         // deletes a range of keys
	Compact                       // compacts the history; only the scenario does
	Grant                         // grants a lease
	Revoke                        // revokes a lease
	KeepAlive                     // renews a lease
	TimeToLive                    // asks how long a lease has left
	MemberList                    // lists the members
	MemberAdd                     // announces a member
	MemberRemove                  // removes a member
	MemberUpdate                  // changes where a member is reached
	MemberPromote                 // gives a learner its vote
	MoveLeader                    // asks the leader to hand over
	Lock                          // waits for a lock
	Unlock                        // gives up a lock
	OlderRead                     // reads by the older APIs
	OlderWrite                    // writes by the older APIs
	OlderWait                     // waits for an event by the older APIs
	Alarm                         // asks for alarms, or disarms one
	Defragment                    // has a member write its data anew
	Login                         // shows a password, and gets a token
	Rights                        // changes who may do what
	Who                           // asks who may do what
	Ahead                         // reads at a revision that may not be there yet
	TxnPast                       // writes one key and reads at a revision seen before, at once
	Campaign                      // waits to be elected
	Proclaim                      // changes what a leader says
	Leader                        // asks who leads
	Resign                        // gives up a leadership
	numKinds                      // keep last
)

var kinds = [numKinds]struct {
	name, doc string
	writes    bool
}{
	Put:     {"put", "writes one key", true},
	Get:     {"get", "reads one key", false},
	Range:   {"range", "reads all keys of the load, sometimes limited", false},
	Delete:  {"delete", "deletes one key", true},
	Txn:     {"txn", "compares and swaps, writes two keys at once, or moves a value", true},
	Past:    {"past", "reads one key at a revision seen before", false},
	Count:   {"count", "counts the keys of the load", false},
	Clear:   {"clear", "deletes a range of keys", true},
	Compact: {"compact", "compacts the history", true},

	Grant:      {"grant", "grants a lease", true},
	Revoke:     {"revoke", "revokes a lease", true},
	KeepAlive:  {"keep-alive", "renews a lease", false},
	TimeToLive: {"time-to-live", "asks how long a lease has left", false},

	MemberList:    {"members", "lists the members", false},
	MemberAdd:     {"member-add", "announces a member", true},
	MemberRemove:  {"member-remove", "removes a member", true},
	MemberUpdate:  {"member-update", "changes where a member is reached", true},
	MemberPromote: {"member-promote", "gives a learner its vote", true},
	MoveLeader:    {"move-leader", "asks the leader to hand over", false},

	Lock:   {"lock", "waits for a lock", true},
	Unlock: {"unlock", "gives up a lock", true},

	OlderRead:  {"older-read", "reads by the older APIs", false},
	OlderWrite: {"older-write", "writes by the older APIs", true},
	OlderWait:  {"older-wait", "waits for an event by the older APIs", false},

	Alarm:      {"alarm", "asks for alarms, or disarms one", true},
	Defragment: {"defragment", "has a member write its data anew", false},
	Login:      {"login", "shows a password, and gets a token", true},
	Rights:     {"rights", "changes who may do what", true},
	Who:        {"who", "asks who may do what", false},
	Campaign:   {"campaign", "waits to be elected", true},
	Proclaim:   {"proclaim", "changes what a leader says", true},
	Leader:     {"leader", "asks who leads", false},
	Resign:     {"resign", "gives up a leadership", true},

	Ahead:   {"ahead", "reads one key at a revision that may not be there yet", false},
	TxnPast: {"txn-past", "writes one key and reads one at a revision seen before, in one transaction", true},
}

// mixed reports whether a mix may name the kind.
func (k Kind) mixed() bool { return k >= Put && k < Compact || k == Ahead || k == TxnPast }

// String returns the kind's name, as used in a mix.
func (k Kind) String() string { return kinds[k].name }

// Writes reports whether a request of this kind may change the store.
func (k Kind) Writes() bool { return kinds[k].writes }

// Mix is how often each kind is drawn, relative to the sum of all.
type Mix [numKinds]uint32

// ParseMix reads weights such as "put:5,get:4,txn:1". A kind without a weight
// counts once.
func ParseMix(s string) (Mix, error) {
	var m Mix
	err := parseWeights(s, m[:], func(name string) (int, error) {
		for k := range numKinds {
			if k.mixed() && kinds[k].name == name {
				return int(k), nil
			}
		}
		return 0, fmt.Errorf("unknown kind of request %q: expected %s", name, strings.Join(KindNames(), ", "))
	})
	if err != nil {
		return Mix{}, err
	}
	return m, nil
}

// String prints the mix so that ParseMix reads it back.
func (m Mix) String() string {
	return formatWeights(m[:], func(k int) string { return kinds[k].name })
}

// KindNames returns the names that a mix may use.
func KindNames() []string {
	var names []string
	for k := range numKinds {
		if k.mixed() {
			names = append(names, kinds[k].name)
		}
	}
	return names
}

// MixKinds lists the kinds of requests that a mix may name, each with what it does.
func MixKinds() [][2]string {
	var all [][2]string
	for k := range numKinds {
		if k.mixed() {
			all = append(all, [2]string{kinds[k].name, kinds[k].doc})
		}
	}
	return all
}
