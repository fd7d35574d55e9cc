package nemesis

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim"
)

// dice are the draws of one part of a plan, from a stream of its own.
type dice struct{ sim.Rand }

// newDice returns the dice of a part.
func newDice(seed uint64, part string) *dice { return &dice{sim.NewRand(seed, "nemesis/"+part)} }

// chance reports true in so many of a hundred cases.
func (d *dice) chance(percent uint32) bool { return d.Hit(sim.Percent(percent)) }

// count returns a number from low to high.
func (d *dice) count(low, high int) int { return low + d.Intn(high-low+1) }

// time returns a duration from low to high in whole milliseconds, which are easier to
// read.
func (d *dice) time(low, high time.Duration) time.Duration {
	return max(d.Between(low, high).Round(time.Millisecond), time.Millisecond)
}

// one returns one of some values. Who wants one more often names it more often.
func one[T any](d *dice, values ...T) T { return values[d.Intn(len(values))] }

// members returns n of the members 1 to all, in an order drawn.
func (d *dice) members(n, all int) []int {
	ids := make([]int, all)
	for i := range ids {
		ids[i] = i + 1
	}
	d.Shuffle(all, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids[:n]
}

// names prints members as targets: "n1 n4".
func names(ids ...int) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = "n" + strconv.Itoa(id)
	}
	return strings.Join(words, " ")
}

// span prints a range of durations as an option.
func span(low, high time.Duration) string { return fmt.Sprintf("%v..%v", low, high) }

// weighted returns a position, drawn by the weights, or -1 if all are 0.
func (d *dice) weighted(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	if sum == 0 {
		return -1
	}
	n := d.Intn(sum)
	for i, w := range weights {
		if n < w {
			return i
		}
		n -= w
	}
	panic(fmt.Sprintf("nemesis: position %d is beyond the weights %v", n, weights))
}
