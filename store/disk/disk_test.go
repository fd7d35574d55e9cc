package disk_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store/disk"
)

func newDisk(c disk.Config, seed uint64) (*disk.Disk, *trace.Log) {
	log := trace.NewLog()
	return disk.New(1, c, seed, log), log
}

func create(t testing.TB, d *disk.Disk, name string) *disk.File {
	t.Helper()
	f, err := d.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t testing.TB, f *disk.File, data string) {
	t.Helper()
	if err := f.Append([]byte(data)); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, d *disk.Disk, name string) string {
	t.Helper()
	f, err := d.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(f.Read())
}

func TestReadReturnsWhatWasAppended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, _ := newDisk(disk.Config{}, 1)
		f, _ := d.Create("f")
		var want []byte
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 20_000), 0, 12).Draw(t, "writes") {
			data := bytes.Repeat([]byte{byte(n), byte(n >> 8), 7}, n/3+1)[:n]
			if err := f.Append(data); err != nil {
				t.Fatal(err)
			}
			want = append(want, data...)
		}
		if !bytes.Equal(f.Read(), want) || f.Size() != int64(len(want)) || d.Used() != int64(len(want)) {
			t.Fatalf("read %d bytes, size %d, used %d; want the %d that were written", len(f.Read()), f.Size(), d.Used(), len(want))
		}
	})
}

func TestSyncCoversWhatCameBeforeItStarted(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 2)
	f := create(t, d, "f")
	write(t, f, "before")
	s := d.Sync()
	write(t, f, " after")
	if f.Durable() != 0 {
		t.Errorf("%d bytes are durable before the sync completed", f.Durable())
	}
	if !d.Synced(s.ID) || f.Durable() != 6 {
		t.Errorf("%d bytes are durable after the sync, want 6", f.Durable())
	}
	d.Crash()
	if got := read(t, d, "f"); got != "before" {
		t.Errorf("the crash left %q, want %q", got, "before")
	}
}

// TestLaterSyncCoversWhatAnEarlierOneHasInHand: a sync is a promise about all
// that was written before it, whoever carries it to the platter.
func TestLaterSyncCoversWhatAnEarlierOneHasInHand(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 3)
	f := create(t, d, "f")
	write(t, f, "data")
	d.Sync()
	later := d.Sync()
	if d.Synced(later.ID); f.Durable() != 4 {
		t.Errorf("%d of 4 bytes are durable after a sync that began behind them", f.Durable())
	}
}

func TestSyncsCompleteInAnyOrder(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 3)
	f := create(t, d, "f")
	write(t, f, "one")
	first := d.Sync()
	write(t, f, "two")
	second := d.Sync()
	if !d.Synced(second.ID) || f.Durable() != 6 {
		t.Errorf("the newer sync made %d bytes durable, want all 6", f.Durable())
	}
	if !d.Synced(first.ID) || f.Durable() != 6 {
		t.Errorf("the older sync took bytes back: %d are durable, want 6", f.Durable())
	}
	if d.Synced(first.ID) {
		t.Error("a sync completed twice")
	}
}

func TestSyncLatency(t *testing.T) {
	d, _ := newDisk(disk.Config{Sync: sim.Range{Min: time.Millisecond, Max: 3 * time.Millisecond}}, 4)
	for range 100 {
		if s := d.Sync(); s.Latency < time.Millisecond || s.Latency > 3*time.Millisecond || s.Held {
			t.Fatalf("ticket %+v, want a latency of 1ms to 3ms", s)
		}
	}
	d.Slow(100)
	if s := d.Sync(); s.Latency < 100*time.Millisecond || s.Latency > 300*time.Millisecond {
		t.Errorf("a disk 100 times slower syncs in %v, want 100ms to 300ms", s.Latency)
	}
	d.Slow(1)
	if s := d.Sync(); s.Latency > 3*time.Millisecond {
		t.Errorf("a disk that recovered syncs in %v", s.Latency)
	}
}

