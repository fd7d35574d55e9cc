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

// Failure returns ErrIO if the device fails, and nil otherwise.
func (d *Disk) Failure() error {
	if d.failing {
		return ErrIO
	}
	return nil
}

// Lying reports that syncs lie.
func (d *Disk) Lying() bool { return d.lying }

// Impaired reports that Repair has something to undo.
func (d *Disk) Impaired() bool { return d.lying || d.failing || d.Damaged() }

// Damaged reports that something reads other than it was written.
func (d *Disk) Damaged() bool {
	return slices.ContainsFunc(d.files, func(f *File) bool { return len(f.overlays) > 0 })
}

// Forgot reports that a crash has lost what a sync had said was durable. Nothing
// undoes that.
func (d *Disk) Forgot() bool { return d.forgot }

// Repair undoes all damage, lies and failures: everything reads as it was written. What
// a crash has lost is lost. What a lie covered is durable with the next sync.
func (d *Disk) Repair() {
	if !d.Impaired() {
		return
	}
	for _, f := range d.files {
		f.overlays = nil
		if f.kept < f.stable || f.named && !f.keptName {
			d.soil(f)
		}
	}
	d.lying, d.failing = false, false
	d.fault(trace.FaultDiskRepair, 0, 0)
}
