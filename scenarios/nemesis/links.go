package nemesis

import (
	"fmt"
	"time"
)

// Faults of the network. Whoever "rest" is, nobody may be left of the cluster but those
// named: so these are attempts.

func partition(f *fault) []Action {
	switch few := names(f.few()...); f.Intn(8) {
	case 0, 1:
		return f.from("? partition "+few+" | rest", "? heal "+few+" <-> rest")
	case 2, 3, 4, 5:
		v := f.variable()
		return first([]string{"? let " + v + " = leader"}, f.from("? partition "+v+" | rest", "? heal "+v+" <-> rest"))
	case 6: // some clients' side is not the same as others'
		return f.from("? partition "+few+" clients | rest", "? heal "+few+" clients <-> rest")
	}
	if f.nodes < 3 {
		return f.from("? partition n1 | rest", "? heal n1 <-> rest")
	}
	// A bridge: one member that both sides reach.
	ids := f.members(f.nodes, f.nodes)
	left, right := ids[:f.nodes/2], ids[f.nodes/2+1:]
	a, b := names(left...), names(right...)
	return f.from("cut "+a+" <-> "+b, "heal "+a+" <-> "+b)
}

// laggard keeps a follower away for as long as the round lasts, and longer. It may die
// while it saves what it is sent then.
func laggard(f *fault) []Action {
	who := names(f.count(1, f.nodes))
	f.end = max(f.end, f.begin+f.time(f.election, 4*f.election))
	back := []string{"? heal " + who + " <-> rest"}
	if f.chance(40) {
		back = append(back,
			fmt.Sprintf("? wait snapshot-sent since=here within=%v", f.election/2),
			fmt.Sprintf("? wait saving %s >=1 within=%v", who, f.election/5),
			"? kill "+who, "? restart "+who)
	}
	return f.from("? partition "+who+" | rest", back...)
}

func isolate(f *fault) []Action {
	who := names(f.count(1, f.nodes))
	return f.from("isolate "+who, "heal "+who+" <-> all clients")
}

func oneWay(f *fault) []Action {
	few := names(f.few()...)
	if f.chance(50) {
		return f.from("? cut "+few+" -> rest", "? heal "+few+" -> rest")
	}
	return f.from("? cut rest -> "+few, "? heal rest -> "+few)
}

func ring(f *fault) []Action { return f.from("? ring all", "heal") }

func flap(f *fault) []Action {
	pair := f.members(2, f.nodes)
	link := names(pair[0]) + one(f.dice, " <-> ", " -> ") + names(pair[1])
	f.open = false
	up, down := f.time(f.election/20, f.election/2), f.time(f.election/20, f.election)
	return f.from(fmt.Sprintf("flap %s up=%s down=%s", link, span(up/2, up), span(down/2, down)), "heal "+link)
}

func link(f *fault) []Action {
	few := names(f.few()...)
	link := one(f.dice, few+" <-> rest", few+" -> rest", "rest -> "+few)
	latency := f.time(f.election/20, f.election/2)
	how := one(f.dice,
		"latency="+span(latency/2, latency), "drop=30%", "bandwidth=20KB queue=4KB", "reorder=30%", "drop=5% latency="+span(latency/4, latency/2))
	return f.from("? link "+link+" "+how, "? link "+link+" normal")
}

func late(f *fault) []Action {
	f.open = false
	return f.from("net tail="+one(f.dice, "1%", "5%", "20%"), "net tail=0%")
}

func corrupt(f *fault) []Action {
	f.open = false
	return f.from("net corrupt="+one(f.dice, "1%", "10%"), "net corrupt=0%")
}

// swizzle is named after FoundationDB's way of clogging connections.
func swizzle(f *fault) []Action {
	ids := f.members(f.count(2, f.nodes), f.nodes)
	var all []Action
	half := (f.end - f.begin) / 2
	for _, id := range ids {
		all = append(all, Action{f.time(f.begin, f.begin+half), []string{"? partition " + names(id) + " | rest"}})
	}
	for _, id := range ids {
		all = append(all, Action{f.time(f.begin+half, f.end), []string{"? heal " + names(id) + " <-> rest"}})
	}
	return all
}

func strangers(f *fault) []Action {
	who := names(f.count(1, f.nodes))
	arrow := one(f.dice, " <-> ", " -> ")
	return f.from("cut clients"+arrow+who, "heal clients"+arrow+who)
}

func hold(f *fault) []Action {
	who, let := names(f.few()...), []string(nil)
	if f.chance(50) {
		who, let = f.variable(), []string{"? let " + f.variable() + " = leader"}
	}
	link := one(f.dice, who+" <-> rest", who+" -> rest", "rest -> "+who)
	return first(let, f.from("? hold "+link, "? release "+link))
}

func loss(f *fault) []Action {
	begin := fmt.Sprintf("net drop=%s duplicate=%s reorder=%s",
		one(f.dice, "5%", "15%", "30%"), one(f.dice, "0%", "10%"), one(f.dice, "0%", "20%"))
	f.open = false
	return f.from(begin, calm)
}

// calm is the network when a disturbance is over.
const calm = "net drop=0% duplicate=0% reorder=0%"

// least is the least that a time can be.
const least = time.Millisecond
