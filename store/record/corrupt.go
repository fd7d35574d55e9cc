package record

import "fmt"

// CorruptError says that a file cannot be recovered without forgetting what its member
// may have promised.
type CorruptError struct {
	// Of is whose file it is: the room that keeps it.
	Of string
	// File and Offset are the place that cannot be read or believed.
	File   string
	Offset int64
	// Reason says what is wrong there.
	Reason error
	// Witness is where a later record is that shows that the place had been durable, as
	// in "offset 48"; empty without one. A backend tells the offset in this file, and a
	// log the position in all of its files.
	Witness string
}

// Error names the place and the reason.
func (e *CorruptError) Error() string {
	text := fmt.Sprintf("%s: %s is damaged at offset %d: %v", e.Of, e.File, e.Offset, e.Reason)
	if e.Witness != "" {
		text += fmt.Sprintf(" (no torn write: it was durable when the record at %s was written)", e.Witness)
	}
	return text
}

// Unwrap returns the reason.
func (e *CorruptError) Unwrap() error { return e.Reason }
