package node

import (
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/store"
)

// Members share what they decoded from the same entry, and from no other, though it
// has the same index or the same bytes.
func TestDecodedIsOfThisEntry(t *testing.T) {
	entry := func(index uint64, value string) *pb.Entry {
		p := &store.Proposal{ID: index, Request: &store.PutRequest{Key: "k", Value: value}}
		return &pb.Entry{Index: &index, Data: store.AppendProposal(nil, p)}
	}
	var d Decoded
	read := func(e *pb.Entry) *store.Proposal {
		t.Helper()
		p, err := d.proposal(e)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	value := func(p *store.Proposal) string { return p.Request.(*store.PutRequest).Value }

	first := entry(7, "a")
	p := read(first)
	if read(first) != p || value(p) != "a" {
		t.Error("an entry was decoded twice, or wrongly")
	}
	for _, other := range []*pb.Entry{entry(7, "b"), entry(7+uint64(len(d.recent)), "b")} {
		if got := value(read(other)); got != "b" {
			t.Errorf("index %d: got the value %q of another entry", other.GetIndex(), got)
		}
	}
	if again := read(first); again == p || value(again) != "a" {
		t.Error("an entry whose place was taken came back otherwise than it was")
	}
	broken := &pb.Entry{Index: new(uint64(8)), Data: []byte{255}}
	for range 2 {
		if _, err := d.proposal(broken); err == nil {
			t.Error("bytes that are no proposal were decoded")
		}
	}
}
