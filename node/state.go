package node

import (
	"encoding/binary"
	"errors"
	"fmt"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"etcdsim/sim/bug"
	"etcdsim/store/membership"
	"etcdsim/store/mvcc"
)

// replicated is what the log has made of a member: the same on every member that
// applied as much of it. Whoever adds to it adds a piece below, and to stateHash.
// A test sees to the first; of the second every run makes sure, for a restart must
// find what the hash says.
type replicated struct {
	// confState is raft's configuration.
	confState *pb.ConfState
	members   *membership.Cluster
	older     older
	kv        *mvcc.Store
}

// stateHash identifies the state. Equal states have equal hashes.
func (r *replicated) stateHash() uint64 { return r.kv.StateHash() + r.members.Hash() + r.older.hash }

// piece is a part of the state as snapshots and the backend hold it.
type piece struct {
	// field of replicated that it is.
	field string
	// append appends the whole piece. Nothing stands for a piece as it is in the
	// beginning.
	append func(n *Node, buf []byte) []byte
	// read takes the piece over from what append appended; the configuration is there
	// already.
	read func(n *Node, data []byte) error
	// changes appends what changed since the last call or since begin, and redo does it
	// again. A piece without them goes into a batch whole, if its mark is another.
	mark    func(n *Node) uint64
	changes func(n *Node, buf []byte) []byte
	redo    func(n *Node, data []byte) error
	begin   func(n *Node)
}

// The pieces, in the order in which they are written.
const (
	membersPiece = iota
	olderPiece
	kvPiece
	numPieces
)

var pieces = [numPieces]piece{
	membersPiece: {
		field:  "members",
		append: func(n *Node, buf []byte) []byte { return n.members.Append(buf) },
		read: func(n *Node, data []byte) (err error) {
			n.members, data, err = membership.Decode(n.settings(), n.confState.GetVoters(), data)
			if err == nil && len(data) > 0 {
				err = errMalformedState
			}
			return err
		},
		mark: func(n *Node) uint64 { return n.members.Hash() },
	},
	olderPiece: {
		field:   "older",
		append:  func(n *Node, buf []byte) []byte { return n.older.append(buf) },
		read:    func(n *Node, data []byte) error { return n.older.become(data) },
		changes: func(n *Node, buf []byte) []byte { return n.older.appendJournal(buf) },
		redo:    func(n *Node, data []byte) error { return n.older.redo(data) },
		begin:   func(n *Node) { n.older.journal = n.older.journal[:0] },
	},
	kvPiece: {
		field:  "kv",
		append: func(n *Node, buf []byte) []byte { return append(buf, n.kv.Encode()...) },
		read: func(n *Node, data []byte) (err error) {
			config := n.cfg.store()
			config.Bugs = n.bugs
			if len(data) == 0 {
				n.kv = mvcc.New(config)
				return nil
			}
			before := n.kv
			if n.kv, err = mvcc.Decode(config, data); err == nil && before != nil && n.bugs.Has(bug.AuthCacheStale) {
				n.kv.KeepPermissions(before)
			}
			return err
		},
		changes: func(n *Node, buf []byte) []byte { return n.kv.AppendDelta(buf) },
		redo:    func(n *Node, data []byte) error { return n.kv.ApplyDelta(data) },
		begin:   func(n *Node) { n.kv.BeginDelta() },
	},
}

var errMalformedState = errors.New("the bytes of the state are malformed")

// The whole state is its pieces in order, each with its length before it. That is
// what a snapshot holds; the configuration stands beside it.

// encode returns the whole state.
func (n *Node) encode() []byte {
	var buf []byte
	for i := range pieces {
		buf = appendBytes(buf, pieces[i].append(n, nil))
	}
	return buf
}

// open takes over the state that a snapshot holds. One without data, with which a
// founder begins, holds that of the beginning.
func (n *Node) open(cs *pb.ConfState, data []byte) error {
	n.confState = cs
	parts, err := cutState(data)
	if err != nil {
		return err
	}
	for i := range pieces {
		if err := pieces[i].read(n, parts[i]); err != nil {
			return fmt.Errorf("%s: %w", pieces[i].field, err)
		}
	}
	return nil
}

