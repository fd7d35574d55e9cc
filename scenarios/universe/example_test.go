package universe_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"etcdsim/scenarios/universe"
	"etcdsim/sim/bug"
)

// A story in Go: a client counts, its leader dies, and no count is lost.
func Example() {
	result, err := universe.Run(universe.Config{Name: "counting", Describe: "cluster nodes=5"}, 7, func(u *universe.Universe) {
		u.Phase("a client counts")
		leader := u.Leader(10 * time.Second)
		counted := 0
		counter := u.Client("counter", func(c *universe.Client) {
			for counted < 30 {
				if increment(c, "n") == nil {
					counted++
				}
			}
		})
		u.Sleep(200 * time.Millisecond)

		u.Phase("its leader dies")
		u.Kill(leader)
		u.Leader(10*time.Second, u.Others(leader)...)
		u.Join(time.Minute, counter)

		u.Phase("nothing is lost")
		u.Restart(leader)
		u.Converged(10 * time.Second)
		reader := u.Client("reader", func(c *universe.Client) {
			kv, err := c.Get("n")
			c.Expect(err == nil, "the count is read: %v", err)
			n, _ := strconv.Atoi(kv.Value)
			c.Expect(n >= counted, "of %d counts %d are left", counted, n)
			u.Note("counted to %d", n)
		}, leader)
		u.Join(time.Minute, reader)
		u.Do("cover crashes>=1 elections>=2")
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Outcome)
	for _, phase := range result.Phases {
		fmt.Println(phase.Title)
	}
	// Output:
	// pass
	// a client counts
	// its leader dies
	// nothing is lost
	// the end
}

// increment adds one to a number. Another client's write in between is tried again; an
// outcome that is not known is the caller's to judge.
func increment(c *universe.Client, key string) error {
	for {
		kv, err := c.Get(key)
		if err != nil && !errors.Is(err, universe.ErrNotFound) {
			return err
		}
		n, _ := strconv.Atoi(kv.Value)
		if swapped, err := c.Swap(key, kv.ModRevision, strconv.Itoa(n+1)); err != nil || swapped {
			return err
		}
	}
}

// A defect is found without the story looking for it: the judges read what clients were
// answered.
func Example_defect() {
	c := universe.Config{Name: "stale", Describe: "cluster nodes=5", Bugs: bug.Set(0).With(bug.LeaderLocalRead)}
	result, err := universe.Run(c, 2, func(u *universe.Universe) {
		old := u.Leader(10 * time.Second)
		u.Client("writer", func(c *universe.Client) {
			for i := 0; ; i++ {
				_, _ = c.Put("k", strconv.Itoa(i))
			}
		}, u.Others(old)...)
		u.Client("reader", func(c *universe.Client) {
			for {
				_, _ = c.Get("k")
				c.Sleep(20 * time.Millisecond)
			}
		}, old)
		u.Sleep(time.Second)
		u.Partition([]universe.Member{old})
		u.Leader(10*time.Second, u.Others(old)...)
		u.Sleep(500 * time.Millisecond)
		u.Heal()
		u.Converged(10 * time.Second)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Outcome)
	fmt.Println(result.Report.Violations()[0].Property)
	// Output:
	// violation
	// linearizability
}

// In a test each seed is a subtest; what fails says how to do it again.
func ExampleTest() {
	var t *testing.T // of func TestEverybodyLeads(t *testing.T)
	_ = func() {
		universe.Test(t, universe.Config{Seeds: 20}, everybodyLeads)
	}
	// Output:
}

// everybodyLeads asks each leader to hand over to the next member.
func everybodyLeads(t *testing.T, u *universe.Universe) {
	for _, m := range u.Members() {
		if u.Leader(10*time.Second) != m {
			u.Do("transfer %v within=10s", m)
		}
		u.Leader(10*time.Second, m)
	}
	t.Logf("everybody has led by %v", u.Now())
}