func TestFlushCompletesWhatIsUnderWay(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 4)
	f := create(t, d, "f")
	write(t, f, "one")
	early := d.Sync()
	d.Stall()
	write(t, f, "two")
	held := d.Sync()
	write(t, f, "three")
	d.Flush()
	if f.Durable() != f.Size() {
		t.Errorf("%d of %d bytes are durable after a flush", f.Durable(), f.Size())
	}
	if d.Synced(early.ID) || d.Synced(held.ID) || d.Resume() != nil {
		t.Error("a sync was still under way after a flush")
	}
	if loss := d.Crash(); loss != (disk.Loss{}) {
		t.Errorf("a crash after a flush had the effect %+v", loss)
	}
}

func TestStallHoldsSyncsUntilResumed(t *testing.T) {
	d, _ := newDisk(disk.Config{Sync: sim.Range{Min: 5, Max: 5}}, 5)
	f := create(t, d, "f")
	write(t, f, "one")
	due := d.Sync()
	write(t, f, "two")
	early := d.Sync()
	d.Stall()
	write(t, f, "three")
	held := d.Sync()
	if !held.Held || !d.Stalled() {
		t.Errorf("a sync that starts during a stall: %+v, want it held", held)
	}
	if d.Synced(due.ID) || f.Durable() != 0 {
		t.Error("a sync completed during a stall")
	}
	want := []disk.Ticket{{ID: due.ID}, {ID: held.ID, Latency: 5}}
	if got := d.Resume(); !slices.Equal(got, want) {
		t.Errorf("Resume = %+v, want %+v (the one in between is not due yet)", got, want)
	}
	for _, s := range []disk.Ticket{early, due, held} {
		if !d.Synced(s.ID) {
			t.Errorf("sync %d did not complete after the stall", s.ID)
		}
	}
	if f.Durable() != f.Size() {
		t.Errorf("%d of %d bytes are durable", f.Durable(), f.Size())
	}
	if d.Resume() != nil {
		t.Error("a disk that is not stalled resumed something")
	}
}

func TestCrashVoidsSyncs(t *testing.T) {
	for _, stalled := range []bool{false, true} {
		d, _ := newDisk(disk.Config{}, 6)
		f := create(t, d, "f")
		write(t, f, "data")
		if stalled {
			d.Stall()
		}
		s := d.Sync()
		if loss := d.Crash(); !loss.InSync {
			t.Errorf("stalled %v: the crash did not notice the sync: %+v", stalled, loss)
		}
		if got := d.Resume(); got != nil {
			t.Errorf("stalled %v: Resume returned the void syncs %+v", stalled, got)
		}
		if d.Synced(s.ID) {
			t.Errorf("stalled %v: a sync of the earlier incarnation completed", stalled)
		}
	}
}

func TestFullDiskRefusesWholeWrites(t *testing.T) {
	d, _ := newDisk(disk.Config{Capacity: 10}, 7)
	f := create(t, d, "f")
	write(t, f, "12345678")
	err := f.Append([]byte("abc"))
	if !errors.Is(err, disk.ErrFull) || !strings.Contains(err.Error(), "8 of 10") {
		t.Errorf("append beyond the capacity = %v, want ErrFull with figures", err)
	}
	if string(f.Read()) != "12345678" {
		t.Errorf("a refused write left %q", f.Read())
	}
	write(t, f, "90") // exactly full
	if err := d.Remove("f"); err != nil || d.Used() != 0 {
		t.Fatalf("after the removal: %v, %d bytes used", err, d.Used())
	}
	write(t, create(t, d, "g"), "0123456789")
	c := d.Config()
	c.Capacity = 0
	d.SetConfig(c)
	write(t, create(t, d, "h"), "any amount")
}

