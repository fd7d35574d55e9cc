package wal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// TestStories runs the scripts of testdata: lines of statements, and below them
// what happened. After a change that is meant, run with -rewrite and read the
// difference.
//
//	disk SEED OPTION=VALUE...      a new device
//	create SEGMENT-BYTES           begin a log with three voters
//	save TERM FIRST..LAST [TERM/VOTE/COMMIT] [xBYTES]
//	                               entries of a term, a hard state, padding for each entry; - for no entries
//	sync                           a sync that completes; start: one that does not
//	take INDEX; receive INDEX/TERM own and received snapshot
//	release INDEX; compact INDEX; apply INDEX/TERM
//	crash                          what became of the unsynced bytes
//	open                           what recovery finds
//	rot FILE OFFSET                flip a bit
//	log                            the records, as the bytes hold them
//	files                          the files and their sizes
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
	disk   *disk.Disk
	log    *Log
	config Config
	out    strings.Builder
}

func (s *story) tell(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *story) run(words []string) error {
	verb, args := words[0], append(words[1:], "", "", "")
	var index, term uint64
	switch verb {
	case "disk":
		var c disk.Config
		for _, pair := range args[1:] {
			if name, value, ok := strings.Cut(pair, "="); ok {
				if err := c.Set(name, value); err != nil {
					return err
				}
			}
		}
		if _, err := fmt.Sscan(args[0], &index); err != nil {
			return err
		}
		s.disk = disk.New(1, c, index, trace.NewLog())
	case "create":
		if _, err := fmt.Sscan(args[0], &index); err != nil {
			return err
		}
		var err error
		s.config.SegmentSize = sim.Size(index)
		s.log, err = Create(s.disk, s.config, Genesis([]uint64{1, 2, 3}, nil))
		return err
	case "save":
		return s.save(args)
	case "start":
		s.disk.Sync()
	case "sync":
		s.disk.Synced(s.disk.Sync().ID)
	case "take":
		if _, err := fmt.Sscan(args[0], &index); err != nil {
			return err
		}
		_, err := s.log.CreateSnapshot(index, &pb.ConfState{Voters: []uint64{1, 2, 3}}, []byte("own state"))
		return err
	case "receive", "apply":
		if _, err := fmt.Sscanf(args[0], "%d/%d", &index, &term); err != nil {
			return err
		}
		snap := Genesis([]uint64{1, 2, 3}, []byte("the leader's state"))
		snap.Metadata.Index, snap.Metadata.Term = &index, &term
		if verb == "apply" {
			return s.log.ApplySnapshot(snap)
		}
		return s.log.SaveSnapshot(snap)
	case "release":
		if _, err := fmt.Sscan(args[0], &index); err != nil {
			return err
		}
		return s.log.Release(index)
	case "compact":
		if _, err := fmt.Sscan(args[0], &index); err != nil {
			return err
		}
		return s.log.Compact(index)
	case "crash":
		loss := s.disk.Crash()
		s.tell("lost %d bytes, kept %d, files torn %d, returned %d", loss.Lost, loss.Kept, loss.Torn, loss.Returned)
	case "open":
		return s.open()
	case "rot":
		if _, err := fmt.Sscan(args[1], &index); err != nil {
			return err
		}
		return s.disk.Rot(args[0], int64(index), 1)
	case "log":
		return s.dump()
	case "files":
		for _, name := range s.disk.List() {
			f, err := s.disk.Open(name)
			if err != nil {
				return err
			}
			s.tell("%s  %d bytes, %d durable", name, f.Size(), f.Durable())
		}
	default:
		return fmt.Errorf("unknown statement %q", verb)
	}
	return nil
}

func (s *story) save(args []string) error {
	var term, first, last, bulk uint64
	var entries []*pb.Entry
	var state *pb.HardState
	if _, err := fmt.Sscan(args[0], &term); err != nil {
		return err
	}
	if args[1] != "-" {
		if _, err := fmt.Sscanf(args[1], "%d..%d", &first, &last); err != nil {
			return err
		}
	}
	for _, arg := range args[2:] {
		if strings.HasPrefix(arg, "x") {
			if _, err := fmt.Sscan(arg[1:], &bulk); err != nil {
				return err
			}
		} else if arg != "" {
			var t, v, c uint64
			if _, err := fmt.Sscanf(arg, "%d/%d/%d", &t, &v, &c); err != nil {
				return err
			}
			state = &pb.HardState{Term: &t, Vote: &v, Commit: &c}
		}
	}
	for i := first; i > 0 && i <= last; i++ {
		entries = append(entries, &pb.Entry{Term: &term, Index: &i, Data: make([]byte, bulk)})
	}
	if err := s.log.Save(state, entries); err != nil {
		return err
	}
	s.log.Append(entries)
	return nil
}

func (s *story) open() error {
	l, err := Open(s.disk, s.config)
	if err != nil {
		return err
	}
	s.log = l
	if r := l.Recovery(); r.CutFile != "" {
		s.tell("cut %d bytes off at %s offset %d", r.CutBytes, r.CutFile, r.CutOffset)
	}
	if r := l.Recovery(); r.PassedOver > 0 {
		s.tell("snapshots passed over: %d", r.PassedOver)
	}
	meta := l.snapshot.GetMetadata()
	text := ""
	for _, e := range l.entries[1:] {
		text += fmt.Sprintf(" %d/%d", e.GetIndex(), e.GetTerm())
	}
	s.tell("snapshot %d/%d, entries%s, term %d vote %d commit %d",
		meta.GetIndex(), meta.GetTerm(), text, l.state.term, l.state.vote, l.state.commit)
	return nil
}

// dump prints the records as the bytes hold them, as far as they are valid.
func (s *story) dump() error {
	for _, name := range s.disk.List() {
		if isSnapshot(name) {
			continue
		}
		f, err := s.disk.Open(name)
		if err != nil {
			return err
		}
		s.tell("%s", name)
		var base int64
		if _, err := fmt.Sscanf(name, "%x", &base); err != nil {
			return err
		}
		data := f.Read()
		for offset := 0; offset < len(data); {
			rec, size, err := record.Read(data[offset:], base+int64(offset), lastKind)
			if err != nil {
				s.tell("  %5d  %v", offset, err)
				break
			}
			s.tell("  %5d  %-40s  durable through %d", offset, meaning(rec), rec.Durable)
			offset += size
		}
	}
	return nil
}

// meaning describes a record in a few words.
func meaning(rec record.Record) string {
	switch rec.Kind {
	case segmentRecord:
		h, err := decodeSegmentHeader(rec.Payload)
		return fmt.Sprintf("segment, next index %d%s", h.first, failure(err))
	case entryRecord:
		var e entrySlot
		err := e.decode(rec.Payload)
		return fmt.Sprintf("entry %d/%d of %d bytes%s", e.index, e.term, len(e.entry.Data), failure(err))
	case stateRecord:
		h, err := decodeState(rec.Payload)
		return fmt.Sprintf("state term %d vote %d commit %d%s", h.term, h.vote, h.commit, failure(err))
	case markerRecord:
		m, err := decodeMarker(rec.Payload)
		kind := "own"
		if m.received {
			kind = "received"
		}
		return fmt.Sprintf("%s snapshot %d/%d of %d bytes%s", kind, m.index, m.term, m.size, failure(err))
	}
	return fmt.Sprintf("kind %d", rec.Kind)
}

func failure(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}
