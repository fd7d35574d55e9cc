package learn_test

import (
	"strings"
	"testing"

	"etcdsim/scenarios/learn"
)

// Every lesson finds a run of which all it says is true, asks, takes the right answer
// and no wrong one.
func TestLessons(t *testing.T) {
	for i := range learn.Lessons {
		l := &learn.Lessons[i]
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			c, err := l.Give()
			if err != nil {
				t.Fatal(err)
			}
			if c.Questions() < 2 || len(c.Cards) < 3 {
				t.Errorf("seed %d: %d cards and %d questions, want more", c.Seed, len(c.Cards), c.Questions())
			}
			last := c.Cards[0].At
			for _, card := range c.Cards {
				if card.At < last || len(card.Texts) == 0 && card.Question == nil {
					t.Errorf("seed %d: a card at %s follows one at %s, with %d texts", c.Seed, card.At, last, len(card.Texts))
				}
				last = card.At
				for _, text := range card.Texts {
					if strings.Contains(text, "%!") || strings.Contains(text, " n0 ") {
						t.Errorf("seed %d: %q", c.Seed, text)
					}
				}
				if card.Question != nil {
					answers(t, c, card.Question)
				}
			}
			t.Logf("seed %d", c.Seed)
		})
	}
}

// answers gives a question its right answer, a wrong one, and one that is none.
func answers(t *testing.T, c *learn.Course, q *learn.Question) {
	t.Helper()
	if right, err := q.Mark(q.Right); err != nil || !right {
		t.Errorf("seed %d: %q: the right answer %q is marked %v, %v", c.Seed, q.Text, q.Right, right, err)
	}
	wrong := 0
	for _, answer := range []string{"yes", "no", "1", "2", "3", "99999", "n1", "n2 n3", "none"} {
		right, err := q.Mark(answer)
		if err == nil && !right {
			wrong++
		}
		if right && strings.TrimPrefix(answer, "n") != strings.TrimPrefix(q.Right, "n") {
			t.Errorf("seed %d: %q: %q is taken for %q", c.Seed, q.Text, answer, q.Right)
		}
	}
	if wrong == 0 {
		t.Errorf("seed %d: %q: no answer is wrong", c.Seed, q.Text)
	}
	if _, err := q.Mark("maybe"); err == nil || !strings.Contains(err.Error(), q.Expected) {
		t.Errorf("%q: \"maybe\" gives %v, want what was expected: %s", q.Text, err, q.Expected)
	}
	if q.Why == "" {
		t.Errorf("%q is not explained", q.Text)
	}
}

// The next lesson is the first that was not taken; the last score counts, and what
// cannot be one changes nothing.
func TestProgress(t *testing.T) {
	p := learn.Progress{}
	for i := range learn.Lessons {
		if next := p.Next(); next != &learn.Lessons[i] {
			t.Fatalf("after %d lessons the next one is %v", i, next)
		}
		for _, right := range []int{1, 2} {
			if err := p.Take(learn.Lessons[i].Name, learn.Score{Right: right, Of: 3}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if p.Next() != nil {
		t.Errorf("after all of them the next one is %v", p.Next())
	}
	for _, s := range []learn.Score{{Right: -1, Of: 3}, {Right: 4, Of: 3}, {Right: -2, Of: -1}} {
		if err := p.Take("commit", s); err == nil || p["commit"] != (learn.Score{Right: 2, Of: 3}) {
			t.Errorf("%+v is taken for a score: %v, %v", s, err, p["commit"])
		}
	}
	if err := p.Take("surfing", learn.Score{}); err == nil || len(p) != len(learn.Lessons) {
		t.Errorf("there is a lesson about surfing: %v", err)
	}
}