func TestDirectory(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 8)
	create(t, d, "b")
	create(t, d, "a")
	if got := d.List(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("List = %v, want the names in order", got)
	}
	if _, err := d.Create("a"); !errors.Is(err, disk.ErrExist) {
		t.Errorf("creating a file twice = %v, want ErrExist", err)
	}
	if _, err := d.Open("c"); !errors.Is(err, disk.ErrNotExist) {
		t.Errorf("opening a missing file = %v, want ErrNotExist", err)
	}
	if err := d.Remove("c"); !errors.Is(err, disk.ErrNotExist) {
		t.Errorf("removing a missing file = %v, want ErrNotExist", err)
	}
	if err := d.CutTail("c", 0); !errors.Is(err, disk.ErrNotExist) {
		t.Errorf("cutting a missing file = %v, want ErrNotExist", err)
	}
	if err := d.Rot("c", 0, 1); !errors.Is(err, disk.ErrNotExist) {
		t.Errorf("rot in a missing file = %v, want ErrNotExist", err)
	}
}

func TestNamesObeySyncs(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 9)
	create(t, d, "kept")
	write(t, create(t, d, "removed"), "old")
	d.Flush()
	create(t, d, "new")
	if err := d.Remove("removed"); err != nil {
		t.Fatal(err)
	}
	if loss := d.Crash(); loss.Returned != 1 {
		t.Errorf("%d files came back, want 1", loss.Returned)
	}
	if got := d.List(); !slices.Equal(got, []string{"kept", "removed"}) || read(t, d, "removed") != "old" {
		t.Errorf("after the crash there is %v, want kept and removed", got)
	}
	if err := d.Remove("removed"); err != nil {
		t.Fatal(err)
	}
	s := d.Sync()
	d.Synced(s.ID)
	d.Crash()
	if got := d.List(); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("after the removal was synced there is %v, want kept", got)
	}
}

func TestRemovalsReturnFromTheLastBackwards(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(100) {
		d, _ := newDisk(disk.Config{Torn: sim.Percent(100)}, seed)
		for _, name := range []string{"1", "2", "3"} {
			create(t, d, name)
		}
		d.Flush()
		for _, name := range []string{"1", "2", "3"} {
			if err := d.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		d.Crash()
		seen[fmt.Sprint(d.List())] = true
	}
	for _, want := range []string{"[]", "[3]", "[2 3]", "[1 2 3]"} {
		if !seen[want] {
			t.Errorf("no crash of 100 left %s", want)
		}
		delete(seen, want)
	}
	for got := range seen {
		t.Errorf("a crash left %s, which is no suffix of the removals", got)
	}
}

func TestNameIsUsedAgainAfterRemoval(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 10)
	write(t, create(t, d, "f"), "old")
	d.Flush()
	if err := d.Remove("f"); err != nil {
		t.Fatal(err)
	}
	write(t, create(t, d, "f"), "new")
	d.Flush()
	d.Crash()
	if got := read(t, d, "f"); got != "new" || d.Used() != 3 {
		t.Errorf("the file reads %q with %d bytes used, want the new content", got, d.Used())
	}
}

func TestCutTailIsDurableAtOnce(t *testing.T) {
	d, log := newDisk(disk.Config{}, 11)
	f := create(t, d, "f")
	write(t, f, strings.Repeat("x", 20_000))
	write(t, create(t, d, "g"), "gone")
	d.Flush()
	if err := errors.Join(d.CutTail("f", 100), d.CutTail("g", 0)); err != nil {
		t.Fatal(err)
	}
	d.Crash()
	if got := d.List(); !slices.Equal(got, []string{"f"}) || len(read(t, d, "f")) != 100 || d.Used() != 100 {
		t.Errorf("after the crash: %v, %d bytes used; want f with 100 bytes", got, d.Used())
	}
	if log.Hits(trace.ProbeTornTail) != 2 {
		t.Errorf("the probe counted %d, want 2", log.Hits(trace.ProbeTornTail))
	}
	defer func() {
		if recover() == nil {
			t.Error("cutting a file to more than its size did not panic")
		}
	}()
	_ = d.CutTail("f", 101)
}

