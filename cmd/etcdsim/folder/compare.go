package folder

import (
	"fmt"
	"io"
	"unicode/utf8"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/trace"
)

// Collect lets a run happen and returns all its events.
func Collect(f *scenarios.File, seed uint64, o scenarios.Options) (*scenarios.Result, []trace.Event, error) {
	var all []trace.Event
	r, err := scenarios.Run(f, seed, observing(o, func(e *trace.Event) { all = append(all, *e) }))
	return r, all, err
}

// Recorded reads all events of a run that was kept.
func (d *Folder) Recorded() ([]trace.Event, error) {
	t, err := d.Trace()
	if err != nil {
		return nil, err
	}
	defer t.Close()
	var all []trace.Event
	for {
		e, ok := t.Next()
		if !ok {
			return all, t.Err()
		}
		all = append(all, e)
	}
}

// Agree is how many events two runs have in common at their beginning.
func Agree(a, b []trace.Event) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// context is how many common events SideBySide shows before the first that
// differs.
const context = 4

// column is the width of a side.
const column = 66

// SideBySide shows two runs from where they part: what happens in both on both
// sides, what happens in one on its own. At most so many lines are written.
func SideBySide(w io.Writer, a, b []trace.Event, lines int) error {
	n := Agree(a, b)
	for i := max(n-context, 0); i < n; i++ {
		if err := row(w, ' ', &a[i], &b[i]); err != nil {
			return err
		}
	}
	left, right := a[n:min(n+lines, len(a))], b[n:min(n+lines, len(b))]
	common := longest(left, right)
	for i, j := 0, 0; lines > 0 && (i < len(left) || j < len(right)); lines-- {
		var err error
		switch {
		case i < len(left) && j < len(right) && left[i] == right[j]:
			err = row(w, ' ', &left[i], &right[j])
			i, j = i+1, j+1
		case j == len(right) || i < len(left) && common[i+1][j] >= common[i][j+1]:
			err = row(w, '<', &left[i], nil)
			i++
		default:
			err = row(w, '>', nil, &right[j])
			j++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// longest returns a table: the length of the longest common subsequence of the
// events from i on and those from j on.
func longest(a, b []trace.Event) [][]int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

// row writes a line: an event on the left, on the right, or on both sides.
func row(w io.Writer, mark rune, a, b *trace.Event) error {
	left, right := "", ""
	if a != nil {
		left = clip(report.Event(a))
	}
	if b != nil {
		right = clip(report.Event(b))
	}
	text := fmt.Sprintf("%-*s %c %s", column, left, mark, right)
	if right == "" {
		text = fmt.Sprintf("%-*s %c", column, left, mark)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// clip shortens a text to a column.
func clip(text string) string {
	if utf8.RuneCountInString(text) <= column {
		return text
	}
	return string([]rune(text)[:column-1]) + "…"
}
