package export

import (
	"io"

	"etcdsim/checker/recorded"
)

// clients writes all operations on the key-value store as their clients saw them:
// part of a history proves nothing.
func clients(w io.Writer, r *Run) error { return recorded.Write(w, r.Result.History.Ops) }
