package disk_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"etcdsim/sim/trace"
	"etcdsim/store/disk"
)

// Damage changes what is read, and repair takes all of it back: the bytes underneath are
// as they were written.
func TestRepairUndoesDamage(t *testing.T) {
	for kind := range disk.NumDamages {
		for seed := range uint64(20) {
			d, _ := newDisk(disk.Config{}, seed)
			f := create(t, d, "f")
			for i := range 5000 {
				write(t, f, string(rune('a'+i%26)))
			}
			d.Flush()
			whole := read(t, d, "f")
			within := []disk.Extent{{File: "f", Low: 700, High: 4000}}
			if !d.Damage(kind, within) || !d.Damaged() || !d.Impaired() {
				t.Fatalf("%v, seed %d: nothing was damaged", kind, seed)
			}
			damaged := read(t, d, "f")
			if damaged == whole || damaged[:700] != whole[:700] || damaged[4000:] != whole[4000:] {
				t.Errorf("%v, seed %d: damage from 700 to 4000 reads %q", kind, seed, damaged)
			}
			d.Crash()
			if got := read(t, d, "f"); got != damaged {
				t.Errorf("%v, seed %d: a crash repaired the damage", kind, seed)
			}
			d.Repair()
			if got := read(t, d, "f"); got != whole || d.Impaired() {
				t.Errorf("%v, seed %d: repaired, it reads %q", kind, seed, got)
			}
		}
	}
	d, _ := newDisk(disk.Config{}, 1)
	if d.Damage(disk.Garbage, nil) {
		t.Error("an empty device was damaged")
	}
}

// Damage hits one sector, and what was misdirected another one, which then holds what
// belongs to the first; the trace says where.
func TestDamageHitsSectors(t *testing.T) {
	const sector, sectors = disk.Sector, 6
	var whole string
	for i := range sectors {
		whole += strings.Repeat(string(rune('a'+i)), sector)
	}
	whole = whole[:len(whole)-12] // the last one is not full
	for kind := range disk.NumDamages {
		elsewhere, lasts := 0, 0
		for seed := range uint64(60) {
			d, log := newDisk(disk.Config{}, seed)
			var told trace.Event
			log.Subscribe(trace.Kinds(trace.DiskFault), func(e *trace.Event) { told = *e })
			write(t, create(t, d, "f"), whole)
			d.Flush()
			d.Damage(kind, []disk.Extent{{File: "f", High: int64(len(whole))}})
			damaged := read(t, d, "f")
			hit := int(told.A) / sector
			hold := map[int]string{} // what damaged sectors hold
			for i := range sectors {
				low, high := i*sector, min((i+1)*sector, len(whole))
				if damaged[low:high] != whole[low:high] {
					hold[i] = damaged[low:high]
				}
			}
			_, there := hold[hit]
			switch want := [...]uint16{trace.FaultDiskRot, trace.FaultDiskGarbage, trace.FaultDiskMisdirected}[kind]; {
			case told.Aux != want || !there || len(damaged) != len(whole):
				t.Fatalf("%v, seed %d: told %+v, damaged sectors %v of %d bytes", kind, seed, told, hold, len(damaged))
			case kind != disk.Misdirected && len(hold) != 1:
				t.Errorf("%v, seed %d: %d sectors are damaged", kind, seed, len(hold))
			case kind == disk.Rot && damaged[told.A] == whole[told.A]:
				t.Errorf("%v, seed %d: byte %d has not changed", kind, seed, told.A)
			}
			if hit == sectors-1 {
				lasts++
			}
			if kind != disk.Misdirected {
				continue
			}
			to := int(told.B) / sector
			if strings.Trim(hold[hit], "\x00") != "" {
				t.Errorf("%v, seed %d: sector %d, which was not written, holds %q", kind, seed, hit, hold[hit])
			}
			if to != hit {
				elsewhere++
				if n := min(len(hold[hit]), len(hold[to])); n == 0 || hold[to][:n] != whole[hit*sector:][:n] || len(hold) != 2 {
					t.Errorf("%v, seed %d: sector %d, where %d was written, holds %q", kind, seed, to, hit, hold[to])
				}
			}
		}
		if lasts == 0 || (elsewhere > 0) != (kind == disk.Misdirected) {
			t.Errorf("%v: the last sector was hit %d times, and another one instead %d times", kind, lasts, elsewhere)
		}
	}
}

// Each fault is in the trace once, however often it is asked for.
func TestFaultsAreTold(t *testing.T) {
	d, log := newDisk(disk.Config{}, 8)
	write(t, create(t, d, "f"), "12345")
	d.Flush()
	var told [][3]uint64
	log.Subscribe(trace.Kinds(trace.DiskFault), func(e *trace.Event) { told = append(told, [3]uint64{uint64(e.Aux), e.A, e.B}) })
	for range 2 {
		if err := d.Rot("f", 3, 0x81); err != nil {
			t.Fatal(err)
		}
		if got := read(t, d, "f"); got != "123\xb55" {
			t.Errorf("the rotten file reads %q", got)
		}
		d.Repair()
		d.Repair()
	}
	for range 2 {
		d.Lie()
		d.Fail()
		d.Stall()
		d.Slow(7)
	}
	d.Resume()
	d.Fill()
	d.Free()
	d.Repair()
	f, err := d.Open("f")
	if err != nil {
		t.Fatal(err)
	}
	d.FailSyncs(2)
	for range 2 {
		write(t, f, "678")
		d.Synced(d.Sync().ID)
		d.Abandon()
	}
	want := [][3]uint64{
		{uint64(trace.FaultDiskRot), 3, 0x81},
		{uint64(trace.FaultDiskRepair)},
		{uint64(trace.FaultDiskRot), 3, 0x81},
		{uint64(trace.FaultDiskRepair)},
		{uint64(trace.FaultDiskLie)},
		{uint64(trace.FaultDiskFail)},
		{uint64(trace.FaultDiskStall)},
		{uint64(trace.FaultDiskSlow), 7},
		{uint64(trace.FaultDiskResume)},
		{uint64(trace.FaultDiskFull), 5},
		{uint64(trace.FaultDiskFree), 5},
		{uint64(trace.FaultDiskRepair)},
		{uint64(trace.FaultDiskFailSyncs), 2},
		{uint64(trace.FaultDiskSyncFailed), 3, 1},
		{uint64(trace.FaultDiskSyncFailed), 3},
	}
	if !slices.Equal(told, want) {
		t.Errorf("the trace tells\n%v, want\n%v", told, want)
	}
}

