package disk

import (
	"encoding/binary"
	"slices"

	"etcdsim/sim/trace"
)

// Injected faults. They lie over the device or are switches of it; underneath, the
// pristine bytes are kept, and [Disk.Repair] takes everything back at once. What they
// draw comes from a stream of their own: a device with a fault more loses, tears and
// waits as one without it.

// fault tells of a fault; its kind is one of the disks' in package trace.
func (d *Disk) fault(kind uint16, a, b uint64) {
	d.log.Emit(trace.Event{Kind: trace.DiskFault, Aux: kind, Member: d.owner, A: a, B: b})
}

// overlay is bytes that lie over those of a file, for as long as the file has these.
type overlay struct {
	at int64
	// data stands in for what is there, or, if flips, says which bits read the other
	// way round.
	data  []byte
	flips bool
}

// put lays the overlay over bytes that were read from the start of a file.
func (o *overlay) put(data []byte) {
	if o.at >= int64(len(data)) {
		return
	}
	for i, b := range o.data[:min(len(o.data), len(data)-int(o.at))] {
		if o.flips {
			data[int(o.at)+i] ^= b
		} else {
			data[int(o.at)+i] = b
		}
	}
}

// Rot flips the bits of mask in one byte of a file: the medium decays. Reading sees
// it, nobody is told.
func (d *Disk) Rot(name string, at int64, mask byte) error {
	f, err := d.find(name)
	if err != nil {
		return err
	}
	f.cover(overlay{at, []byte{mask}, true})
	d.fault(trace.FaultDiskRot, uint64(at), uint64(mask))
	return nil
}

func (f *File) cover(o overlay) { f.overlays = append(f.overlays, o) }

// Damage is a way in which a device loses what it had stored.
type Damage uint8

// Ways to be damaged.
const (
	// Rot: bits flip.
	Rot Damage = iota
	// Garbage: a sector holds anything.
	Garbage
	// Misdirected: a sector was written over another one, and the place where it
	// belongs holds what was there before: nothing.
	Misdirected
	NumDamages // the number of ways
)

// String returns the way as scenarios write it.
func (k Damage) String() string { return [...]string{"rot", "garbage", "misdirected"}[k] }

// Extent is a part of a file: its bytes from Low up to High.
type Extent struct {
	File      string
	Low, High int64
}

// Damage damages the device somewhere within the extents, and reports whether there
// was anything to damage. Reading sees it, nobody is told.
func (d *Disk) Damage(kind Damage, within []Extent) bool {
	var places []Extent
	for _, e := range within {
		for low := e.Low; low < e.High; low = nextSector(low, 1) {
			places = append(places, Extent{e.File, low, min(nextSector(low, 1), e.High)})
		}
	}
	if len(places) == 0 {
		return false
	}
	at := places[d.harm.Intn(len(places))]
	f := d.byName[at.File]
	switch kind {
	case Rot:
		byteAt := at.Low + int64(d.harm.Below(uint64(at.High-at.Low)))
		f.cover(overlay{byteAt, []byte{1 << d.harm.Intn(8)}, true})
		d.fault(trace.FaultDiskRot, uint64(byteAt), 0)
	case Garbage:
		f.cover(overlay{at: at.Low, data: d.garbage(int(at.High - at.Low))})
		d.fault(trace.FaultDiskGarbage, uint64(at.Low), 0)
	case Misdirected:
		to := places[d.harm.Intn(len(places))]
		written := f.pristine()[at.Low:at.High]
		f.cover(overlay{at: at.Low, data: make([]byte, len(written))})
		if to != at {
			d.byName[to.File].cover(overlay{at: to.Low, data: written[:min(int64(len(written)), to.High-to.Low)]})
		}
		d.fault(trace.FaultDiskMisdirected, uint64(at.Low), uint64(to.Low))
	}
	return true
}

// garbage returns n bytes of anything.
func (d *Disk) garbage(n int) []byte {
	data := make([]byte, (n+7)/8*8)
	for i := 0; i < len(data); i += 8 {
		binary.LittleEndian.PutUint64(data[i:], d.harm.Uint64())
	}
	return data[:n]
}

