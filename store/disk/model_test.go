package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/store/disk"
)

// model is a device as one would describe it to somebody, byte by byte: what the machine
// reads back, what a sync has said is durable, and what is on the platter. Its crashes
// lose whatever is not; what else they may do is TestCrashes' business.
type model struct {
	live    map[string]*modelFile
	removed []modelRemoval
	syncs   []modelSync
	started int

	lying, failing, stalled bool
	toFail                  int
	// refused: a sync has failed, and the process has not ended yet.
	refused bool
}

type modelFile struct {
	name  string
	bytes []modelByte
	// named: a sync has said so of the name; reallyNamed: it is so. written: the next
	// sync has something to do.
	named, reallyNamed, written bool
}

type modelByte struct {
	value byte
	// dirty: the next sync writes it. promised: a sync has said that it is durable.
	// durable: that sync was honest. missed: a sync that failed was to write it, and
	// nobody will.
	dirty, promised, durable, missed bool
}

type modelRemoval struct {
	file *modelFile
	at   int // syncs that had been started
}

type modelSync struct {
	id     int
	covers []modelCover
}

type modelCover struct {
	file *modelFile
	size int
	// sectors are those that it writes.
	sectors map[int]bool
}

// files are all that a sync or a crash may concern, in order of their names.
func (m *model) files() []*modelFile {
	var all []*modelFile
	for _, name := range slices.Sorted(maps.Keys(m.live)) {
		all = append(all, m.live[name])
	}
	for _, r := range m.removed {
		all = append(all, r.file)
	}
	return all
}

func (m *model) start() int {
	m.started++
	s := modelSync{id: m.started}
	for _, f := range m.files() {
		if !f.written {
			continue
		}
		c := modelCover{f, len(f.bytes), map[int]bool{}}
		for i := range f.bytes {
			if b := &f.bytes[i]; b.dirty {
				c.sectors[i/disk.Sector] = true
				b.dirty = false
			}
		}
		f.written = false
		s.covers = append(s.covers, c)
	}
	m.syncs = append(m.syncs, s)
	return s.id
}

// end ends the i-th sync under way: with it come all that began before it.
func (m *model) end(i int) {
	s := m.syncs[i]
	if m.toFail > 0 {
		m.toFail--
		m.refused = true
		for _, c := range s.covers {
			for i := range c.file.bytes[:min(c.size, len(c.file.bytes))] {
				if b := &c.file.bytes[i]; !b.promised {
					b.missed = true
				}
			}
		}
	} else {
		for _, earlier := range m.syncs[:i+1] {
			for _, c := range earlier.covers {
				m.settle(c)
			}
		}
		if !m.lying {
			m.removed = slices.DeleteFunc(m.removed, func(r modelRemoval) bool { return r.at < s.id })
		}
	}
	m.syncs = slices.Delete(m.syncs, i, i+1)
}

func (m *model) settle(c modelCover) {
	f := c.file
	f.named = true
	f.reallyNamed = f.reallyNamed || !m.lying
	for i := range f.bytes {
		b := &f.bytes[i]
		if i < c.size {
			b.promised = true
			b.missed = b.missed && !c.sectors[i/disk.Sector]
		}
		b.durable = b.durable || b.promised && !m.lying
	}
}

// flush reports whether all syncs have completed.
func (m *model) flush() bool {
	if m.failing {
		return false
	}
	lying := m.lying
	m.lying = false
	m.confess()
	m.start()
	for len(m.syncs) > 0 {
		m.end(0)
	}
	m.lying = lying
	return !m.refused
}

// confess lets the next sync write what a lie has covered.
func (m *model) confess() {
	for _, f := range m.live {
		lie := !f.reallyNamed
		for i := range f.bytes {
			lie = lie || f.bytes[i].promised && !f.bytes[i].durable
		}
		f.written = f.written || lie
	}
}

func (m *model) abandon() {
	m.syncs, m.refused = nil, false
	for _, f := range m.live {
		f.written = f.written || !f.named
		for i := range f.bytes {
			if b := &f.bytes[i]; !b.promised {
				b.dirty = !b.missed
				f.written = true
			}
		}
	}
}

// crash reports whether a promise was broken.
func (m *model) crash() (broken bool) {
	m.syncs, m.refused = nil, false
	for _, r := range m.removed {
		m.live[r.file.name] = r.file
	}
	m.removed = nil
	for _, f := range m.live {
		broken = f.crash() || broken
	}
	maps.DeleteFunc(m.live, func(_ string, f *modelFile) bool { return !f.named && len(f.bytes) == 0 })
	return broken
}

func (f *modelFile) crash() (broken bool) {
	size := 0
	for i := range f.bytes {
		b := &f.bytes[i]
		if b.promised && (b.missed || !b.durable) {
			broken = true
		}
		if b.durable {
			size = i + 1
		}
		if b.missed {
			b.value = 0
		}
		b.promised, b.durable, b.dirty, b.missed = true, true, false, false
	}
	f.bytes, f.written, f.named = f.bytes[:size], false, f.reallyNamed
	return broken
}

func (m *model) repair() {
	m.confess()
	for _, f := range m.files() {
		for i := range f.bytes {
			f.bytes[i].missed = false
		}
	}
	m.lying, m.failing, m.toFail = false, false, 0
}

func (m *model) used() int64 {
	n := 0
	for _, f := range m.live {
		n += len(f.bytes)
	}
	return int64(n)
}

// String describes what the device shows to whoever looks at it.
func (m *model) String() string {
	var s strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m.live)) {
		f := m.live[name]
		data, promised := make([]byte, len(f.bytes)), 0
		for i, b := range f.bytes {
			data[i] = b.value
			if b.promised {
				promised++
			}
		}
		fmt.Fprintf(&s, "%s: %d bytes, %d durable: %s\n", name, len(data), promised, runs(data))
	}
	return s.String()
}

