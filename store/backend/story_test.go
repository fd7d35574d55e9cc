package backend_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"etcdsim/sim/trace"
	"etcdsim/store/backend"
	"etcdsim/store/disk"
)

// TestStories runs the scripts of testdata: lines of statements, and below them
// what happened. After a change that is meant, run with -rewrite and read the
// difference.
//
//	disk SEED OPTION=VALUE...   a new device
//	create INDEX/TERM IMAGE     begin a backend
//	batch INDEX/TERM TEXT       what was applied since; TEXT*N repeats it
//	rewrite INDEX/TERM IMAGE    begin a new generation
//	sync                        a sync that completes; start: one that does not
//	settle                      up to where the backend is durable
//	crash                       what became of the unsynced bytes
//	open                        what recovery finds
//	rot FILE OFFSET             flip a bit
//	files                       the files and their sizes
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := &story{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.out.Reset()
			for line := range strings.Lines(d.Input) {
				if err := s.run(strings.Fields(line)); err != nil {
					s.tell("%v", err)
				}
			}
			if s.out.Len() == 0 {
				return "ok"
			}
			return s.out.String()
		})
	})
}

type story struct {
	disk    *disk.Disk
	backend *backend.Backend
	out     strings.Builder
}

func (s *story) tell(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *story) run(words []string) (err error) {
	verb, args := words[0], append(words[1:], "", "")
	var p backend.Point
	switch verb {
	case "create", "batch", "rewrite":
		if _, err := fmt.Sscanf(args[0], "%d/%d", &p.Index, &p.Term); err != nil {
			return err
		}
	}
	text, times, _ := strings.Cut(args[1], "*")
	count := 1
	if times != "" {
		if _, err := fmt.Sscan(times, &count); err != nil {
			return err
		}
	}
	state := bytes.Repeat([]byte(text), count)
	switch verb {
	case "disk":
		var seed uint64
		if _, err := fmt.Sscan(args[0], &seed); err != nil {
			return err
		}
		var c disk.Config
		for _, pair := range args[1:] {
			if name, value, ok := strings.Cut(pair, "="); ok {
				if err := c.Set(name, value); err != nil {
					return err
				}
			}
		}
		s.disk = disk.New(1, c, seed, trace.NewLog())
	case "create":
		s.backend, err = backend.Create(s.disk, p, state)
	case "batch":
		err = s.backend.Append(p, state)
	case "rewrite":
		err = s.backend.Rewrite(p, state)
	case "start":
		s.disk.Sync()
	case "sync":
		s.disk.Synced(s.disk.Sync().ID)
	case "settle":
		p := s.backend.Settle()
		s.tell("durable through %d/%d", p.Index, p.Term)
	case "crash":
		loss := s.disk.Crash()
		s.tell("lost %d bytes, kept %d, files torn %d, returned %d", loss.Lost, loss.Kept, loss.Torn, loss.Returned)
	case "open":
		return s.open()
	case "rot":
		var at int64
		if _, err := fmt.Sscan(args[1], &at); err != nil {
			return err
		}
		return s.disk.Rot(args[0], at, 1)
	case "files":
		for _, name := range s.disk.List() {
			f, err := s.disk.Open(name)
			if err != nil {
				return err
			}
			s.tell("%s  %d bytes, %d durable", name, f.Size(), f.Durable())
		}
	default:
		return fmt.Errorf("unknown statement %s", verb)
	}
	return err
}

func (s *story) open() error {
	b, state, err := backend.Open(s.disk)
	if err != nil {
		return err
	}
	s.backend = b
	s.tell("state of %d/%d: %s%s", state.Index, state.Term, short(state.Image), short(bytes.Join(state.Batches, nil)))
	if state.CutBytes > 0 {
		s.tell("cut %d bytes off the end", state.CutBytes)
	}
	if state.Discarded > 0 {
		s.tell("discarded %d newer files", state.Discarded)
	}
	return nil
}

// short prints long texts by their beginning and length.
func short(text []byte) string {
	if len(text) > 40 {
		return fmt.Sprintf("%s...(%d bytes)", text[:8], len(text))
	}
	return string(text)
}
