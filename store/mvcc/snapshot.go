package mvcc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"etcdsim/sim/bug"
	"etcdsim/store"
)

// Clone returns a copy of the store. It costs nothing, whatever the size: the
// copy shares everything with the original, which goes on writing. Reading from
// the copy costs what it always costs; the first write to it copies all data.
func (s *Store) Clone() *Store {
	c := *s
	c.limit = min(s.limit, s.table.next)
	c.leases = s.leases.clone()
	c.found, c.paths, c.watchers, c.journal = nil, nil, nil, nil
	return &c
}

// thaw makes a clone the owner of a table of its own.
func (s *Store) thaw() {
	s.table = s.table.rebuild(s.limit, nil)
	s.limit = everything
	for _, le := range s.leases.all() {
		own := *le
		own.keys = le.keys[:len(le.keys):len(le.keys)]
		s.leases.set(own)
	}
}

// ErrCorrupt is wrapped by every error that Decode reports.
var ErrCorrupt = errors.New("mvcc: corrupt snapshot")

// A snapshot is
//
//	format                                               5 bytes
//	applied, revision, compacted, hashes, highest size   integers
//	the parts of the state, whole                        see parts
//	keys in ascending order                              list of strings
//	versions in the order of their revisions             list
//	checksum of all that                                 8 bytes
const format = "mvcc\x04"

// part is a piece of the state beside the numbers and the versions.
type part struct {
	append func(s *Store, buf []byte) []byte
	read   func(s *Store, r *store.Reader)
	// changed reports whether the part is another than when the journal began. If
	// it is, the whole of it goes into a delta.
	changed func(s *Store, j *journal) bool
}

// parts are all of them. What has no place here, in the numbers or among the
// versions is lost with a snapshot and with a restart.
var parts = [...]part{
	{
		func(s *Store, buf []byte) []byte { return s.rules.append(buf) },
		func(s *Store, r *store.Reader) { s.rules = readRules(r) },
		func(s *Store, j *journal) bool { return s.rules != j.rules },
	},
	{
		(*Store).appendLeases, (*Store).readLeases,
		func(*Store, *journal) bool { return false }, // a delta has those that changed
	},
}

// appendNumbers appends what is small and always there.
func (s *Store) appendNumbers(buf []byte) []byte {
	buf = store.AppendUint(buf, s.applied)
	buf = store.AppendInt(store.AppendInt(buf, s.rev), s.compacted)
	buf = store.AppendUint(store.AppendUint(buf, s.hash), s.extra)
	return store.AppendInt(buf, s.highest)
}

func (s *Store) readNumbers(r *store.Reader) {
	s.applied = r.Uint()
	s.rev, s.compacted = r.Int(), r.Int()
	if s.rev < 1 || s.rev > math.MaxInt64/2 || s.compacted < -1 || s.compacted > s.rev {
		r.Fail("expected a revision and an older one of compaction, found %d and %d", s.rev, s.compacted)
	}
	s.hash, s.extra = r.Uint(), r.Uint()
	s.highest = r.Int()
}

func (s *Store) appendLeases(buf []byte) []byte {
	buf = store.AppendUint(buf, uint64(s.leases.len()))
	for _, le := range s.leases.all() {
		buf = store.AppendInt(store.AppendInt(store.AppendInt(buf, le.id), le.ttl), le.remaining)
	}
	return buf
}

func (s *Store) readLeases(r *store.Reader) {
	for range r.Count() {
		s.reload(lease{id: r.Int(), ttl: r.Int(), remaining: r.Int()})
	}
}

// reload takes a lease over from bytes. IDs may be negative: clients choose them.
func (s *Store) reload(le lease) {
	if le.id < 0 && s.cfg.Bugs.Has(bug.LeaseNotReloaded) {
		return
	}
	s.leases.set(le)
}

// Flags of a version in a snapshot.
const (
	flagTombstone = 1 << iota
	flagLease
	flagSameMain // the main revision is that of the version before

	flagsAll = 1<<iota - 1
)

// Encode returns the store as bytes. Stores that are equal have equal bytes.
func (s *Store) Encode() []byte {
	t := s.table
	end := min(s.limit, t.next)
	buf := make([]byte, 0, 256+64*int(end))
	buf = s.appendNumbers(append(buf, format...))
	for i := range parts {
		buf = parts[i].append(s, buf)
	}
	names, numbers := s.numberKeys()
	buf = store.AppendUint(buf, uint64(len(names)))
	for _, name := range names {
		buf = store.AppendString(buf, name)
	}
	buf = store.AppendUint(buf, uint64(end-1))
	main := int64(0)
	for p := place(1); p < end; p++ {
		kv, ln := &t.at(p).kv, t.link(p)
		buf = appendVersion(store.AppendUint(buf, uint64(numbers[ln.id])), kv, ln.sub(), main)
		main = kv.ModRevision
	}
	return binary.LittleEndian.AppendUint64(buf, store.MixString(0, buf))
}

// numberKeys returns the keys in ascending order, and for each key of the table
// its position in that list.
func (s *Store) numberKeys() (names []string, numbers []uint32) {
	t := s.table
	numbers = make([]uint32, len(t.heads))
	names = make([]string, 0, len(t.heads))
	for _, b := range t.order.blocks {
		for _, id := range b.ids {
			// Keys first written after this store was cloned are none of its own.
			if p := t.newestPlace(t.heads[id], s.limit, everyRevision); p != 0 {
				numbers[id] = uint32(len(names))
				names = append(names, t.at(p).kv.Key)
			}
		}
	}
	return names, numbers
}

