package disk_test

import (
	"testing"

	"etcdsim/sim/trace"
	"etcdsim/store/disk"
)

// BenchmarkAppendSync is the hot path of a member: a batch of about 150 bytes
// and a sync. As in a log, a file is replaced when it has grown to 64 KiB.
func BenchmarkAppendSync(b *testing.B) {
	d := disk.New(1, disk.Default(), 1, trace.NewLog())
	data := make([]byte, 150)
	f := create(b, d, "log")
	b.ReportAllocs()
	for b.Loop() {
		if f.Size() >= 64<<10 {
			if err := d.Remove("log"); err != nil {
				b.Fatal(err)
			}
			f = create(b, d, "log")
		}
		if err := f.Append(data); err != nil {
			b.Fatal(err)
		}
		d.Synced(d.Sync().ID)
	}
}

func BenchmarkAppend(b *testing.B) {
	d := disk.New(1, disk.Default(), 1, trace.NewLog())
	data := make([]byte, 150)
	f := create(b, d, "log")
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if f.Size() >= 1<<20 {
			if err := d.CutTail("log", 1); err != nil {
				b.Fatal(err)
			}
		}
		if err := f.Append(data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAppendSyncAllocatesNothingOnceWarm(t *testing.T) {
	d := disk.New(1, disk.Default(), 1, trace.NewLog())
	data := make([]byte, 150)
	f := create(t, d, "log")
	cycle := func() {
		for range 100 {
			if err := f.Append(data); err != nil {
				t.Fatal(err)
			}
			d.Synced(d.Sync().ID)
		}
		if err := d.CutTail("log", 1); err != nil {
			t.Fatal(err)
		}
	}
	cycle()
	if n := testing.AllocsPerRun(20, cycle); n != 0 {
		t.Errorf("%v allocations per 100 synced writes, want 0", n)
	}
}
