package wal_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/store/disk"
	"etcdsim/store/record"
	"etcdsim/store/wal"
)

// image is what a disk holds, file by file.
type image map[string][]byte

func imageOf(t testing.TB, d *disk.Disk) image {
	t.Helper()
	files := image{}
	for _, name := range d.List() {
		f, err := d.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f.Read()
	}
	return files
}

// disk returns a disk that holds the image.
func (files image) disk(t testing.TB) *disk.Disk {
	t.Helper()
	d := newDisk(disk.Config{}, 1)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := d.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Append(files[name]); err != nil {
			t.Fatal(err)
		}
	}
	d.Flush()
	return d
}

// with returns the image with one file replaced.
func (files image) with(name string, data []byte) image {
	changed := maps.Clone(files)
	changed[name] = data
	return changed
}

// segments returns the names of the segments in order.
func (files image) segments() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, ".wal") {
			names = append(names, name)
		}
	}
	return names
}

// sample is the image of a log of three segments and a snapshot that was synced
// batch by batch, except for the last batch, which fills several sectors.
// unsynced is the offset in the last segment at which that batch begins, and
// last the index of the last entry before it.
func sample(t testing.TB) (files image, unsynced int, last uint64) {
	d := newDisk(disk.Config{}, 1)
	l := create(t, d, wal.Config{SegmentSize: 700})
	for i := uint64(2); len(d.List()) < 4; i++ { // the genesis snapshot is the fourth file
		save(t, l, newState(1, 2, i-1), newEntries(i, i, 1))
		d.Flush()
		last = i
	}
	if _, err := l.CreateSnapshot(last-2, &pb.ConfState{Voters: []uint64{1, 2, 3}}, []byte("the member's own")); err != nil {
		t.Fatal(err)
	}
	d.Flush()
	before := imageOf(t, d)
	tail := before.segments()[2]
	unsynced = len(before[tail])
	bulk := strings.Repeat(".", 400)
	var entries []*pb.Entry
	for i := last + 1; i <= last+5; i++ {
		entries = append(entries, newEntry(i, 1, fmt.Sprintf("%d in term 1%s", i, bulk)))
	}
	save(t, l, newState(1, 2, last+3), entries)
	return imageOf(t, d), unsynced, last
}

// mustRecover opens an image and checks that what it holds is a prefix of the
// sample which is not shorter than what was synced. It returns the last index
// and the report.
func mustRecover(t testing.TB, files image, last uint64) (uint64, wal.Recovery) {
	t.Helper()
	d := files.disk(t)
	l, err := wal.Open(d, wal.Config{})
	if err != nil {
		t.Fatalf("the log was refused: %v", err)
	}
	got, _ := l.LastIndex()
	if got < last || got > last+5 {
		t.Fatalf("the last index is %d, want %d to %d", got, last, last+5)
	}
	first := describeLog(t, l)
	// What is repaired stays so, and goes on.
	if again := describeLog(t, open(t, d)); again != first {
		t.Fatalf("opened again it is\n%s\nafter\n%s", again, first)
	}
	save(t, l, newState(3, 1, got+1), newEntries(got+1, got+1, 3))
	d.Flush()
	d.Crash()
	if next, _ := open(t, d).LastIndex(); next != got+1 {
		t.Fatalf("after going on the last index is %d, want %d", next, got+1)
	}
	return got, l.Recovery()
}

func TestEveryTruncationOfTheUnsyncedTail(t *testing.T) {
	files, unsynced, last := sample(t)
	tail := files.segments()[2]
	lasts := map[uint64]bool{}
	for n := unsynced; n <= len(files[tail]); n++ {
		got, report := mustRecover(t, files.with(tail, files[tail][:n]), last)
		lasts[got] = true
		if report.CutFile != "" && (report.CutFile != tail || report.CutOffset > int64(n)) {
			t.Fatalf("cut to %d bytes: the report says %+v", n, report)
		}
	}
	if len(lasts) != 6 {
		t.Errorf("the truncations left %d different last indexes, want 6", len(lasts))
	}
}

