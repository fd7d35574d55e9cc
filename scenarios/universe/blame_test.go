package universe_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/blame"
	"etcdsim/scenarios/universe"
)

// hit kills somebody at 3 s, and expects that it was not the leader.
func hit(u *universe.Universe) {
	leader := u.Leader(10 * time.Second)
	u.Do("wait at 3s")
	u.Do("let $victim = any")
	u.Do("kill $victim")
	u.Sleep(300 * time.Millisecond)
	u.Do("expect running %v >=1", leader)
}

// The moment at which somebody was drawn decided, and is found.
func TestBlame(t *testing.T) {
	c := universe.Config{Name: "hit"}
	failing := uint64(0)
	for seed := uint64(1); failing == 0; seed++ {
		r, err := universe.Run(c, seed, hit)
		if err != nil || seed > 100 {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if r.Outcome == scenarios.Violation {
			failing = seed
		} else if _, err := universe.Blame(c, seed, 4, hit); !errors.Is(err, blame.ErrPasses) {
			t.Fatalf("seed %d passes, and blame says %v", seed, err)
		}
	}
	v, err := universe.Blame(c, failing, 24, hit)
	if err != nil || len(v.Jumps) == 0 {
		t.Fatalf("seed %d: %+v, %v", failing, v, err)
	}
	from, to := v.Jumps[0].Before.At.Sub(0), v.Jumps[0].After.At.Sub(0)
	if from > 3*time.Second || to < 3*time.Second || to-from > 10*time.Millisecond || v.Jumps[0].After.Failing != 24 {
		t.Errorf("seed %d: decided between %v and %v: %+v", failing, from, to, v.Jumps[0])
	}
	var text strings.Builder
	if err := v.Write(&text, "hit", nil); err != nil || !strings.Contains(text.String(), "jump 1  between ") {
		t.Errorf("seed %d: told as %s, %v", failing, text.String(), err)
	}
}
