package nemesis

import (
	"fmt"
	"strings"
)

// What operators do, which is no fault, and yet the time at which much goes wrong.

// try is how long a plan waits for an operator before it goes on.
func (f *fault) try() string { return fmt.Sprintf("within=%v", f.time(f.election/4, 2*f.election)) }

func compact(f *fault) []Action {
	var all []Action
	for range f.count(1, 3) {
		s := "compact"
		if f.chance(60) {
			s += fmt.Sprintf(" keep=%d", f.count(1, 20))
		}
		all = append(all, Action{f.time(f.begin, f.end), []string{s}})
	}
	return all
}

func defrag(f *fault) []Action {
	return []Action{{f.begin, []string{"? defrag " + names(f.count(1, f.nodes)) + " " + f.try()}}}
}

func transfer(f *fault) []Action {
	return []Action{{f.begin, []string{"? transfer " + names(f.count(1, f.nodes)) + " " + f.try()}}}
}

func learner(f *fault) []Action {
	v := f.variable()
	begin := []string{"? add learner as=" + v + " " + f.try(), "? start " + v}
	var all []Action
	if f.chance(40) {
		begin = append(begin, "? update "+v+" url=http://10.0.0.9:2380 "+f.try())
	}
	all = append(all, Action{f.begin, begin})
	if f.chance(70) {
		end := []string{"? promote " + v + " " + f.try()}
		if f.chance(50) {
			end = append(end, "? restart "+v)
		}
		all = append(all, Action{f.end, end})
	}
	if f.chance(40) {
		all = append(all, Action{f.end + f.time(0, f.election), []string{"? remove " + v + " " + f.try()}})
	}
	return all
}

func overlap(f *fault) []Action {
	v, old := f.variable(), names(f.count(1, f.nodes))
	first := "? remove " + old + " " + f.try()
	second := one(f.dice, "? add as="+v+" "+f.try(), "? remove "+names(f.count(1, f.nodes))+" "+f.try())
	begin := []string{"concurrently", first, "and", second, "end"}
	if strings.HasPrefix(second, "? add") {
		begin = append(begin, "? start "+v)
	}
	return []Action{{f.begin, begin}}
}

func replace(f *fault) []Action {
	v, old := f.variable(), names(f.count(1, f.nodes))
	var all []Action
	begin := []string{"? remove " + old + " " + f.try(), "? add as=" + v + " " + f.try(), "? start " + v}
	if f.chance(50) {
		begin = append([]string{"kill " + old}, begin...)
	}
	all = append(all, Action{f.begin, begin})
	if f.chance(50) {
		all = append(all, Action{f.end, []string{"? start " + old}})
	}
	return all
}
