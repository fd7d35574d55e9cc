package membership

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"etcdsim/sim/bug"
	"etcdsim/store"
)

// ErrCorrupt is wrapped by every error that Decode reports.
var ErrCorrupt = errors.New("membership: corrupt snapshot")

// In a snapshot the membership stands before the store:
//
//	format                       5 bytes
//	length of what follows       4 bytes, little endian
//	next ID, removed IDs         integers
//	members                      list
//
// It is left out for founders as they began, who are named by raft's
// configuration in the same snapshot. The snapshot as a whole has a checksum.
const (
	format = "memb\x01"
	header = len(format) + 4
)

// Append appends the membership to buf as Decode reads it.
func (c *Cluster) Append(buf []byte) []byte {
	if !c.changed {
		return buf
	}
	start := len(buf)
	buf = append(buf, format...)
	buf = append(buf, 0, 0, 0, 0)
	buf = store.AppendUint(store.AppendUint(buf, c.next), c.removed)
	buf = store.AppendMembers(buf, c.saved())
	binary.LittleEndian.PutUint32(buf[start+len(format):], uint32(len(buf)-start-header))
	return buf
}

// saved returns the members as a snapshot holds them.
func (c *Cluster) saved() []store.Member {
	if !c.cfg.Bugs.Has(bug.LearnerNotPersisted) {
		return c.members
	}
	members := append([]store.Member(nil), c.members...)
	for i := range members {
		if c.promoted&(1<<members[i].ID) != 0 {
			members[i].Learner = true
		}
	}
	return members
}

// Decode returns the membership that a snapshot holds, and what follows it.
// founders are raft's voters as of the snapshot: the members, if it holds none.
func Decode(cfg Config, founders []uint64, snapshot []byte) (c *Cluster, rest []byte, err error) {
	if !bytes.HasPrefix(snapshot, []byte(format)) {
		return New(cfg, founders), snapshot, nil
	}
	size := uint64(0)
	if len(snapshot) >= header {
		size = uint64(binary.LittleEndian.Uint32(snapshot[len(format):]))
	}
	if len(snapshot) < header || size > uint64(len(snapshot)-header) {
		return nil, nil, fmt.Errorf("%w: expected %d bytes, found %d", ErrCorrupt, size+uint64(header), len(snapshot))
	}
	end := header + int(size)
	r := store.NewReader(string(snapshot[header:end]))
	c = &Cluster{cfg: cfg, next: r.Uint(), removed: r.Uint(), members: store.ReadMembers(&r)}
	last := uint64(0)
	for i := range c.members {
		id := c.members[i].ID
		if id <= last || id >= c.next || c.Removed(id) {
			r.Fail("expected a member after n%d and before n%d that was not removed, found n%d", last, c.next, id)
		}
		last = id
	}
	if c.next > store.MaxMembers+1 {
		r.Fail("expected at most %d members, found a next one of ID %d", store.MaxMembers, c.next)
	}
	if err := r.End(); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	c.become(c.members)
	return c, snapshot[end:], nil
}
