package disk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"etcdsim/sim/trace"
	"etcdsim/store/disk"
)

// TestStories runs the scripts of testdata: lines of statements, and below them
// what happened. After a change that is meant, run with -rewrite and read the
// difference.
//
//	disk SEED OPTION=VALUE...   a new device
//	append FILE BYTES LETTER    write so many of the letter; creates the file
//	remove FILE, sync, synced ID, flush, stall, resume, abandon, crash
//	cut FILE BYTES              end a file there, as recovery does
//	fail SYNCS, lie, repair
//	show                        what each file holds, in runs
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
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
	disk *disk.Disk
	out  strings.Builder
}

func (s *story) tell(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *story) run(words []string) error {
	switch verb, args := words[0], words[1:]; verb {
	case "disk":
		var seed uint64
		if _, err := fmt.Sscan(args[0], &seed); err != nil {
			return err
		}
		var c disk.Config
		for _, pair := range args[1:] {
			name, value, _ := strings.Cut(pair, "=")
			if err := c.Set(name, value); err != nil {
				return err
			}
		}
		log := trace.NewLog()
		log.Subscribe(trace.Kinds(trace.DiskTorn), func(e *trace.Event) { s.tell("torn: %d bytes survive", e.A) })
		s.disk = disk.New(1, c, seed, log)
	case "append":
		f, err := s.disk.Open(args[0])
		if err != nil {
			if f, err = s.disk.Create(args[0]); err != nil {
				return err
			}
		}
		var n int
		if _, err := fmt.Sscan(args[1], &n); err != nil {
			return err
		}
		return f.Append([]byte(strings.Repeat(args[2], n)))
	case "remove":
		return s.disk.Remove(args[0])
	case "cut":
		var size int64
		if _, err := fmt.Sscan(args[1], &size); err != nil {
			return err
		}
		return s.disk.CutTail(args[0], size)
	case "sync":
		ticket := s.disk.Sync()
		if ticket.Held {
			s.tell("sync %d is held", ticket.ID)
		} else {
			s.tell("sync %d takes %v", ticket.ID, ticket.Latency)
		}
	case "synced":
		var id uint64
		if _, err := fmt.Sscan(args[0], &id); err != nil {
			return err
		}
		if done := s.disk.Synced(id); s.disk.Failure() != nil {
			s.tell("sync %d fails: %v", id, s.disk.Failure())
		} else {
			s.tell("sync %d completes: %v", id, done)
		}
	case "flush":
		return s.disk.Flush()
	case "stall":
		s.disk.Stall()
	case "resume":
		for _, ticket := range s.disk.Resume() {
			s.tell("sync %d takes %v more", ticket.ID, ticket.Latency)
		}
	case "fail":
		var n uint64
		if _, err := fmt.Sscan(args[0], &n); err != nil {
			return err
		}
		s.disk.FailSyncs(n)
	case "lie":
		s.disk.Lie()
	case "repair":
		s.disk.Repair()
	case "abandon":
		s.disk.Abandon()
	case "crash":
		loss := s.disk.Crash()
		s.tell("lost %d bytes, kept %d; files torn %d, returned %d; in sync %v",
			loss.Lost, loss.Kept, loss.Torn, loss.Returned, loss.InSync)
		if loss.Broken > 0 {
			s.tell("%d of them had been said to be durable", loss.Broken)
		}
	case "show":
		text, err := show(s.disk)
		s.out.WriteString(text)
		return err
	default:
		return fmt.Errorf("unknown statement %q", verb)
	}
	return nil
}

// show describes what each file holds, a line for each.
func show(d *disk.Disk) (text string, err error) {
	for _, name := range d.List() {
		f, err := d.Open(name)
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("%s: %d bytes, %d durable: %s\n", name, f.Size(), f.Durable(), runs(f.Read()))
	}
	return text, nil
}

// runs describes bytes as runs, and garbage sector by sector: "a*512 garbage*3".
func runs(data []byte) string {
	var parts []string
	size := len(data)
	for len(data) > 0 {
		n := 1
		for n < len(data) && data[n] == data[0] {
			n++
		}
		switch {
		case data[0] == 0:
			parts = append(parts, fmt.Sprintf("0*%d", n))
		case n >= 8:
			parts = append(parts, fmt.Sprintf("%c*%d", data[0], n))
		default:
			n = min(disk.Sector-(size-len(data))%disk.Sector, len(data))
			parts = append(parts, fmt.Sprintf("garbage*%d", n))
		}
		data = data[n:]
	}
	return strings.Join(parts, " ")
}
