package page

import (
	"io"

	"etcdsim/scenarios/learn"
	"etcdsim/sim"
)

// Lesson is a course as pages know it: texts and questions at moments of a run.
type Lesson struct {
	Name   string `json:"name"`
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

// LessonOf is what a page shows of a course beside its run.
func LessonOf(c *learn.Course) *Lesson {
	out := &Lesson{Name: c.Lesson.Name, Title: c.Lesson.Title, Source: c.Lesson.Source}
	for i := range c.Cards {
		shown := card{At: c.Cards[i].At, Texts: c.Cards[i].Texts}
		if q := c.Cards[i].Question; q != nil {
			shown.Question = &question{q.Text, q.Kind.String(), q.Expected, q.Options, q.Right, q.Why}
		}
		out.Cards = append(out.Cards, shown)
	}
	return out
}

// WriteLesson writes a lesson as the page of its run, with the cards above the
// diagram.
func WriteLesson(w io.Writer, c *learn.Course) error {
	out := contentsOf(c.File, c.Result, c.Chronicle)
	out.Lesson = LessonOf(c)
	return write(w, "Lesson: "+c.Lesson.Title, out)
}
