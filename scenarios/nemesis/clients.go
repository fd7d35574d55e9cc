package nemesis

import (
	"fmt"
	"time"
)

// profile is something that clients do.
type profile struct {
	name, doc string
	// weight is how often it is drawn, relative to the others.
	weight int
	// apart are profiles that it does not go together with.
	apart []string
	// node draws settings of the members that bring it to bear, or is nil.
	node func(*dice) []string
	// start draws the statements that start the clients.
	start func(*dice, *world) []string
}

// profiles are all of them.
var profiles = []profile{
	{
		name: "register", doc: "reads, writes, deletes and transactions on few keys", weight: 6,
		start: func(d *dice, w *world) []string {
			mix := one(d, "put:5,get:4,txn:1", "put:4,get:3,txn:2,delete:1", "put:2,get:6,range:2", "put:2,get:8", "txn:5,range:3,delete:2",
				"put:4,get:2,delete:2,count:1,clear:1")
			return []string{load(d, w, "w", fmt.Sprintf("mix=%s serializable=%s", mix, one(d, "0%", "0%", "20%")))}
		},
	},
	{
		name: "history", doc: "reads of the past and of the future, while the history is compacted", weight: 3,
		node: compaction,
		start: func(d *dice, w *world) []string {
			return []string{
				load(d, w, "p", "mix=put:5,delete:2,txn:1"),
				fmt.Sprintf("load q clients=%d keys=%d mix=past:5,ahead:3,get:1 serializable=%s think=%s timeout=1s",
					d.count(1, 3), d.count(2, 4), one(d, "0%", "30%"), span(2*time.Millisecond, 30*time.Millisecond)),
			}
		},
	},
	{
		name: "watch", doc: "watchers beside writers", weight: 4,
		node: func(d *dice) []string {
			settings := []string{"watch-progress=" + d.time(200*time.Millisecond, time.Second).String()}
			if d.chance(50) {
				settings = append(settings, compaction(d)...)
			}
			return settings
		},
		start: func(d *dice, w *world) []string {
			all := []string{
				load(d, w, "v", "mix="+one(d, "put:6,txn:2,delete:2", "put:3,delete:3", "put:1")),
				fmt.Sprintf("watch eyes clients=%d watchers=%d keys=4 past=%d%% future=%d%% life=%s require-leader=%s",
					d.count(1, 3), d.count(1, 4), one(d, 10, 30, 60), one(d, 5, 30), span(200*time.Millisecond, d.time(time.Second, 6*time.Second)),
					one(d, "on", "off")),
			}
			return all
		},
	},
	{
		name: "slow", doc: "watchers that take what they are told too slowly, while the history is compacted", weight: 2,
		node: compaction,
		start: func(d *dice, w *world) []string {
			return []string{
				load(d, w, "s", "mix="+one(d, "put:6,delete:2", "put:1")+" value="+one(d, "100", "400")),
				fmt.Sprintf("watch slow clients=%d watchers=%d keys=4 past=%d%% life=0s window=2KB pace=%s odd=0%% require-leader=off",
					d.count(1, 3), d.count(1, 3), one(d, 20, 60), one(d, "10ms..40ms", "20ms..80ms")),
			}
		},
	},
	{
		name: "lease", doc: "leases that are renewed, revoked and left to expire", weight: 3,
		node: func(d *dice) []string {
			if d.chance(50) {
				return nil
			}
			return []string{"lease-checkpoint=on", "lease-checkpoint-interval=" + one(d, "300ms", "1s", "2s")}
		},
		start: func(d *dice, w *world) []string {
			least := w.leastTTL() + one(d, 0, 0, 2*time.Second)
			return []string{fmt.Sprintf("load l life=lease clients=%d keys=%d ttl=%s timeout=%s",
				d.count(2, 10), d.count(2, 6), span(least, least+time.Duration(one(d, 1, 2, 4))*time.Second), one(d, "500ms", "1s"))}
		},
	},
	{
		name: "lock", doc: "locks, and writes under their protection", weight: 2,
		start: func(d *dice, w *world) []string {
			least := w.leastTTL()
			return []string{fmt.Sprintf("load c life=lock clients=%d keys=%d ttl=%s timeout=%s",
				d.count(3, 8), d.count(1, 2), span(least, least+time.Second), one(d, "1s", "4s"))}
		},
	},
	{
		// Watching clients do not log in.
		name: "users", doc: "users whose rights change while they work", weight: 2, apart: []string{"watch", "slow"},
		node: func(d *dice) []string { return []string{"token-ttl=" + one(d, "1s", "5s", "5m")} },
		start: func(d *dice, w *world) []string {
			w.users = true
			return []string{
				"? auth on users=3 within=20s",
				"? permit r1 readwrite k1 k4 within=5s",
				"? permit r2 read k3 k7 within=5s",
				fmt.Sprintf("load t life=tenant clients=%d users=3 keys=6 think=2ms..%v serializable=20%% timeout=1s",
					d.count(2, 6), d.time(5*time.Millisecond, 20*time.Millisecond)),
				fmt.Sprintf("load a life=admin clients=%d users=3 keys=6 think=5ms..60ms timeout=1s", d.count(1, 2)),
			}
		},
	},
	{
		name: "older", doc: "the v2 and v1 APIs", weight: 1,
		start: func(d *dice, _ *world) []string {
			return []string{fmt.Sprintf("load o life=older clients=%d keys=3 ttl=1s..3s think=5ms..40ms timeout=1s", d.count(2, 6))}
		},
	},
	{
		name: "members", doc: "lists of the members", weight: 1,
		start: func(*dice, *world) []string {
			return []string{"load m life=members clients=2 think=20ms..200ms serializable=30% timeout=1s"}
		},
	},
}

// compaction draws how the leader compacts by itself.
func compaction(d *dice) []string {
	return []string{"auto-compaction=" + one(d, "periodic:300ms", "periodic:1s", "revision:20", "revision:100")}
}

// load starts clients that share the keys k1, k2... with others.
func load(d *dice, w *world, name, options string) string {
	think := d.time(w.election/100, w.election/10)
	return fmt.Sprintf("load %s clients=%d keys=%d %s think=%s timeout=%s", name, d.count(2, 5), one(d, 1, 2, 3, 4), options,
		span(think/8, think), one(d, "300ms", "1s", "2s"))
}
