package trace

import (
	"strconv"
	"strings"
)

// packetNames are what the types of packets are called, as Aux of Send holds them:
// raft's messages by raftpb.MessageType, and what clients send and get. Messages that
// never leave a member have no name.
var packetNames = map[uint16]string{
	2: "prop", MsgApp: "app", MsgAppResp: "app-resp", MsgVote: "vote", MsgVoteResp: "vote-resp", MsgSnap: "snap",
	MsgHeartbeat: "heartbeat", 9: "heartbeat-resp", 13: "transfer-leader", 14: "timeout-now",
	15: "read-index", 16: "read-index-resp", MsgPreVote: "pre-vote", MsgPreVoteResp: "pre-vote-resp", 23: "forget-leader",
	ClientRequest: "request", ClientResponse: "response",
}

// PacketName is what a type of packets is called, whether Rejected is set or not:
// "app-resp" for raft's MsgAppResp, "request" for what a client sends.
func PacketName(kind uint16) string {
	kind &^= Rejected
	if name, ok := packetNames[kind]; ok {
		return name
	}
	return "packet-" + strconv.Itoa(int(kind))
}

// PacketNamed returns the type of packets of this name.
func PacketNamed(name string) (kind uint16, ok bool) {
	for kind, known := range packetNames { // unordered: names differ
		if known == name {
			return kind, true
		}
	}
	return 0, false
}

// PacketNames are the names of all types, in the order of the types.
func PacketNames() (names []string) {
	for kind := range ClientResponse + 1 {
		if name, ok := packetNames[kind]; ok {
			names = append(names, name)
		}
	}
	return names
}

// MessageName is what raft itself calls a message of this type, such as MsgAppResp;
// packets of clients keep their name.
func MessageName(kind uint16) string {
	name := PacketName(kind)
	if kind&^Rejected >= ClientRequest {
		return name
	}
	var b strings.Builder
	b.WriteString("Msg")
	for part := range strings.SplitSeq(name, "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
