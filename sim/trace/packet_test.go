package trace_test

import (
	"slices"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim/trace"
)

// Types of packets are found by their names.
func TestPacketNames(t *testing.T) {
	names := trace.PacketNames()
	for _, name := range names {
		kind, ok := trace.PacketNamed(name)
		if !ok || trace.PacketName(kind) != name || trace.PacketName(kind|trace.Rejected) != name {
			t.Errorf("%s is the name of type %d (%v), which is called %s", name, kind, ok, trace.PacketName(kind))
		}
	}
	if first, last := names[0], names[len(names)-1]; first != "prop" || last != "response" || len(names) != 17 {
		t.Errorf("%d names from %s to %s: expected 17 from prop to response", len(names), first, last)
	}
	if _, ok := trace.PacketNamed("pigeon"); ok {
		t.Error("there is a type of packets called pigeon")
	}
	if name := trace.PacketName(99); name != "packet-99" {
		t.Errorf("type 99 is called %s", name)
	}
}

// Messages are called what raft calls them, and all that travel between members have
// a name.
func TestMessageNames(t *testing.T) {
	inside := []raftpb.MessageType{ // what never leaves a member
		raftpb.MsgHup, raftpb.MsgBeat, raftpb.MsgUnreachable, raftpb.MsgSnapStatus, raftpb.MsgCheckQuorum,
		raftpb.MsgStorageAppend, raftpb.MsgStorageAppendResp, raftpb.MsgStorageApply, raftpb.MsgStorageApplyResp,
	}
	for number, name := range raftpb.MessageType_name {
		if slices.Contains(inside, raftpb.MessageType(number)) {
			continue
		}
		if got := trace.MessageName(uint16(number)); got != name {
			t.Errorf("message type %d is called %s, and by raft %s", number, got, name)
		}
	}
	if got := trace.MessageName(trace.ClientRequest | trace.Rejected); got != "request" {
		t.Errorf("a client's request is called %s", got)
	}
}