// doings are what members and faults do to a device, and how often.
var doings = func() (all []string) {
	for do, weight := range map[string]int{
		"append": 16, "remove": 2, "cut": 2, "sync": 8, "synced": 12, "flush": 4, "process-dies": 4, "power-fails": 4,
		"stall": 1, "resume": 6, "lie": 4, "fail": 1, "fail-syncs": 4, "repair": 2,
	} {
		all = append(all, slices.Repeat([]string{do}, weight)...)
	}
	slices.Sort(all)
	return all
}()

// TestAgainstModel does all that with a device and with the model, in any order:
// processes die and machines do, syncs lie, stall and fail. Whatever a crash can take
// must have been taken; what is rare takes more histories.
func TestAgainstModel(t *testing.T) {
	var met meetings
	for range 30 {
		if rapid.Check(t, met.history); t.Failed() || met.all() {
			break
		}
	}
	if !met.all() {
		t.Errorf("the histories were too tame: %+v", met)
	}
}

// meetings counts what crashes did: they lost bytes that were not synced, or of which syncs
// had lied, or that failed syncs were to write; and removed files returned.
type meetings struct{ unsynced, lies, missed, returned int }

func (met *meetings) all() bool {
	return met.unsynced > 0 && met.lies > 0 && met.missed > 0 && met.returned > 0
}

// history is one of a device.
func (met *meetings) history(t *rapid.T) {
	d, _ := newDisk(disk.Config{}, 1)
	m := &model{live: map[string]*modelFile{}}
	letter := 0
	// newborn: a process has begun, and has not done anything yet.
	newborn := true
	for range rapid.IntRange(50, 150).Draw(t, "steps") {
		do := rapid.SampledFrom(doings).Draw(t, "do")
		name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "file")
		f := m.live[name]
		if m.failing && rapid.Bool().Draw(t, "at once") {
			do = "repair" // nothing else happens to a device that fails
		}
		switch do {
		case "append", "remove", "sync", "synced", "flush":
			if m.refused {
				do = "process-dies"
			}
			newborn = false
		}
		switch do {
		case "append":
			file, err := d.Open(name)
			if errors.Is(err, disk.ErrNotExist) {
				file, err = d.Create(name)
			}
			if (err != nil) != m.failing {
				t.Fatalf("%s was opened: %v", name, err)
			} else if err != nil {
				continue
			}
			if f == nil {
				f = &modelFile{name: name}
				m.live[name] = f
				m.removed = slices.DeleteFunc(m.removed, func(r modelRemoval) bool { return r.file.name == name })
			}
			value := byte('a' + letter%26)
			letter++
			n := rapid.SampledFrom([]int{1, 100, 512, 900, 9000}).Draw(t, "bytes")
			if err := file.Append(bytes.Repeat([]byte{value}, n)); err != nil {
				t.Fatal(err)
			}
			f.bytes = append(f.bytes, slices.Repeat([]modelByte{{value: value, dirty: true}}, n)...)
			f.written = true
		case "remove":
			if err := d.Remove(name); (err == nil) != (f != nil) {
				t.Fatalf("%s was removed: %v", name, err)
			} else if err == nil {
				delete(m.live, name)
				m.removed = append(m.removed, modelRemoval{f, m.started})
			}
		case "cut":
			if !newborn || f == nil || m.failing {
				continue
			}
			size := rapid.IntRange(0, len(f.bytes)).Draw(t, "size")
			if err := d.CutTail(name, int64(size)); err != nil {
				t.Fatal(err)
			}
			if f.bytes = f.bytes[:size]; size == 0 {
				delete(m.live, name)
			}
		case "sync":
			if ticket := d.Sync(); ticket.ID != uint64(m.start()) || ticket.Held != m.stalled {
				t.Fatalf("%+v is not sync %d", ticket, m.started)
			}
		case "synced":
			if len(m.syncs) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(m.syncs)-1).Draw(t, "which")
			done := d.Synced(uint64(m.syncs[i].id))
			comes := !m.failing && !m.stalled
			if comes {
				m.end(i)
			}
			if done != (comes && !m.refused) {
				t.Fatalf("a sync completes: %v", done)
			}
		case "flush":
			if err := d.Flush(); (err == nil) != m.flush() {
				t.Fatalf("a flush fails: %v", err)
			}
		case "process-dies":
			d.Abandon()
			m.abandon()
			newborn = true
		case "power-fails":
			before, hollow := m.String(), d.Hollow()
			loss, broken := d.Crash(), m.crash()
			if (loss.Broken > 0) != broken {
				t.Fatalf("%+v; a promise was broken: %v; before the crash there was\n%s", loss, broken, before)
			}
			newborn = true
			met.returned += loss.Returned
			switch {
			case !broken && loss.Lost > 0:
				met.unsynced++
			case broken && hollow:
				met.missed++
			case broken:
				met.lies++
			}
		case "stall":
			d.Stall()
			m.stalled = true
		case "resume":
			d.Resume()
			m.stalled = false
		case "lie":
			d.Lie()
			m.lying = true
		case "fail":
			d.Fail()
			m.failing = true
		case "fail-syncs":
			m.toFail = rapid.IntRange(1, 2).Draw(t, "syncs")
			d.FailSyncs(uint64(m.toFail))
		case "repair":
			d.Repair()
			m.repair()
		}
		if d.Used() != m.used() {
			t.Fatalf("after %s %d bytes are in use, want %d", do, d.Used(), m.used())
		}
		if m.failing {
			continue // it cannot be read
		}
		if got, err := show(d); got != m.String() {
			t.Fatalf("after %s the device holds (%v)\n%swant\n%s", do, err, got, m)
		}
	}
}
