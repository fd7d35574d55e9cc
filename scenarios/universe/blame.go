package universe

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"etcdsim/scenarios"
	"etcdsim/scenarios/blame"
)

// BlameVariable is the environment variable that makes Test look for the moments that
// decided that a seed fails: "ETCDSIM_BLAME=40" asks forty futures of each moment.
const BlameVariable = "ETCDSIM_BLAME"

// Blame finds the moments that decided that a story fails with a seed: its past is kept
// up to a time, everything after it is drawn anew, and the futures that fail in the same
// way are counted (package blame). The story is told a thousand times for that; it must
// begin anew each time, and what it draws must come from the universe.
func Blame(c Config, seed uint64, futures int, story func(*Universe)) (*blame.Verdict, error) {
	return blame.Find(blame.Config{
		Seed: seed, Futures: futures, Options: scenarios.Options{Observe: c.Observe},
		Each: func(n int, do func(int)) {
			for i := range n {
				do(i)
			}
		},
		Run: func(o scenarios.Options) (*scenarios.Result, error) {
			future := c
			future.Observe, future.fork, future.limit = o.Observe, o.Fork, o.MaxEvents
			return Run(future, seed, story)
		},
	})
}

// blamed tells of the moments that decided, if the environment asks for that.
func blamed(c Config, seed uint64, story func(*Universe)) string {
	text := os.Getenv(BlameVariable)
	if text == "" {
		return ""
	}
	futures, err := strconv.ParseUint(text, 10, 16)
	if err != nil || futures == 0 {
		return fmt.Sprintf("%s: %q: expected how many futures each moment gets, such as 40", BlameVariable, text)
	}
	v, err := Blame(c, seed, int(futures), story)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	if err := v.Write(&b, fmt.Sprintf("%s  seed %d", c.Name, seed), nil); err != nil {
		return err.Error()
	}
	return b.String()
}
