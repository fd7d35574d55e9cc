package workload

import (
	"fmt"
	"strconv"
	"strings"

	"etcdsim/sim"
)

// What a client draws from has weights: how often each choice is drawn, relative to the
// sum of all. A choice is the place of its weight.

// maxWeight bounds a weight, so that sums stay small.
const maxWeight = 1000

// parseWeights adds the weights that a text such as "put:5,get:4,txn" says; a choice
// without a weight counts once. named returns the place of a choice, or an error that
// says which choices there are.
func parseWeights(s string, weights []uint32, named func(string) (int, error)) error {
	for part := range strings.SplitSeq(s, ",") {
		name, weight, weighted := strings.Cut(part, ":")
		i, err := named(name)
		if err != nil {
			return err
		}
		n, left := uint64(1), uint64(maxWeight-weights[i])
		if weighted {
			n, err = strconv.ParseUint(weight, 10, 32)
		}
		if err != nil || n > left {
			return fmt.Errorf("%s: %q is not a weight: expected 0 to %d", name, weight, left)
		}
		weights[i] += uint32(n)
	}
	if sum(weights) == 0 {
		return fmt.Errorf("%q asks for nothing: expected a weight above 0", s)
	}
	return nil
}

// formatWeights prints weights so that parseWeights reads them back.
func formatWeights(weights []uint32, name func(i int) string) string {
	var parts []string
	for i, w := range weights {
		if w > 0 {
			parts = append(parts, fmt.Sprintf("%s:%d", name(i), w))
		}
	}
	return strings.Join(parts, ",")
}

func sum(weights []uint32) (n uint64) {
	for _, w := range weights {
		n += uint64(w)
	}
	return n
}

// draw returns a choice.
func draw(weights []uint32, r *sim.Rand) int {
	n := r.Below(sum(weights))
	for i, w := range weights {
		if n < uint64(w) {
			return i
		}
		n -= uint64(w)
	}
	panic(fmt.Sprintf("workload: nothing to draw from the weights %v", weights))
}