// What injected faults draw moves nothing else: with the same seed, a device waits, loses
// and tears the same, damaged or not.
func TestDamageLeavesOtherDrawsAlone(t *testing.T) {
	run := func(faults func(d *disk.Disk)) (tickets []disk.Ticket, loss disk.Loss) {
		d, _ := newDisk(disk.Default(), 3)
		f := create(t, d, "f")
		write(t, f, strings.Repeat("x", 4000))
		d.Flush()
		faults(d)
		write(t, f, strings.Repeat("y", 9000))
		tickets = append(tickets, d.Sync(), d.Sync())
		return tickets, d.Crash()
	}
	tickets, loss := run(func(*disk.Disk) {})
	for kind := range disk.NumDamages {
		damaged, lost := run(func(d *disk.Disk) { d.Damage(kind, []disk.Extent{{File: "f", High: 4000}}) })
		if !slices.Equal(damaged, tickets) || lost != loss {
			t.Errorf("%v: syncs %v and loss %+v, without damage %v and %+v", kind, damaged, lost, tickets, loss)
		}
	}
}

// A lie is found out by a crash, and not before.
func TestLie(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 4)
	f := create(t, d, "f")
	write(t, f, "true ")
	d.Synced(d.Sync().ID)
	d.Lie()
	write(t, f, "lies ")
	other := create(t, d, "g")
	write(t, other, "lies too")
	if s := d.Sync(); !d.Synced(s.ID) || f.Durable() != 10 || other.Durable() != 8 {
		t.Errorf("a lying sync says that %d and %d bytes are durable, want all", f.Durable(), other.Durable())
	}
	if d.Forgot() {
		t.Error("the lie came out before a crash")
	}
	if loss := d.Crash(); loss.Broken != 13 || loss.Lost != 13 || !d.Forgot() {
		t.Errorf("the crash lost %+v", loss)
	}
	if got := read(t, d, "f"); got != "true " || len(d.List()) != 1 {
		t.Errorf("the file reads %q, of %v", got, d.List())
	}
	if d.Crash().Broken != 0 {
		t.Error("a promise was broken twice")
	}
}

// A device that is repaired, and then syncs, breaks no promise, nor does one whose cache
// has all the time that it needs: neither of bytes nor of names.
func TestLieThatIsMadeGood(t *testing.T) {
	for name, amend := range map[string]func(*disk.Disk){
		"repaired and synced": func(d *disk.Disk) { d.Repair(); d.Synced(d.Sync().ID) },
		"flushed":             func(d *disk.Disk) { flush(t, d) },
	} {
		d, _ := newDisk(disk.Config{}, 5)
		old := create(t, d, "old")
		write(t, old, "true, ")
		d.Flush()
		d.Lie()
		write(t, old, "promised")
		write(t, create(t, d, "new"), "promised")
		create(t, d, "empty")
		d.Synced(d.Sync().ID)
		amend(d)
		if loss := d.Crash(); loss != (disk.Loss{}) || len(d.List()) != 3 {
			t.Fatalf("%s: the crash lost %+v and left %v", name, loss, d.List())
		}
		if before, after := read(t, d, "old"), read(t, d, "new"); before != "true, promised" || after != "promised" {
			t.Errorf("%s: the files read %q and %q", name, before, after)
		}
	}
}

// Removals are in the cache, too: the files of a device that lies may be back.
func TestLieAboutRemoval(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 6)
	write(t, create(t, d, "f"), "here")
	d.Flush()
	d.Lie()
	if err := d.Remove("f"); err != nil {
		t.Fatal(err)
	}
	d.Synced(d.Sync().ID)
	if loss := d.Crash(); loss.Returned != 1 || read(t, d, "f") != "here" {
		t.Errorf("after the crash there are %v: %+v", d.List(), loss)
	}
}

func TestFailure(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 7)
	f := create(t, d, "f")
	write(t, f, "before")
	s := d.Sync()
	d.Fail()
	if err := f.Append([]byte("x")); !errors.Is(err, disk.ErrIO) || f.Size() != 6 {
		t.Errorf("append: %v, %d bytes", err, f.Size())
	}
	if _, err := d.Create("g"); !errors.Is(err, disk.ErrIO) {
		t.Errorf("create: %v", err)
	}
	if _, err := d.Open("f"); !errors.Is(err, disk.ErrIO) {
		t.Errorf("open: %v", err)
	}
	if d.Synced(s.ID) || !errors.Is(d.Failure(), disk.ErrIO) {
		t.Errorf("a sync of a device that fails completed; %v", d.Failure())
	}
	d.Repair()
	if d.Failure() != nil || !d.Synced(s.ID) || read(t, d, "f") != "before" {
		t.Errorf("repaired: %v", d.Failure())
	}
}

func flush(t *testing.T, d *disk.Disk) {
	t.Helper()
	if err := d.Flush(); err != nil {
		t.Fatal(err)
	}
}