// TestEveryTruncationOfTheWholeLog: whatever prefix of the log is there, it is
// recovered or refused, and if it is recovered then as a prefix.
func TestEveryTruncationOfTheWholeLog(t *testing.T) {
	whole, _, last := sample(t)
	files := maps.Clone(whole)
	for _, name := range slices.Backward(whole.segments()) {
		for n := len(whole[name]); n >= 0; n-- {
			l, err := wal.Open(files.with(name, whole[name][:n]).disk(t), wal.Config{})
			var corrupt *record.CorruptError
			switch {
			case err == nil:
				if got, _ := l.LastIndex(); got > last+5 {
					t.Fatalf("%s cut to %d bytes: the last index is %d", name, n, got)
				}
				describeLog(t, l)
			case !errors.As(err, &corrupt) || name != whole.segments()[0]:
				// Only a log without its genesis is no log.
				t.Fatalf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		delete(files, name)
	}
}

// TestMissingMiddleIsRefused: a prefix that is followed by later segments is no
// torn write.
func TestMissingMiddleIsRefused(t *testing.T) {
	files, _, _ := sample(t)
	for i, name := range files.segments()[:2] {
		for n := range len(files[name]) {
			_, err := wal.Open(files.with(name, files[name][:n]).disk(t), wal.Config{})
			var corrupt *record.CorruptError
			if !errors.As(err, &corrupt) || corrupt.Witness == "" {
				t.Fatalf("segment %d cut to %d bytes: %v, want a refusal with a witness", i, n, err)
			}
		}
		gone := maps.Clone(files)
		delete(gone, name)
		if _, err := wal.Open(gone.disk(t), wal.Config{}); i == 1 && err == nil {
			t.Errorf("a log without segment %d was accepted", i)
		}
	}
}

// TestEveryTornTail: of the sectors of the unsynced batch any may be missing.
func TestEveryTornTail(t *testing.T) {
	files, unsynced, last := sample(t)
	tail := files.segments()[2]
	type span struct{ low, high int }
	var sectors []span
	for low := unsynced; low < len(files[tail]); {
		high := min((low/disk.Sector+1)*disk.Sector, len(files[tail]))
		sectors = append(sectors, span{low, high})
		low = high
	}
	if len(sectors) < 4 {
		t.Fatalf("the batch fills %d sectors, too few to be worth tearing", len(sectors))
	}
	for _, filler := range []byte{0, 0xff, 0x5a} {
		for missing := range 1 << len(sectors) {
			data := slices.Clone(files[tail])
			for i, s := range sectors {
				if missing>>i&1 != 0 {
					for j := s.low; j < s.high; j++ {
						data[j] = filler * byte(j|1)
					}
				}
			}
			if got, _ := mustRecover(t, files.with(tail, data), last); missing == 0 && got != last+5 {
				t.Fatalf("a whole batch lost entries: the last index is %d", got)
			}
		}
	}
}

// TestEveryFlippedBitIsNoticed: one bit of each byte of the log. Where a later
// record bears witness, the log is refused and the damaged record is named.
// Elsewhere the damage looks like a torn write.
func TestEveryFlippedBitIsNoticed(t *testing.T) {
	files, unsynced, _ := sample(t)
	segments := files.segments()
	for i, name := range segments {
		for at := range files[name] {
			d := files.disk(t)
			if err := d.Rot(name, int64(at), 1<<(at%8)); err != nil {
				t.Fatal(err)
			}
			l, err := wal.Open(d, wal.Config{})
			var corrupt *record.CorruptError
			switch {
			case i == 2 && at >= unsynced:
				if err != nil || l.Recovery().CutFile != name || l.Recovery().CutOffset > int64(at) {
					t.Fatalf("bit in the unsynced byte %d of %s: %v", at, name, err)
				}
			case !errors.As(err, &corrupt):
				t.Fatalf("bit in byte %d of %s: %v, want a refusal", at, name, err)
			case corrupt.File != name || corrupt.Offset > int64(at) || corrupt.Witness == "":
				t.Fatalf("bit in byte %d of %s: the refusal says %v", at, name, err)
			case !slices.Equal(d.List(), slices.Sorted(maps.Keys(files))):
				t.Fatalf("a refused log was changed: %v", d.List())
			}
		}
	}
}

// TestDamagedSnapshot: it is passed over as long as the log still holds what came
// before it, and is the reason of a refusal otherwise.
func TestDamagedSnapshot(t *testing.T) {
	files, _, _ := sample(t)
	newest := ""
	for name := range files { // unordered: the greatest name is found in any order
		if strings.HasSuffix(name, ".snap") && name > newest {
			newest = name
		}
	}
	for at := range files[newest] {
		d := files.disk(t)
		if err := d.Rot(newest, int64(at), 0x10); err != nil {
			t.Fatal(err)
		}
		l, err := wal.Open(d, wal.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if snap, _ := l.Snapshot(); snap.GetMetadata().GetIndex() != 1 || l.Recovery().PassedOver == 0 {
			t.Fatalf("byte %d: the snapshot at %d is used, want the one before the damaged one", at, snap.GetMetadata().GetIndex())
		}
	}

	d := files.disk(t)
	l := open(t, d)
	snap, _ := l.Snapshot()
	if err := l.Release(snap.GetMetadata().GetIndex()); err != nil {
		t.Fatal(err)
	}
	d.Flush()
	if err := d.Rot(newest, 5, 1); err != nil {
		t.Fatal(err)
	}
	_, err := wal.Open(d, wal.Config{})
	var corrupt *record.CorruptError
	if !errors.As(err, &corrupt) || corrupt.File != newest {
		t.Errorf("with nothing to fall back to: %v, want a refusal that names %s", err, newest)
	}
}

// TestCommitBeyondTheEndIsRefused: the state that the order of etcd-io/etcd#10219
// prevents, made by hand.
func TestCommitBeyondTheEndIsRefused(t *testing.T) {
	d := newDisk(disk.Config{}, 1)
	l := create(t, d, wal.Config{})
	save(t, l, newState(1, 1, 3), newEntries(2, 3, 1))
	if err := l.Save(newState(2, 1, 107), nil); err != nil { // the snapshot at 107 comes too late
		t.Fatal(err)
	}
	d.Flush()
	d.Crash()
	_, err := wal.Open(d, wal.Config{})
	if err == nil || !strings.Contains(err.Error(), "the committed index is beyond the last entry: 107 is beyond 3") {
		t.Errorf("Open = %v, want a refusal that names both indexes", err)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	files, _, _ := sample(t)
	names := files.segments()
	for what, damaged := range map[string]image{
		"a segment of another name": files.with("segment.wal", nil),
		"a segment that overlaps":   files.with("0000000000000010.wal", files[names[0]]),
		"no readable beginning":     {names[0]: make([]byte, 100)},
		"nothing but a later one":   {names[2]: files[names[2]]},
	} {
		_, err := wal.Open(damaged.disk(t), wal.Config{})
		var corrupt *record.CorruptError
		if !errors.As(err, &corrupt) {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
}

// FuzzOpen: no bytes on a disk make recovery panic, and what it accepts can be
// opened again with the same meaning.
func FuzzOpen(f *testing.F) {
	files, _, _ := sample(f)
	names := files.segments()
	for _, name := range names {
		f.Add(files[name], files[names[2]])
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		d := image{"0000000000000000.wal": first, names[1]: second}.disk(t)
		l, err := wal.Open(d, wal.Config{})
		if err != nil {
			return
		}
		if last, _ := l.LastIndex(); last > 1<<20 {
			return
		}
		want := describe(t, l)
		if got := describe(t, open(t, d)); got != want {
			t.Errorf("opened again it is\n%s\nafter\n%s", got, want)
		}
	})
}
