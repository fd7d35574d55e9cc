package scenarios

import "fmt"

// Pos is a place in a scenario file. Lines and columns count from 1; columns
// count characters. The zero value is no place.
type Pos struct{ Line, Col int }

// Error is a mistake in a scenario, found while reading it. Its text names the
// place and says what was expected.
type Error struct {
	File string
	Pos  Pos
	Text string
	// Unfinished reports that lines are missing which would close a block.
	Unfinished bool
}

// Error returns "file:line:column: text".
func (e *Error) Error() string {
	if e.Pos.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Pos.Line, e.Pos.Col, e.Text)
}
