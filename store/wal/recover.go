package wal

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// ErrNoLog: the disk holds no log. Create begins one.
var ErrNoLog = errors.New("wal: the disk holds no log")

// Reasons of a [record.CorruptError] beside those of single records.
var (
	errMissing = errors.New("the log goes on in a later segment, but bytes are missing")
	errOrder   = errors.New("a record stands where its kind cannot")
	errGap     = errors.New("entries are missing")
	errTerms   = errors.New("the term of an entry is below that of the entry before it")
	errCommit  = errors.New("the committed index is beyond the last entry")
	errNoStart = errors.New("the log has no readable beginning")
)

// Recovery is what opening a log found.
type Recovery struct {
	// Records is the number of records that count.
	Records int
	// CutFile, CutOffset and CutBytes tell where the end was cut off and how
	// many bytes went; CutFile is empty if all were good.
	CutFile   string
	CutOffset int64
	CutBytes  int64
	// PassedOver is the number of markers of newer snapshots that could not be
	// used, because the crash kept their files or their commit from the disk.
	PassedOver int
}

// Recovery tells what opening this log found; it is zero for a log begun by
// Create.
func (l *Log) Recovery() Recovery { return l.recovery }

// HardState returns the hard state that recovery found, or nil.
func (l *Log) HardState() *pb.HardState { return l.hardState }

// Open recovers a log from the bytes on a disk. It repairs what a crash tore
// and makes what it found durable. It returns ErrNoLog for a disk without a log,
// and a *[record.CorruptError] for one that must not be used; the disk is then unchanged.
func Open(d *disk.Disk, config Config) (*Log, error) {
	r := reading{disk: d}
	if err := r.load(); err != nil {
		return nil, err
	}
	if err := r.scan(); err != nil {
		return nil, err
	}
	if err := r.settle(); err != nil {
		return nil, err
	}
	entries, err := r.entries()
	if err != nil {
		return nil, err
	}
	if err := r.repair(); err != nil {
		return nil, err
	}
	if !config.TrustCache {
		if err := d.Flush(); err != nil {
			return nil, err
		}
	}

	l := newLog(d, config)
	l.recovery = r.report
	l.recovery.Records = len(r.records)
	l.restart(r.snapshot)
	l.entries = append(l.entries, entries...)
	l.next = l.last() + 1
	l.state = r.state
	l.hardState = r.state.proto()
	l.mark, l.markFile = r.mark, r.markFile
	for _, s := range r.sources {
		l.segments = append(l.segments, s.segment)
	}
	return l, nil
}

// reading is a recovery under way.
type reading struct {
	disk    *disk.Disk
	sources []source
	// records are those that count so far, in order.
	records []record.Record
	// end is the position behind the last of them.
	end int64

	state    hardState
	mark     marker
	markFile *disk.File
	snapshot *pb.Snapshot
	// refused is why the newest snapshot could not be used, or nil.
	refused error
	report  Recovery
}

// source is a segment and its bytes.
type source struct {
	segment
	data []byte
}

// load reads all segments, in the order of their positions.
func (r *reading) load() error {
	for _, name := range r.disk.List() { // sorted, and so are the positions
		digits, ok := strings.CutSuffix(name, segmentSuffix)
		if !ok {
			continue
		}
		base, err := strconv.ParseInt(digits, 16, 64)
		if err != nil || name != segmentName(base) {
			return &record.CorruptError{Of: "wal", File: name, Reason: errors.New("the name is not that of a segment")}
		}
		file, err := r.disk.Open(name)
		if err != nil {
			return err
		}
		r.sources = append(r.sources, source{segment{base: base, file: file}, file.Read()})
	}
	if len(r.sources) == 0 {
		return ErrNoLog
	}
	return nil
}

