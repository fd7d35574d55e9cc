package node

import (
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/store"
)

// Decoded keeps the proposals that the members of one universe decoded last, so that
// an entry which reached several of them by the same message is decoded once. Entries
// and proposals are immutable; whoever has an entry from its own disk has another one,
// and decodes that. The zero value is ready for use, by one universe.
type Decoded struct {
	// recent are placed by their index. Members apply an entry soon after each other.
	recent [64]decoded
}

type decoded struct {
	entry    *pb.Entry
	proposal *store.Proposal
}

// proposal returns what an entry proposes. A nil Decoded keeps nothing.
func (d *Decoded) proposal(e *pb.Entry) (*store.Proposal, error) {
	if d == nil {
		return store.DecodeProposal(e.GetData())
	}
	at := &d.recent[e.GetIndex()%uint64(len(d.recent))]
	if at.entry == e {
		return at.proposal, nil
	}
	p, err := store.DecodeProposal(e.GetData())
	if err == nil {
		*at = decoded{e, p}
	}
	return p, err
}
