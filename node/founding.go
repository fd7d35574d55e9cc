package node

import (
	"crypto/sha256"

	"etcdsim/store"
	"etcdsim/store/mvcc"
	"etcdsim/store/saved"
)

// What a member hands out is a file of etcd's, see package saved, and members of a
// new cluster may begin with one.

// Founding returns the state that the members of a new cluster begin with when they
// take over a snapshot, for Config.State: as after a restore by etcdutl its data,
// users and alarms, but neither its members nor how far its log had come.
func Founding(cfg Config, snap *saved.Snapshot) []byte {
	kv := mvcc.Load(cfg.store(), snap)
	kv.Skip(1) // see wal.Genesis
	var parts [numPieces][]byte
	parts[kvPiece] = kv.Encode()
	return joinState(parts)
}

// copied returns a snapshot of the member's state.
func (n *Node) copied() *saved.Snapshot {
	snap := n.kv.Save()
	snap.Index, snap.Term, snap.Members = n.applied, n.appliedTerm, n.members.Members()
	for id := uint64(1); id <= store.MaxMembers; id++ {
		if n.members.Removed(id) {
			snap.Removed = append(snap.Removed, id)
		}
	}
	return snap
}

// handOut takes in a request for a copy of the member's data, which only an administrator
// may have.
func (n *Node) handOut(c Call) {
	if err := n.authorize(&c); err != nil {
		n.onSnapshot(c, store.Response{Err: err})
		return
	}
	n.serve(c)
}

// snapshotPart is the size of the parts in which a file is sent; etcd's.
const snapshotPart = 32 << 10

// sendSnapshot sends a copy of the member's data on a stream: the database in parts,
// and its checksum.
func (n *Node) sendSnapshot(c Call) {
	n.commitBatch()
	file := saved.Write(n.copied())
	end := len(file) - sha256.Size
	for rest := file[:end]; len(rest) > 0; {
		part := rest[:min(len(rest), snapshotPart)]
		rest = rest[len(part):]
		n.sendPart(c, part, len(rest))
	}
	n.sendPart(c, file[end:], 0)
}

func (n *Node) sendPart(c Call, blob []byte, remaining int) {
	n.onSnapshot(c, store.Response{Result: &store.SnapshotResult{
		RemainingBytes: uint64(remaining), Blob: blob, Version: store.StorageVersion,
	}})
}

// onSnapshot answers on the stream of a snapshot.
func (n *Node) onSnapshot(c Call, r store.Response) {
	n.out.Answers = append(n.out.Answers, Answer{
		Client: c.Client, Streamed: true, Op: c.Op, Applied: n.applied, Term: n.term, Member: n.id, Response: r,
	})
}