// scan reads the records up to the first that is not valid, which must be where
// a write was torn.
func (r *reading) scan() error {
	r.end = r.sources[0].base
	for i := range r.sources {
		s := &r.sources[i]
		switch {
		case s.base < r.end:
			return r.corrupt(s.base, errOrder)
		case s.base > r.end:
			return r.cut(r.end, errMissing)
		}
		for offset := 0; offset < len(s.data); {
			rec, size, err := record.Read(s.data[offset:], r.end, lastKind)
			if err == nil && (rec.Kind == segmentRecord) != (offset == 0) {
				err = errOrder
			}
			if err != nil {
				return r.cut(r.end, err)
			}
			if rec.Kind == segmentRecord {
				header, err := decodeSegmentHeader(rec.Payload)
				if err != nil {
					return r.corrupt(rec.At, err)
				}
				s.first = header.first
			}
			r.records = append(r.records, rec)
			offset += size
			r.end += int64(size)
		}
	}
	return nil
}

// cut lets the log end at a position, unless the place had been durable: then
// reason is why the log is refused.
func (r *reading) cut(at int64, reason error) error {
	if witness, found := r.witness(at); found {
		err := r.corrupt(at, reason)
		err.Witness = fmt.Sprintf("position %d", witness)
		return err
	}
	n, _ := slices.BinarySearchFunc(r.records, at, func(rec record.Record, at int64) int { return cmp.Compare(rec.At, at) })
	r.records = r.records[:n]
	r.end = at
	if n == 0 {
		return r.corrupt(r.sources[0].base, errNoStart)
	}
	return nil
}

// witness looks for a valid record that was written when the log was durable
// beyond a position.
func (r *reading) witness(at int64) (int64, bool) {
	for _, s := range r.sources {
		if witness, found := record.Witness(s.data, s.base, at, lastKind); found {
			return witness, true
		}
	}
	return 0, false
}

// corrupt names the file and offset of a position.
func (r *reading) corrupt(at int64, reason error) *record.CorruptError {
	i := len(r.sources) - 1
	for i > 0 && r.sources[i].base > at {
		i--
	}
	s := r.sources[i]
	return &record.CorruptError{Of: "wal", File: s.file.Name(), Offset: at - s.base, Reason: reason}
}

// settle finds the hard state and the snapshot that count. It may find that the
// log ends earlier than its records do: then it starts over.
func (r *reading) settle() error {
	for {
		end := r.end
		if err := r.choose(); err != nil {
			return err
		}
		if r.end == end {
			return nil
		}
	}
}

// choose picks the last hard state and the newest snapshot that can be used with
// it, or cuts the log.
func (r *reading) choose() error {
	r.state, r.mark, r.markFile, r.refused = hardState{}, marker{}, nil, nil
	r.report.PassedOver = 0
	var marks []int
	for i, rec := range r.records {
		switch rec.Kind {
		case stateRecord:
			state, err := decodeState(rec.Payload)
			if err != nil {
				return r.corrupt(rec.At, err)
			}
			r.state = state
		case markerRecord:
			marks = append(marks, i)
		}
	}
	r.snapshot = pb.EnsureSnapshot(nil)
	for _, i := range slices.Backward(marks) {
		at := r.records[i].At
		m, err := decodeMarker(r.records[i].Payload)
		if err != nil {
			return r.corrupt(at, err)
		}
		if m.index > r.state.commit {
			if m.received {
				// The hard state that was written after it is missing: the batch
				// was torn here, and nothing that it held was promised.
				r.records, r.end = r.records[:i], at
				return nil
			}
			r.report.PassedOver++
			continue
		}
		snap, err := readSnapshot(r.disk, m)
		switch {
		case err == nil:
			r.snapshot, r.mark = snap, m
			r.mark.received = false
			r.markFile, err = r.disk.Open(m.file())
			return err
		case m.received:
			// Nothing before it counts any more, so there is no way around it.
			return r.cut(at, err)
		}
		r.report.PassedOver++
		if r.refused == nil {
			r.refused = err
		}
	}
	return nil
}

