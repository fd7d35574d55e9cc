package disk

import (
	"encoding/binary"
	"slices"

	"etcdsim/sim/trace"
)

// Sector is the number of bytes that reach the platter together or not at all.
const Sector = 512

// Loss is what a crash did to a device: whether it had an effect.
type Loss struct {
	// Lost and Kept count the bytes that were not durable: those that are gone,
	// and those that survived all the same.
	Lost, Kept int64
	// Torn counts the files in which bytes survived beside lost ones.
	Torn int
	// Returned counts the removed files that are back.
	Returned int
	// InSync reports that a sync was under way.
	InSync bool
	// Broken counts the bytes among the lost ones that a sync had said were durable.
	Broken int64
}

// Abandon is the end of the owner's process while its machine goes on, whether it was
// killed, broke down or has stopped: whatever was written is still there and is read
// back, though what was not durable still is not. The syncs under way are void: nobody
// hears of their end. The next sync covers what they did; a crash before it leaves of
// that what it leaves of any write.
func (d *Disk) Abandon() {
	d.release()
	if d.unsettled() {
		d.log.Hit(trace.ProbeUnsyncedKept)
	}
	for _, f := range d.files {
		if f.unsettled() {
			f.covered = f.stable
			d.soil(f)
		}
	}
}

// release voids all that the owner's process has in hand.
func (d *Disk) release() {
	d.finished = append(d.finished, d.syncs...)
	d.syncs = d.syncs[:0]
	d.refused = false
}

// Crash is the sudden death of the owner's machine: what is durable stays, the rest is
// decided by draws (see the package's fault model). Syncs under way are void. What is
// left is durable from now on. A stall or a slowness of the device stays.
func (d *Disk) Crash() Loss {
	loss := Loss{InSync: len(d.syncs) > 0}
	d.release()
	d.dirty = d.dirty[:0]
	promised := d.undeceive()

	keep := d.unsettled() && d.rand.Hit(d.config.Keep)
	d.crashRemovals(&loss, keep)
	promised += d.undeceive() // those that are back
	survivors := d.files[:0]
	for _, f := range d.files {
		f.dirty = false
		promised += d.crashHoles(f, &loss)
		if f.size > f.stable {
			d.crashFile(f, &loss, keep)
		}
		if !f.named && f.size == 0 && !keep {
			delete(d.byName, f.name)
			continue
		}
		f.covered, f.stable, f.kept = f.size, f.size, f.size
		f.named, f.keptName = true, true
		survivors = append(survivors, f)
	}
	clear(d.files[len(survivors):])
	d.files = survivors

	if loss.Lost > 0 || loss.Kept > 0 {
		d.log.Emit(trace.Event{Kind: trace.DiskLost, Member: d.owner, A: uint64(loss.Lost), B: uint64(loss.Kept)})
	}
	if loss.Lost > 0 {
		d.log.Hit(trace.ProbeUnsyncedLost)
	}
	if loss.Broken = min(promised, loss.Lost); loss.Broken > 0 {
		d.forgot = true
		d.log.Hit(trace.ProbePromiseBroken)
	}
	return loss
}

// undeceive takes back what syncs have said that was not so, and returns how many
// bytes they had said were durable.
func (d *Disk) undeceive() (promised int64) {
	for _, f := range d.files {
		promised += f.stable - f.kept
		f.stable = f.kept
		f.named = f.named && f.keptName
	}
	return promised
}

// unsettled reports whether anything on the device is not durable.
func (d *Disk) unsettled() bool {
	return len(d.gone) > 0 || slices.ContainsFunc(d.files, (*File).unsettled)
}

// crashRemovals decides which removed files are back. Removals reach the platter
// in the order in which they were made.
func (d *Disk) crashRemovals(loss *Loss, keep bool) {
	if len(d.gone) == 0 {
		return
	}
	done := 0
	switch {
	case keep:
		done = len(d.gone)
	case d.rand.Hit(d.config.Torn):
		done = d.rand.Intn(len(d.gone) + 1)
	}
	for _, r := range d.gone[:done] {
		d.recycle(r.file)
	}
	for _, r := range d.gone[done:] {
		d.insert(r.file)
		loss.Returned++
	}
	clear(d.gone)
	d.gone = d.gone[:0]
}

// crashFile decides what survives of a file's bytes that are not durable.
func (d *Disk) crashFile(f *File, loss *Loss, keep bool) {
	unsynced := f.size - f.stable
	switch {
	case keep:
		loss.Kept += unsynced
	case !d.rand.Hit(d.config.Torn):
		loss.Lost += unsynced
		f.cut(f.stable)
	default:
		end, kept := d.tear(f)
		loss.Kept += kept
		loss.Lost += unsynced - kept
		if end > f.stable && kept < unsynced {
			loss.Torn++
			d.log.Emit(trace.Event{Kind: trace.DiskTorn, Member: d.owner, A: uint64(kept)})
			d.log.Hit(trace.ProbeWriteTorn)
		}
		f.cut(end)
	}
}

// crashHoles takes from a file what failed syncs were to write: it never reached the
// platter. It returns how many of these bytes a later sync has said are durable.
func (d *Disk) crashHoles(f *File, loss *Loss) (promised int64) {
	for _, hole := range f.holes {
		d.spoil(f, hole.low, hole.high)
		promised += max(0, min(hole.high, f.stable)-hole.low)
	}
	f.holes = nil
	loss.Lost += promised
	return promised
}

// tear decides sector by sector what survives behind the durable bytes. It
// returns where the file ends now and how many bytes survive.
func (d *Disk) tear(f *File) (end, kept int64) {
	// Of what no sync covered, the system has written back a prefix.
	written := f.covered
	if behind := sectors(f.covered, f.size); behind > 0 {
		written = nextSector(f.covered, d.rand.Intn(behind+1))
	}
	end = f.stable
	missing := end // the first byte that is missing below the end so far
	for low := f.stable; low < f.size; {
		high := min(nextSector(low, 1), f.size)
		// What a sync under way covered is in the hands of the device, which
		// orders its writes as it likes.
		if low < f.covered && d.rand.Intn(2) == 0 || low >= f.covered && low < written {
			d.spoil(f, missing, low)
			end, missing = high, high
			kept += high - low
		}
		low = high
	}
	// The file's length may have grown before its last sector was written.
	if end < f.size && d.rand.Intn(2) == 0 {
		high := min(nextSector(end, 1), f.size)
		d.spoil(f, end, high)
		end = high
	}
	return end, kept
}

// spoil fills the sectors from low to high, which never reached the platter,
// with what was there before: zeros or garbage.
func (d *Disk) spoil(f *File, low, high int64) {
	for low < high {
		next := min(nextSector(low, 1), high)
		sector := f.sector(low, next)
		clear(sector)
		if d.rand.Hit(d.config.Garbage) {
			var word [8]byte
			for len(sector) > 0 {
				binary.LittleEndian.PutUint64(word[:], d.rand.Uint64())
				sector = sector[copy(sector, word[:]):]
			}
		}
		low = next
	}
}

// nextSector returns where the n-th sector from the one that holds the offset
// begins.
func nextSector(at int64, n int) int64 { return (at/Sector + int64(n)) * Sector }

// sectors counts the sectors that hold the bytes from low to high.
func sectors(low, high int64) int {
	if low >= high {
		return 0
	}
	return int((high-1)/Sector - low/Sector + 1)
}