// cutState returns the pieces of a whole state.
func cutState(data []byte) (parts [numPieces][]byte, err error) {
	if len(data) == 0 {
		return parts, nil
	}
	for i := range parts {
		part, rest, ok := cutBytes(data)
		if !ok {
			return parts, errMalformedState
		}
		parts[i], data = part, rest
	}
	if len(data) > 0 {
		return parts, errMalformedState
	}
	return parts, nil
}

// joinState is the inverse of cutState.
func joinState(parts [numPieces][]byte) (data []byte) {
	for _, part := range parts {
		data = appendBytes(data, part)
	}
	return data
}

// marks tell what the newest record of the backend holds of what goes there whole.
type marks struct {
	confState *pb.ConfState
	pieces    [numPieces]uint64
}

// mark returns the marks of the state as it is.
func (n *Node) mark() marks {
	m := marks{confState: n.confState}
	for i := range pieces {
		if pieces[i].mark != nil {
			m.pieces[i] = pieces[i].mark(n)
		}
	}
	return m
}

// beginBatch lets the next batch begin with the present state.
func (n *Node) beginBatch() {
	n.keeping.marks = n.mark()
	n.keeping.authRevision = n.kv.AuthRevision()
	for i := range pieces {
		if pieces[i].begin != nil {
			pieces[i].begin(n)
		}
	}
}

// A batch is a set of bits, one for the configuration and one for each piece, and
// what it has of these, each with its length before it.

// appendBatch appends what changed since the newest record. The next batch begins
// here.
func (n *Node) appendBatch(buf []byte) []byte {
	has, before := uint64(0), n.keeping.marks
	n.keeping.marks = n.mark()
	parts := &n.keeping.parts
	if n.confState != before.confState {
		has = 1
	}
	for i := range pieces {
		p := &pieces[i]
		switch {
		case p.changes != nil:
			parts[i] = p.changes(n, parts[i][:0])
		case n.keeping.marks.pieces[i] != before.pieces[i]:
			parts[i] = p.append(n, parts[i][:0])
			has |= 2 << i // even if it is as in the beginning
		default:
			parts[i] = parts[i][:0]
		}
		if len(parts[i]) > 0 {
			has |= 2 << i
		}
	}
	buf = binary.AppendUvarint(buf, has)
	if has&1 != 0 {
		buf = appendConfState(buf, n.confState)
	}
	for i := range pieces {
		if has&(2<<i) != 0 {
			buf = appendBytes(buf, parts[i])
		}
	}
	return buf
}

// redo applies a batch.
func (n *Node) redo(batch []byte) (err error) {
	has, size := binary.Uvarint(batch)
	if size <= 0 || has >= 2<<numPieces {
		return errMalformedState
	}
	batch = batch[size:]
	if has&1 != 0 {
		if n.confState, batch, err = cutConfState(batch); err != nil {
			return err
		}
	}
	for i := range pieces {
		if has&(2<<i) == 0 {
			continue
		}
		part, rest, ok := cutBytes(batch)
		if !ok {
			return errMalformedState
		}
		p := &pieces[i]
		again := p.read
		if p.changes != nil {
			again = p.redo
		}
		if err := again(n, part); err != nil {
			return fmt.Errorf("%s: %w", p.field, err)
		}
		batch = rest
	}
	if len(batch) > 0 {
		return errMalformedState
	}
	return nil
}

func appendBytes(buf, data []byte) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(data))), data...)
}

func cutBytes(data []byte) (first, rest []byte, ok bool) {
	size, n := binary.Uvarint(data)
	if n <= 0 || size > uint64(len(data)-n) {
		return nil, nil, false
	}
	return data[n : n+int(size)], data[n+int(size):], true
}

func appendConfState(buf []byte, cs *pb.ConfState) []byte {
	data, err := proto.Marshal(cs)
	if err != nil {
		panic(fmt.Sprintf("node: configuration %v does not marshal: %v", cs, err))
	}
	return appendBytes(buf, data)
}

func cutConfState(data []byte) (*pb.ConfState, []byte, error) {
	first, rest, ok := cutBytes(data)
	cs := &pb.ConfState{}
	if !ok || proto.Unmarshal(first, cs) != nil {
		return nil, nil, errMalformedState
	}
	return cs, rest, nil
}
