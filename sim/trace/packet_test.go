package trace_test

import (
	"testing"

	"etcdsim/sim/trace"
)

// Types of packets are found by their names.
func TestPacketNames(t *testing.T) {
	for _, name := range trace.PacketNames() {
		kind, ok := trace.PacketNamed(name)
		if !ok || trace.PacketName(kind) != name || trace.PacketName(kind|trace.Rejected) != name {
			t.Errorf("%s is the name of type %d (%v), which is called %s", name, kind, ok, trace.PacketName(kind))
		}
	}
	if _, ok := trace.PacketNamed("pigeon"); ok {
		t.Error("there is a type of packets called pigeon")
	}
}
