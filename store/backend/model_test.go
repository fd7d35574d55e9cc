package backend_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store/backend"
	"etcdsim/store/disk"
	"etcdsim/store/record"
)

// The state of these tests is a text; a batch is what is added to it.

// version is the state after one record was written.
type version struct {
	point backend.Point
	text  string
	// durable: a sync covered it.
	durable bool
}

// model is a backend, and all states that it was told.
type model struct {
	disk    *disk.Disk
	backend *backend.Backend
	told    []version
	syncs   []pending
}

// pending is a sync under way, and how many of the versions it covers.
type pending struct {
	id     uint64
	covers int
}

func newModel(seed uint64) *model {
	d := disk.New(1, disk.Config{Keep: sim.Percent(10), Torn: sim.Percent(60), Garbage: sim.Percent(50)}, seed, trace.NewLog())
	m := &model{disk: d}
	first := backend.Point{Index: 1, Term: 1}
	b, err := backend.Create(d, first, []byte("image "))
	if err != nil {
		panic(err)
	}
	d.Flush()
	m.backend, m.told = b, []version{{first, "image ", true}}
	return m
}

func (m *model) newest() version { return m.told[len(m.told)-1] }

// next tells the backend the next state: as a batch, or as a new generation.
func (m *model) next(t interface{ Fatal(...any) }, batch string, rewrite bool) {
	v := version{point: m.newest().point, text: m.newest().text + batch}
	v.point.Index += uint64(1 + len(batch)%3)
	v.point.Term += uint64(len(batch) % 2)
	var err error
	if rewrite {
		err = m.backend.Rewrite(v.point, []byte(v.text))
	} else {
		err = m.backend.Append(v.point, []byte(batch))
	}
	if err != nil {
		t.Fatal(err)
	}
	m.told = append(m.told, v)
}

func (m *model) beginSync() {
	m.syncs = append(m.syncs, pending{m.disk.Sync().ID, len(m.told)})
}

// endSync completes a sync under way.
func (m *model) endSync(i int) {
	s := m.syncs[i]
	m.syncs = slices.Delete(m.syncs, i, i+1)
	m.disk.Synced(s.id)
	for i := range m.told[:s.covers] {
		m.told[i].durable = true
	}
}

// restart cuts the power and recovers. What the next owner finds must be one of the
// states told, no older than the newest durable one.
func (m *model) restart() error {
	m.disk.Crash()
	return m.reopen()
}

// succeed lets the owner's process die, and the next one sync what it left, as the log
// does before anybody looks at the backend. It must find the newest state.
func (m *model) succeed() error {
	m.disk.Abandon()
	if err := m.disk.Flush(); err != nil {
		return err
	}
	for i := range m.told {
		m.told[i].durable = true
	}
	return m.reopen()
}

func (m *model) reopen() error {
	m.syncs = nil
	b, state, err := backend.Open(m.disk)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	m.backend = b
	found, err := m.match(state)
	if err != nil {
		return err
	}
	for _, v := range m.told[found+1:] {
		if v.durable {
			return fmt.Errorf("recovered %v, although %v was durable", state.Point, v.point)
		}
	}
	if files := m.disk.List(); len(files) != 1 {
		return fmt.Errorf("after recovery there are %q", files)
	}
	m.told = m.told[:found+1]
	m.told[found].durable = true
	return nil
}

// match returns which of the states told was found.
func (m *model) match(s *backend.State) (int, error) {
	text := string(s.Image) + string(bytes.Join(s.Batches, nil))
	i := slices.IndexFunc(m.told, func(v version) bool { return v.point == s.Point })
	if i < 0 || m.told[i].text != text {
		return 0, fmt.Errorf("recovered %v with %.60q, which was never told", s.Point, text)
	}
	return i, nil
}

