package disk

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Disk is one member's device. It outlives its owner's crashes. It is not for
// concurrent use.
type Disk struct {
	owner  trace.Addr
	config Config
	rand   sim.Rand
	log    *trace.Log

	// files in order of creation; byName finds them. Both hold the same.
	files  []*File
	byName map[string]*File
	// gone are removed files whose removal is not durable, in order.
	gone []removal
	// dirty are the files that the next sync covers.
	dirty []*File
	// syncs are under way, in order of their start.
	syncs []*pending
	// started is the ID of the newest sync.
	started uint64

	// used counts the bytes of all files, and limit is how many there is room for; 0
	// is no limit.
	used, limit int64
	// slow multiplies the latency of syncs.
	slow    int64
	stalled bool
	// lying, failing: see Lie and Fail. forgot: see Forgot.
	lying, failing, forgot bool
	// toFail is how many syncs more are to fail, and refused: one has, and the owner's
	// process has not ended yet.
	toFail  uint64
	refused bool
	// harm is the stream of injected faults.
	harm sim.Rand

	// spare chunks and finished syncs are used again.
	spare    [][]byte
	finished []*pending
}

// removal is a file that is gone once a sync newer than after has completed.
type removal struct {
	file  *File
	after uint64
}

// pending is a sync under way.
type pending struct {
	Ticket
	bytes  int64
	covers []cover
	// held reports that the sync waits for Resume.
	held bool
}

// cover says that a sync makes a file durable up to a size.
type cover struct {
	file *File
	size int64
}

// Ticket is a sync that was started.
type Ticket struct {
	// ID is unique for the disk, across crashes.
	ID uint64
	// Latency is how long it takes from now.
	Latency time.Duration
	// Held reports that the device is stalled: the ticket comes again from
	// Resume, and Synced is not to be called before.
	Held bool
}

// New returns an empty device that belongs to a member. It draws from the
// stream "disk/" and the owner's number.
func New(owner trace.Addr, config Config, seed uint64, log *trace.Log) *Disk {
	return &Disk{
		owner: owner, config: config, limit: int64(config.Capacity), log: log,
		rand:   sim.NewRand(seed, "disk/"+strconv.Itoa(int(owner))),
		harm:   sim.NewRand(seed, "disk-fault/"+strconv.Itoa(int(owner))),
		byName: make(map[string]*File),
		slow:   1,
	}
}

// Turn makes all that the device draws from now on other draws: see sim.Seed.
func (d *Disk) Turn(by uint64) {
	d.rand.Turn(by)
	d.harm.Turn(by)
}

// Config returns how the device behaves.
func (d *Disk) Config() Config { return d.config }

// SetConfig changes how the device behaves from now on. Syncs under way keep
// their latency. A capacity below what is in use refuses every write.
func (d *Disk) SetConfig(c Config) { d.config, d.limit = c, int64(c.Capacity) }

// Fill takes all room that is left, as some other program might: every write is
// refused, except into room that was given up since.
func (d *Disk) Fill() {
	d.limit = max(d.used, 1)
	d.fault(trace.FaultDiskFull, uint64(d.used), 0)
}

// Full reports whether something else takes all the room.
func (d *Disk) Full() bool { return d.limit != int64(d.config.Capacity) }

// Free gives that room back.
func (d *Disk) Free() {
	d.limit = int64(d.config.Capacity)
	d.fault(trace.FaultDiskFree, uint64(d.used), 0)
}

// Used returns the number of bytes in all files.
func (d *Disk) Used() int64 { return d.used }

// Unsynced returns the number of bytes of which no sync has said that they are durable.
func (d *Disk) Unsynced() int64 {
	n := int64(0)
	for _, f := range d.files {
		n += f.size - f.stable
	}
	return n
}

// Syncing returns the number of syncs that are under way.
func (d *Disk) Syncing() int { return len(d.syncs) }

// List returns the names of all files, sorted.
func (d *Disk) List() []string {
	names := make([]string, len(d.files))
	for i, f := range d.files {
		names[i] = f.name
	}
	slices.Sort(names)
	return names
}

// Create makes an empty file. Its name is durable with the next sync.
func (d *Disk) Create(name string) (*File, error) {
	if d.failing {
		return nil, fmt.Errorf("create %s: %w", name, ErrIO)
	}
	if d.byName[name] != nil {
		return nil, fmt.Errorf("create %s: %w", name, ErrExist)
	}
	// A name is used again only for a file whose removal nobody would miss: from
	// here on that removal counts as durable.
	d.settleRemovals(func(r removal) bool { return r.file.name == name })
	f := &File{disk: d, name: name}
	d.insert(f)
	d.soil(f)
	return f, nil
}

// Open returns a file.
func (d *Disk) Open(name string) (*File, error) {
	if d.failing {
		return nil, fmt.Errorf("open %s: %w", name, ErrIO)
	}
	return d.find(name)
}

func (d *Disk) find(name string) (*File, error) {
	if f := d.byName[name]; f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("open %s: %w", name, ErrNotExist)
}

// Remove removes a file. The removal is durable with the next sync.
func (d *Disk) Remove(name string) error {
	f, err := d.take(name)
	if err != nil {
		return err
	}
	d.gone = append(d.gone, removal{f, d.started})
	return nil
}

// CutTail ends a file at a smaller size, durably and at once; the size 0 removes
// it. This is how recovery repairs a log whose end was torn, before its owner
// runs: there is no moment at which a crash could undo it. What is left is no more
// durable than it was.
func (d *Disk) CutTail(name string, size int64) error {
	f, err := d.Open(name)
	if err != nil {
		return err
	}
	if size < 0 || size > f.size {
		panic(fmt.Sprintf("disk: %s has %d bytes and cannot be cut to %d", name, f.size, size))
	}
	d.log.Hit(trace.ProbeTornTail)
	f.cut(size)
	if size == 0 {
		_, err = d.take(name)
	}
	return err
}

// insert adds a file to the directory.
func (d *Disk) insert(f *File) {
	d.files = append(d.files, f)
	d.byName[f.name] = f
	d.used += f.size
}

// take removes a file from the directory.
func (d *Disk) take(name string) (*File, error) {
	f := d.byName[name]
	if f == nil {
		return nil, fmt.Errorf("remove %s: %w", name, ErrNotExist)
	}
	delete(d.byName, name)
	d.files = slices.DeleteFunc(d.files, func(other *File) bool { return other == f })
	d.used -= f.size
	return f, nil
}

// soil notes that the next sync has something to do for the file.
func (d *Disk) soil(f *File) {
	if !f.dirty {
		f.dirty = true
		d.dirty = append(d.dirty, f)
	}
}

// recycle takes the memory of a file that is gone for good.
func (d *Disk) recycle(f *File) {
	d.spare = append(d.spare, f.chunks...)
	f.chunks, f.holes, f.size, f.covered, f.stable, f.kept = nil, nil, 0, 0, 0, 0
}

func (d *Disk) newChunk() []byte {
	if n := len(d.spare); n > 0 {
		chunk := d.spare[n-1]
		d.spare = d.spare[:n-1]
		return chunk
	}
	return make([]byte, chunkBytes)
}
