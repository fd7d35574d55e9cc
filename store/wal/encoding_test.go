package wal

import (
	"encoding/binary"
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// drawEntry draws an entry in which any field may be absent, zero or set.
func drawEntry(t *rapid.T) *pb.Entry {
	e := &pb.Entry{
		Term:  proto.Uint64(rapid.Uint64().Draw(t, "term")),
		Index: proto.Uint64(rapid.Uint64().Draw(t, "index")),
	}
	if rapid.Bool().Draw(t, "typed") {
		e.Type = rapid.SampledFrom([]pb.EntryType{pb.EntryNormal, pb.EntryConfChange, pb.EntryConfChangeV2}).Draw(t, "type").Enum()
	}
	if rapid.Bool().Draw(t, "with data") {
		e.Data = rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data")
	}
	return e
}

func TestEntriesKeepTheirShapeAndWeight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
		var s entrySlot
		payload := appendEntry(nil, e)
		if err := s.decode(payload); err != nil {
			t.Fatalf("%v does not decode: %v", e, err)
		}
		if !proto.Equal(&s.entry, e) || (s.entry.Data == nil) != (e.Data == nil) || (s.entry.Type == nil) != (e.Type == nil) {
			t.Fatalf("%v comes back as %v", e, &s.entry)
		}
		if entryIndex(payload) != e.GetIndex() {
			t.Fatalf("the index of %v reads as %d", e, entryIndex(payload))
		}
		if got, want := entrySize(&s.entry), uint64(proto.Size(e)); got != want {
			t.Fatalf("%v weighs %d bytes, protobuf says %d", e, got, want)
		}
	})
}

func TestSnapshotsComeBack(t *testing.T) {
	ids := rapid.SliceOfN(rapid.Uint64(), 0, 5)
	rapid.Check(t, func(t *rapid.T) {
		cs := &pb.ConfState{
			Voters: ids.Draw(t, "voters"), Learners: ids.Draw(t, "learners"),
			VotersOutgoing: ids.Draw(t, "outgoing"), LearnersNext: ids.Draw(t, "next"),
			AutoLeave: proto.Bool(rapid.Bool().Draw(t, "auto leave")),
		}
		snap := &pb.Snapshot{
			Data: rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "data"),
			Metadata: &pb.SnapshotMetadata{
				ConfState: cs, Index: proto.Uint64(rapid.Uint64().Draw(t, "index")), Term: proto.Uint64(rapid.Uint64().Draw(t, "term")),
			},
		}
		got, err := decodeSnapshot(appendSnapshot(nil, snap))
		if err != nil || !proto.Equal(got, snap) {
			t.Fatalf("%v comes back as %v, %v", snap, got, err)
		}
	})
}

func TestSmallPayloadsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.Uint64()
		state := hardState{number.Draw(t, "term"), number.Draw(t, "vote"), number.Draw(t, "commit")}
		if got, err := decodeState(state.append(nil)); err != nil || got != state {
			t.Fatalf("%+v comes back as %+v, %v", state, got, err)
		}
		m := marker{
			index: number.Draw(t, "index"), term: number.Draw(t, "snapshot term"), received: rapid.Bool().Draw(t, "received"),
			sum: rapid.Uint32().Draw(t, "sum"), size: number.Draw(t, "size"),
		}
		if got, err := decodeMarker(m.append(nil)); err != nil || got != m {
			t.Fatalf("%+v comes back as %+v, %v", m, got, err)
		}
		h := segmentHeader{first: number.Draw(t, "first")}
		if got, err := decodeSegmentHeader(h.append(nil)); err != nil || got != h {
			t.Fatalf("%+v comes back as %+v, %v", h, got, err)
		}
	})
}

// FuzzDecoders: no bytes make a decoder panic, and what decodes encodes to the
// same meaning again.
func FuzzDecoders(f *testing.F) {
	f.Add(appendEntry(nil, &pb.Entry{Term: proto.Uint64(3), Index: proto.Uint64(300), Data: []byte("data")}))
	f.Add(hardState{1, 2, 3}.append(nil))
	f.Add(marker{index: 5, term: 6, size: 7, sum: 8, received: true}.append(nil))
	f.Add(segmentHeader{first: 9}.append(nil))
	f.Add(appendSnapshot(nil, Genesis([]uint64{1, 2, 3}, []byte("state"))))
	f.Add(binary.AppendUvarint([]byte{formatVersion, 1, 1}, 1<<62)) // a set longer than memory
	f.Fuzz(func(t *testing.T, data []byte) {
		var s, again entrySlot
		if s.decode(data) == nil {
			if err := again.decode(appendEntry(nil, &s.entry)); err != nil || !proto.Equal(&s.entry, &again.entry) {
				t.Errorf("entry %v comes back as %v, %v", &s.entry, &again.entry, err)
			}
		}
		if state, err := decodeState(data); err == nil {
			if got, err := decodeState(state.append(nil)); err != nil || got != state {
				t.Errorf("state %v comes back as %v, %v", state, got, err)
			}
		}
		if m, err := decodeMarker(data); err == nil {
			if got, err := decodeMarker(m.append(nil)); err != nil || got != m {
				t.Errorf("marker %v comes back as %v, %v", m, got, err)
			}
		}
		if h, err := decodeSegmentHeader(data); err == nil {
			if got, err := decodeSegmentHeader(h.append(nil)); err != nil || got != h {
				t.Errorf("header %v comes back as %v, %v", h, got, err)
			}
		}
		if snap, err := decodeSnapshot(data); err == nil {
			if got, err := decodeSnapshot(appendSnapshot(nil, snap)); err != nil || !proto.Equal(got, snap) {
				t.Errorf("snapshot %v comes back as %v, %v", snap, got, err)
			}
		}
	})
}