func TestCrashes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(rapid.Uint64().Draw(t, "seed"))
		t.Repeat(map[string]func(*rapid.T){
			"batch": func(t *rapid.T) {
				size := rapid.SampledFrom([]int{0, 1, 40, 600, 3000}).Draw(t, "size")
				m.next(t, strings.Repeat(string(rune('a'+len(m.told)%26)), size), false)
			},
			"rewrite": func(t *rapid.T) { m.next(t, "+", true) },
			"sync":    func(*rapid.T) { m.beginSync() },
			"synced": func(t *rapid.T) {
				if len(m.syncs) == 0 {
					t.Skip("no sync is under way")
				}
				m.endSync(rapid.IntRange(0, len(m.syncs)-1).Draw(t, "which"))
			},
			"settle": func(t *rapid.T) {
				durable := m.backend.Settle()
				for _, v := range slices.Backward(m.told) {
					if v.durable {
						if durable != v.point {
							t.Fatalf("the backend says that %v is durable, want %v", durable, v.point)
						}
						break
					}
				}
			},
			"crash": func(t *rapid.T) {
				if err := m.restart(); err != nil {
					t.Fatal(err)
				}
			},
			"death": func(t *rapid.T) {
				if err := m.succeed(); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

// No flipped bit goes unnoticed: the backend is refused, or what the bit belongs
// to is cut off like a torn write.
func TestEveryFlippedBit(t *testing.T) {
	history := func() *model {
		m := newModel(1)
		for _, batch := range []string{"one ", "two ", "three ", "four "} {
			m.next(t, batch, false)
			m.beginSync()
			m.endSync(0)
		}
		return m
	}
	name := history().disk.List()[0]
	f, err := history().disk.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := range f.Size() {
		for bit := range 8 {
			m := history()
			if err := m.disk.Rot(name, at, 1<<bit); err != nil {
				t.Fatal(err)
			}
			_, state, err := backend.Open(m.disk)
			if err != nil {
				var corrupt *record.CorruptError
				if !errors.As(err, &corrupt) || corrupt.File != name || corrupt.Offset > at {
					t.Fatalf("byte %d, bit %d: %v", at, bit, err)
				}
				refused++
				continue
			}
			if found, err := m.match(state); err != nil || found < len(m.told)-2 {
				t.Fatalf("byte %d, bit %d: recovered version %d of %d, %v", at, bit, found, len(m.told), err)
			}
		}
	}
	if total := 8 * int(f.Size()); refused < total/2 || refused == total {
		t.Errorf("of %d flipped bits %d were refused: expected most, but not those in the last record", total, refused)
	}
}

func TestFullDiskChangesNothing(t *testing.T) {
	m := newModel(1)
	m.next(t, "fits", false)
	m.beginSync()
	m.endSync(0)
	used := m.disk.Used()
	config := m.disk.Config()
	config.Capacity = sim.Size(used + 60)
	m.disk.SetConfig(config)
	if err := m.backend.Append(backend.Point{Index: 9}, make([]byte, 100)); !errors.Is(err, disk.ErrFull) {
		t.Errorf("append: %v, want ErrFull", err)
	}
	if err := m.backend.Rewrite(backend.Point{Index: 9}, make([]byte, 100)); !errors.Is(err, disk.ErrFull) {
		t.Errorf("rewrite: %v, want ErrFull", err)
	}
	if m.disk.Used() != used || len(m.disk.List()) != 1 {
		t.Errorf("%d bytes in %q after two refused writes, %d before", m.disk.Used(), m.disk.List(), used)
	}
	m.next(t, "small", false) // there is room for that
	m.beginSync()
	m.endSync(0)
	if err := m.restart(); err != nil {
		t.Error(err)
	}
}

func TestNoBackend(t *testing.T) {
	d := disk.New(1, disk.Config{}, 1, trace.NewLog())
	if _, _, err := backend.Open(d); !errors.Is(err, backend.ErrNone) {
		t.Errorf("an empty disk: %v, want ErrNone", err)
	}
	if _, err := d.Create("1.db"); err != nil {
		t.Fatal(err)
	}
	var corrupt *record.CorruptError
	if _, _, err := backend.Open(d); !errors.As(err, &corrupt) {
		t.Errorf("a file that no backend wrote: %v, want a CorruptError", err)
	}
}

func BenchmarkAppend(b *testing.B) {
	d := disk.New(1, disk.Config{}, 1, trace.NewLog())
	be, err := backend.Create(d, backend.Point{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]byte, 4000)
	p := backend.Point{}
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		p.Index++
		err := be.Append(p, batch)
		if size, _ := be.Size(); size > 1<<24 {
			err = errors.Join(err, be.Rewrite(p, nil))
		}
		if err != nil {
			b.Fatal(err)
		}
		d.Synced(d.Sync().ID)
		be.Settle()
	}
}
