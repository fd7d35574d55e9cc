package scenarios

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"etcdsim/store/saved"
)

// Snapshots that universes begin with. A scenario names a file, which whoever runs it
// opens; a recorded session holds the snapshot itself, so that it can be replayed
// where that file is not, or is another one meanwhile.

// origin is the name of a snapshot, and where it was given: pos is zero for a setting.
type origin struct {
	name, file string
	pos        Pos
}

// open takes in the snapshot that the members begin with, if there is one.
func (u *universe) open(from origin, open func(name, beside string) (*saved.Snapshot, error)) (err error) {
	if from.name == "" {
		return nil
	}
	if open == nil {
		err = errors.New("expected a scenario without a snapshot: no files can be opened here")
	} else {
		u.cluster.From, err = open(from.name, from.file)
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("cluster.from: %s: %w", from.name, err)
	if from.pos == (Pos{}) {
		return err
	}
	return &Error{File: from.file, Pos: from.pos, Text: err.Error()}
}

// Embedded is a snapshot within a scenario. The zero value is none.
type Embedded struct {
	*saved.Snapshot
	// text is the file, packed by gzip and written in base64.
	text string
}

// Embed returns a snapshot as a session holds it; of nil there is nothing to hold.
func Embed(snap *saved.Snapshot) Embedded {
	if snap == nil {
		return Embedded{}
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, _ = io.WriteString(z, snap.File) // a buffer takes everything
	_ = z.Close()
	return Embedded{snap, base64.RawURLEncoding.EncodeToString(buf.Bytes())}
}

// parseEmbedded is the inverse of Embed.
func parseEmbedded(text string) (Embedded, error) {
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Embedded{}, fmt.Errorf("expected a snapshot in base64: %w", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return Embedded{}, fmt.Errorf("expected a snapshot packed by gzip: %w", err)
	}
	file, err := io.ReadAll(z)
	if err != nil {
		return Embedded{}, fmt.Errorf("expected a snapshot packed by gzip: %w", err)
	}
	snap, err := saved.Read(file)
	return Embedded{snap, text}, err
}