func TestRotIsReadButNotWritten(t *testing.T) {
	d, _ := newDisk(disk.Config{}, 12)
	f := create(t, d, "f")
	write(t, f, "abcdef")
	d.Flush()
	if err := d.Rot("f", 2, 0x20); err != nil {
		t.Fatal(err)
	}
	if got := read(t, d, "f"); got != "abCdef" {
		t.Errorf("a rotten bit reads as %q, want abCdef", got)
	}
	d.Crash()
	if got := read(t, d, "f"); got != "abCdef" {
		t.Errorf("after a crash it reads as %q, want abCdef", got)
	}
	if err := d.CutTail("f", 2); err != nil {
		t.Fatal(err)
	}
	f, _ = d.Open("f")
	write(t, f, "cdef")
	if got := read(t, d, "f"); got != "abcdef" {
		t.Errorf("a sector that was written anew reads as %q, want abcdef", got)
	}
}

// TestCrashes is the fault model as a property: after any history of writes,
// syncs and a crash, durable bytes are as they were, the rest is the bytes that
// were written, zeros or garbage, sector by sector, and the counts are right.
func TestCrashes(t *testing.T) {
	var kept, lost, torn, filled bool
	rapid.Check(t, func(t *rapid.T) {
		c := disk.Default()
		c.Garbage = rapid.SampledFrom([]sim.Ratio{{}, sim.Percent(50), sim.Percent(100)}).Draw(t, "garbage")
		d, log := newDisk(c, rapid.Uint64().Draw(t, "seed"))
		names := []string{"a", "b"}
		for _, name := range names {
			if _, err := d.Create(name); err != nil {
				t.Fatal(err)
			}
		}
		d.Flush()
		written := map[string][]byte{}
		durable := map[string]int64{}
		covered := map[string]int64{}
		var inFlight []uint64
		covers := map[uint64]map[string]int64{}
		next := byte(1)
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				name := rapid.SampledFrom(names).Draw(t, "file")
				f, _ := d.Open(name)
				data := bytes.Repeat([]byte{next}, rapid.IntRange(1, 2000).Draw(t, "bytes"))
				next = next%250 + 1
				if err := f.Append(data); err != nil {
					t.Fatal(err)
				}
				written[name] = append(written[name], data...)
			case 2:
				s := d.Sync()
				inFlight = append(inFlight, s.ID)
				covers[s.ID] = map[string]int64{}
				for _, name := range names {
					covers[s.ID][name] = int64(len(written[name]))
					covered[name] = int64(len(written[name]))
				}
			case 3:
				if len(inFlight) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(inFlight)-1).Draw(t, "sync")
				if !d.Synced(inFlight[i]) {
					t.Fatalf("sync %d did not complete", inFlight[i])
				}
				for _, name := range names {
					durable[name] = max(durable[name], covers[inFlight[i]][name])
				}
				inFlight = slices.Delete(inFlight, i, i+1)
			}
		}
		loss := d.Crash()
		if loss.InSync != (len(inFlight) > 0) {
			t.Fatalf("crash in sync: %v with %d syncs under way", loss.InSync, len(inFlight))
		}
		var sumLost, sumKept, used int64
		for _, name := range names {
			f, err := d.Open(name)
			if err != nil {
				t.Fatal(err) // its name was durable
			}
			got, want, stable := f.Read(), written[name], durable[name]
			used += int64(len(got))
			if int64(len(got)) < stable || len(got) > len(want) || !bytes.Equal(got[:stable], want[:stable]) {
				t.Fatalf("%s: %d durable bytes of %d were changed or lost: %d are left", name, stable, len(want), len(got))
			}
			if f.Durable() != f.Size() {
				t.Fatalf("%s: %d of %d bytes are durable after a crash", name, f.Durable(), f.Size())
			}
			survivors, broken := int64(0), false
			for low := stable; low < int64(len(want)); {
				high := min((low/disk.Sector+1)*disk.Sector, int64(len(want)))
				switch {
				case low >= int64(len(got)):
				case high > int64(len(got)):
					t.Fatalf("%s: the file ends at %d, within a sector that was written through %d", name, len(got), high)
				case bytes.Equal(got[low:high], want[low:high]):
					survivors += high - low
					// Beyond what a sync covered, only a prefix can survive.
					if broken && low >= covered[name] {
						t.Fatalf("%s: the sector at %d survived behind a lost one, though no sync covered it", name, low)
					}
				default:
					filled = true
					if zeros := bytes.Count(got[low:high], []byte{0}); c.Garbage.Num == 0 && zeros != int(high-low) {
						t.Fatalf("%s: the sector at %d holds neither what was written nor zeros", name, low)
					}
				}
				if low >= int64(len(got)) || !bytes.Equal(got[low:high], want[low:high]) {
					broken = broken || low >= covered[name]
				}
				low = high
			}
			sumKept += survivors
			sumLost += int64(len(want)) - stable - survivors
		}
		if loss.Lost != sumLost || loss.Kept != sumKept || d.Used() != used {
			t.Fatalf("the crash says %+v and %d bytes are used; counted %d lost, %d kept, %d used", loss, d.Used(), sumLost, sumKept, used)
		}
		if (log.Hits(trace.ProbeUnsyncedLost) > 0) != (loss.Lost > 0) || (log.Hits(trace.ProbeWriteTorn) > 0) != (loss.Torn > 0) {
			t.Fatalf("the probes do not match %+v", loss)
		}
		lost = lost || loss.Lost > 0 && loss.Kept == 0
		kept = kept || loss.Kept > 0 && loss.Lost == 0
		torn = torn || loss.Torn > 0
	})
	if !kept || !lost || !torn || !filled {
		t.Errorf("the crashes were too tame: whole %v, lost %v, torn %v, filled %v", kept, lost, torn, filled)
	}
}

