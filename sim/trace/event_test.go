package trace_test

import (
	"testing"

	"etcdsim/sim/trace"
)

func TestAddresses(t *testing.T) {
	for addr, want := range map[trace.Addr]string{
		0: "-", 1: "n1", trace.FirstClient - 1: "n1023", trace.FirstClient: "c0", trace.Client(12): "c12",
	} {
		if got := addr.String(); got != want {
			t.Errorf("address %d is called %s, expected %s", uint16(addr), got, want)
		}
		if isClient := want[0] == 'c'; addr.IsClient() != isClient {
			t.Errorf("%s is a client: %v", want, addr.IsClient())
		}
	}
}

func TestRoles(t *testing.T) {
	for role, want := range map[uint16]string{
		trace.RoleFollower: "follower", trace.RoleCandidate: "candidate", trace.RoleLeader: "leader",
		trace.RolePreCandidate: "pre-candidate", 4: "role 4",
	} {
		if got := trace.RoleName(role); got != want {
			t.Errorf("role %d is called %s, expected %s", role, got, want)
		}
	}
}

// Kinds are found by their names, up to the first that there is not.
func TestKinds(t *testing.T) {
	named := 0
	for k := trace.MemberStart; k.String() != "unknown"; k++ {
		if got, ok := trace.KindNamed(k.String()); !ok || got != k {
			t.Errorf("kind %d is called %s, which names kind %d (%v)", k, k, got, ok)
		}
		named++
	}
	if last := trace.LeasesRecorded; named != int(last) {
		t.Errorf("%d kinds have names, and the last is kind %d", named, last)
	}
	for _, name := range []string{"", "unknown", "nothing"} {
		if k, ok := trace.KindNamed(name); ok {
			t.Errorf("%q names kind %d", name, k)
		}
	}
	if got := trace.Kind(0).String(); got != "unknown" {
		t.Errorf("kind 0 is called %s", got)
	}
}