// entries returns the entries behind the snapshot, and checks them against the
// hard state.
func (r *reading) entries() ([]*pb.Entry, error) {
	entries, err := r.collect()
	if err != nil {
		return nil, err
	}
	term := r.snapshot.GetMetadata().GetTerm()
	for _, e := range entries {
		if e.GetTerm() < term {
			reason := fmt.Errorf("%w: entry %d has term %d after %d", errTerms, e.GetIndex(), e.GetTerm(), term)
			return nil, r.corrupt(r.find(e.GetIndex()), reason)
		}
		term = e.GetTerm()
	}
	last := r.snapshot.GetMetadata().GetIndex() + uint64(len(entries))
	if r.state.commit > last {
		return nil, r.gap(r.end, fmt.Errorf("%w: %d is beyond %d", errCommit, r.state.commit, last))
	}
	return entries, nil
}

// collect replays the entries. Each voids those of its index and above, and a
// received snapshot voids all before its marker.
func (r *reading) collect() ([]*pb.Entry, error) {
	count := 0
	for _, rec := range r.records {
		if rec.Kind == entryRecord {
			count++
		}
	}
	slots := make([]entrySlot, count)
	entries := make([]*pb.Entry, 0, count)
	start := r.snapshot.GetMetadata().GetIndex()
	// hole is the position of an entry that does not follow on those before it,
	// or -1. That is no harm if a later record voids it: it stands in a segment
	// that was given up, of which a crash brought the last ones back.
	hole := int64(-1)
	for _, rec := range r.records {
		switch rec.Kind {
		case markerRecord:
			m, err := decodeMarker(rec.Payload)
			if err != nil {
				return nil, r.corrupt(rec.At, err)
			}
			if m.received {
				entries, hole = entries[:0], -1
			}
		case entryRecord:
			slot := &slots[0]
			slots = slots[1:]
			if err := slot.decode(rec.Payload); err != nil {
				return nil, r.corrupt(rec.At, err)
			}
			keep := slot.index - min(slot.index, start+1)
			switch {
			case keep <= uint64(len(entries)):
				entries, hole = entries[:keep], -1
				if slot.index > start {
					entries = append(entries, &slot.entry)
				}
			case hole < 0:
				hole = rec.At
			}
		}
	}
	if hole >= 0 {
		return nil, r.gap(hole, errGap)
	}
	return entries, nil
}

// find returns the position of the record that counts for an entry.
func (r *reading) find(index uint64) int64 {
	for _, rec := range slices.Backward(r.records) {
		if rec.Kind == entryRecord && entryIndex(rec.Payload) == index {
			return rec.At
		}
	}
	return r.end
}

// gap reports that entries are missing: because of a snapshot that cannot be
// used, if there is one.
func (r *reading) gap(at int64, reason error) error {
	if r.refused != nil {
		return fmt.Errorf("%w; without it: %w", r.refused, reason)
	}
	return r.corrupt(at, reason)
}

// repair makes the disk agree with what counts: it cuts the log's end off and
// removes snapshots that are newer than the one in use.
func (r *reading) repair() error {
	kept := r.sources[:0]
	for _, s := range r.sources {
		size := min(max(0, r.end-s.base), int64(len(s.data)))
		if excess := int64(len(s.data)) - size; excess > 0 || size == 0 {
			if r.report.CutFile == "" {
				r.report.CutFile, r.report.CutOffset = s.file.Name(), size
			}
			r.report.CutBytes += excess
			if err := r.disk.CutTail(s.file.Name(), size); err != nil {
				return err
			}
		}
		if size > 0 {
			kept = append(kept, s)
		}
	}
	r.sources = kept
	for _, name := range r.disk.List() {
		// Names are in the order of the indexes.
		if isSnapshot(name) && (r.mark == (marker{}) || name > r.mark.file()) {
			if err := r.disk.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func isSnapshot(name string) bool { return strings.HasSuffix(name, snapSuffix) }