func TestPerfectDiskLosesExactlyWhatWasNotSynced(t *testing.T) {
	d, log := newDisk(disk.Config{}, 13)
	f := create(t, d, "f")
	write(t, f, "synced")
	d.Flush()
	write(t, f, strings.Repeat("x", 3000))
	d.Sync()
	loss := d.Crash()
	if want := (disk.Loss{Lost: 3000, InSync: true}); loss != want {
		t.Errorf("loss %+v, want %+v", loss, want)
	}
	if got := read(t, d, "f"); got != "synced" || log.Hits(trace.ProbeUnsyncedLost) != 1 {
		t.Errorf("the file reads %q", got)
	}
	if loss := d.Crash(); loss != (disk.Loss{}) {
		t.Errorf("a crash of a settled disk: %+v", loss)
	}
}

func TestDrawsAreTheDisksOwn(t *testing.T) {
	run := func(owner trace.Addr, seed uint64) string {
		d := disk.New(owner, disk.Default(), seed, trace.NewLog())
		f := create(t, d, "f")
		write(t, f, strings.Repeat("y", 9000))
		return fmt.Sprint(d.Sync().Latency, d.Sync().Latency, d.Crash(), len(d.List()))
	}
	if run(1, 5) != run(1, 5) {
		t.Error("the same seed gave two histories")
	}
	if run(1, 5) == run(2, 5) || run(1, 5) == run(1, 6) {
		t.Error("two members or two seeds gave the same draws")
	}
	// A settled disk draws nothing when it crashes.
	a, b := disk.New(1, disk.Default(), 1, trace.NewLog()), disk.New(1, disk.Default(), 1, trace.NewLog())
	a.Crash()
	if x, y := a.Sync(), b.Sync(); x != y {
		t.Errorf("a crash without effect moved the stream: %v, %v", x, y)
	}
}

func TestOptions(t *testing.T) {
	var c disk.Config
	for _, pair := range []string{"sync=2ms", "keep=1%", "torn=100%", "garbage=1/3", "capacity=2GiB"} {
		name, value, _ := strings.Cut(pair, "=")
		if err := c.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if want := "sync=2ms keep=1% torn=100% garbage=1/3 capacity=2GiB"; c.String() != want {
		t.Errorf("options print as %s\nwant %s", c, want)
	}
	if err := c.Set("torn", "often"); err == nil || !strings.HasPrefix(err.Error(), `disk.torn: "often" is not a probability: expected`) {
		t.Errorf("Set(torn, often) = %v", err)
	}
	if help := disk.Options(); len(help) != 5 || help[0].Default != "1ms..3ms" {
		t.Errorf("the help lists %+v", help)
	}
}