// appendVersion appends the version of the sub-th change without its key. main is
// the revision of the version before it.
func appendVersion(buf []byte, kv *store.KeyValue, sub uint32, main int64) []byte {
	flags := byte(0)
	if kv.Version == 0 {
		flags |= flagTombstone
	}
	if kv.Lease != 0 {
		flags |= flagLease
	}
	if kv.ModRevision == main {
		flags |= flagSameMain
	}
	buf = append(buf, flags)
	if kv.ModRevision != main {
		buf = store.AppendUint(buf, uint64(kv.ModRevision-main))
	}
	buf = store.AppendUint(buf, uint64(sub))
	if kv.Version == 0 {
		return buf
	}
	buf = store.AppendString(buf, kv.Value)
	buf = store.AppendUint(store.AppendUint(buf, uint64(kv.Version)), uint64(kv.ModRevision-kv.CreateRevision))
	if kv.Lease != 0 {
		buf = store.AppendInt(buf, kv.Lease)
	}
	return buf
}

// Decode returns the store that Encode wrote. It copies data once and keeps that
// copy, of which keys and values are parts.
func Decode(cfg Config, data []byte) (*Store, error) {
	body := len(data) - 8
	if body < len(format) || string(data[:len(format)]) != format {
		return nil, fmt.Errorf("%w: %d bytes that do not begin with %q", ErrCorrupt, len(data), format)
	}
	if sum := store.MixString(0, data[:body]); sum != binary.LittleEndian.Uint64(data[body:]) {
		return nil, fmt.Errorf("%w: %d bytes with another checksum than %016x", ErrCorrupt, len(data), sum)
	}
	r := store.NewReader(string(data[len(format):body]))
	s := New(cfg)
	s.readNumbers(&r)
	for i := range parts {
		parts[i].read(s, &r)
	}
	names := make([]string, r.Count())
	for i := range names {
		if names[i] = r.String(); i > 0 && names[i] <= names[i-1] {
			r.Fail("expected a key after %q, found %q", names[i-1], names[i])
		}
	}
	s.readVersions(&r, names)
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return s, nil
}

// readVersions fills an empty table.
func (s *Store) readVersions(r *store.Reader, names []string) {
	t := s.table
	t.heads = make([]place, len(names))
	var before written
	for range r.Count() {
		number := r.Uint()
		if number >= uint64(len(names)) {
			r.Fail("expected one of %d keys, found key %d", len(names), number)
			return
		}
		ver, ok := s.readVersion(r, names[number], &before)
		if !ok {
			return
		}
		before = ver
		if t.heads[number] == 0 && ver.kv.Version == 0 && s.cfg.Bugs.Has(bug.RestoreTombstone) {
			continue
		}
		s.inUse += recordSize(&ver.kv)
		t.append(keyID(number), ver.sub, &ver.kv)
	}
	ids := make([]keyID, 0, len(names))
	for i, name := range names {
		if t.heads[i] == 0 && s.cfg.Bugs.Has(bug.RestoreTombstone) {
			continue
		}
		ids = append(ids, keyID(i))
		if t.heads[i] == 0 {
			r.Fail("expected a version of key %q", name)
			return
		}
	}
	t.index(ids)
	for i, name := range names {
		if ver := t.at(t.heads[i]); ver.live() {
			s.attach(ver.kv.Lease, name)
		}
	}
}

// written is a version as a snapshot or a delta tells it: what the sub-th change of
// a revision left.
type written struct {
	kv  store.KeyValue
	sub uint32
}

// readVersion reads a version of a key. before is the version before it, which
// has an older revision.
func (s *Store) readVersion(r *store.Reader, key string, before *written) (ver written, ok bool) {
	main := before.kv.ModRevision
	flags, least := r.Byte(), uint64(before.sub)+1
	step := int64(0)
	if flags&flagSameMain == 0 {
		step, least = int64(r.Uint()), 0
	}
	sub := r.Uint()
	ascending := step > 0 || step == 0 && sub >= least && least > 0
	if !ascending || step > s.rev-main || sub >= 1<<subBits {
		r.Fail("expected a revision after %d.%d up to %d, found %d.%d", main, before.sub, s.rev, main+step, sub)
		return written{}, false
	}
	main += step
	kv := store.KeyValue{Key: key, ModRevision: main}
	if flags&flagTombstone == 0 {
		kv.Value, kv.Version, kv.CreateRevision = r.String(), int64(r.Uint()), main-int64(r.Uint())
		if flags&flagLease != 0 {
			kv.Lease = r.Int()
		}
		if kv.Version < 1 || kv.CreateRevision < 1 || kv.CreateRevision > main {
			r.Fail("expected a version of a life that began at 1 to %d, found version %d from %d", main, kv.Version, kv.CreateRevision)
		}
	}
	if flags&^flagsAll != 0 || flags&flagLease != 0 && kv.Lease == 0 {
		r.Fail("expected the flags of a version, found %#x", flags)
	}
	return written{kv, uint32(sub)}, true
}