// Lie makes syncs lie from now on: they take their time and say that they have
// completed, but what they cover is in a cache that a crash empties.
func (d *Disk) Lie() {
	if !d.lying {
		d.lying = true
		d.fault(trace.FaultDiskLie, 0, 0)
	}
}

// Fail makes writes and syncs fail from now on, with ErrIO, and files cannot be opened.
func (d *Disk) Fail() {
	if !d.failing {
		d.failing = true
		d.fault(trace.FaultDiskFail, 0, 0)
	}
}

// FailSyncs makes the next n syncs fail with ErrIO. What such a sync was to write never
// reaches the platter, and no later sync tries again, for the system takes its pages for
// written: they are read back as long as the machine runs, and a crash takes them away.
// So Linux does on ext4 and XFS (Rebello et al., "Can Applications Recover from fsync
// Failures?", ATC 2020, section 3).
func (d *Disk) FailSyncs(n uint64) {
	d.toFail = n
	d.fault(trace.FaultDiskFailSyncs, n, 0)
}

// failSync ends a sync that fails.
func (d *Disk) failSync(s *pending) {
	d.toFail--
	d.refused = true
	lost := int64(0)
	for _, c := range s.covers {
		lost += c.file.miss(min(c.size, c.file.size))
	}
	d.syncs = slices.DeleteFunc(d.syncs, func(other *pending) bool { return other == s })
	d.finished = append(d.finished, s)
	d.fault(trace.FaultDiskSyncFailed, uint64(lost), d.toFail)
}

// miss notes that what is not durable of the file up to a size was to be written, and was
// not. It returns how many bytes that are.
func (f *File) miss(size int64) int64 {
	low := f.stable
	last := len(f.holes) - 1
	if last >= 0 {
		low = max(low, f.holes[last].high)
	}
	switch {
	case size <= low:
		return 0
	case last >= 0 && f.holes[last].high == low:
		f.holes[last].high = size
	default:
		f.holes = append(f.holes, span{low, size})
	}
	return size - low
}

// rewrite notes that a sync writes the file up to a size. A sector that the file has
// grown in since a sync failed is written whole, and with it what that sync was to write
// of it.
func (f *File) rewrite(size int64) {
	for i := range f.holes {
		if hole := &f.holes[i]; size > hole.high {
			hole.high -= hole.high % Sector
		}
	}
	f.holes = slices.DeleteFunc(f.holes, span.empty)
}

// Failure returns ErrIO if the device fails, or a sync of the present process has, and
// nil otherwise.
func (d *Disk) Failure() error {
	if d.failing || d.refused {
		return ErrIO
	}
	return nil
}

// Failing reports that the device fails, or that syncs are going to.
func (d *Disk) Failing() bool { return d.failing || d.toFail > 0 }

// Lying reports that syncs lie.
func (d *Disk) Lying() bool { return d.lying }

// Hollow reports that something is read back that a failed sync has not written, or will
// be when the removal of a file is lost.
func (d *Disk) Hollow() bool {
	return slices.ContainsFunc(d.files, func(f *File) bool { return len(f.holes) > 0 }) ||
		slices.ContainsFunc(d.gone, func(r removal) bool { return len(r.file.holes) > 0 })
}

// Impaired reports that Repair has something to undo.
func (d *Disk) Impaired() bool { return d.lying || d.Failing() || d.Damaged() || d.Hollow() }

// Damaged reports that something reads other than it was written.
func (d *Disk) Damaged() bool {
	return slices.ContainsFunc(d.files, func(f *File) bool { return len(f.overlays) > 0 })
}

// Forgot reports that a crash has lost what a sync had said was durable. Nothing
// undoes that.
func (d *Disk) Forgot() bool { return d.forgot }

// Repair undoes all damage, lies and failures: everything reads as it was written, and
// failed syncs have left no holes. What a crash has lost is lost. What a lie covered is
// durable with the next sync.
func (d *Disk) Repair() {
	if !d.Impaired() {
		return
	}
	for _, f := range d.files {
		f.overlays, f.holes = nil, nil
	}
	for _, r := range d.gone {
		r.file.overlays, r.file.holes = nil, nil
	}
	d.confess()
	d.lying, d.failing, d.toFail = false, false, 0
	d.fault(trace.FaultDiskRepair, 0, 0)
}
