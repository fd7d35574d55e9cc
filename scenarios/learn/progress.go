package learn

import "fmt"

// Progress is how well lessons went, by their names. The zero value is that of whoever
// has taken none.
type Progress map[string]Score

// Score is how many questions of a lesson were answered right, of how many.
type Score struct {
	Right int `json:"right"`
	Of    int `json:"of"`
}

// Take notes how a lesson went. The last time counts. The error says what such a score
// cannot be.
func (p Progress) Take(lesson string, s Score) error {
	switch {
	case Lookup(lesson) == nil:
		return fmt.Errorf("unknown lesson %q: expected one of those in the list", lesson)
	case s.Right < 0 || s.Of < s.Right:
		return fmt.Errorf("%d of %d right: expected no more than were asked", s.Right, s.Of)
	}
	p[lesson] = s
	return nil
}

// Next returns the first lesson that was not taken, or nil.
func (p Progress) Next() *Lesson {
	for i := range Lessons {
		if _, ok := p[Lessons[i].Name]; !ok {
			return &Lessons[i]
		}
	}
	return nil
}
