package page

import (
	"io"

	"etcdsim/scenarios/learn"
	"etcdsim/sim"
)

// lesson is a course on the page of its run.
type lesson struct {
	Title  string `json:"title"`
	Source string `json:"source"`
	Cards  []card `json:"cards"`
}

type card struct {
	At       sim.Time  `json:"at"`
	Texts    []string  `json:"texts"`
	Question *question `json:"question,omitempty"`
}

type question struct {
	Text     string   `json:"text"`
	Kind     string   `json:"kind"`
	Expected string   `json:"expected"`
	Options  []string `json:"options,omitempty"`
	Right    string   `json:"right"`
	Why      string   `json:"why"`
}

// WriteLesson writes a lesson as the page of its run, with the cards above the
// diagram.
func WriteLesson(w io.Writer, c *learn.Course) error {
	out := contentsOf(c.File, c.Result, c.Chronicle)
	out.Lesson = &lesson{Title: c.Lesson.Title, Source: c.Lesson.Source}
	for i := range c.Cards {
		shown := card{At: c.Cards[i].At, Texts: c.Cards[i].Texts}
		if q := c.Cards[i].Question; q != nil {
			shown.Question = &question{q.Text, q.Kind.String(), q.Expected, q.Options, q.Right, q.Why}
		}
		out.Lesson.Cards = append(out.Lesson.Cards, shown)
	}
	return write(w, "Lesson: "+c.Lesson.Title, out)
}
