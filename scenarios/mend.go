package scenarios

import (
	"slices"

	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
)

// The end of faults. Whoever injects faults at random must be able to end them
// without knowing which there are.

// remedies undo the faults that a member may have beside those of its links, in an
// order in which each can work: a disk without room starts nobody.
var remedies = []func(r *run, id uint64) *halt{
	func(r *run, id uint64) *halt {
		if r.c.Disk(id).Full() {
			r.c.Disk(id).Free()
		}
		return nil
	},
	func(r *run, id uint64) *halt {
		r.c.Drift(id, 0)
		r.c.TurnClock(id, 0)
		r.c.Arm(id, node.Trap{}, cluster.PowerCut)
		return nil
	},
	func(r *run, id uint64) *halt {
		r.repair(id)
		r.c.Disk(id).Slow(1)
		r.c.Slow(id, sim.Range{})
		r.c.ResumeDisk(id)
		return nil
	},
	func(r *run, id uint64) *halt {
		r.c.Resume(id)
		return nil
	},
	func(r *run, id uint64) *halt {
		if r.c.Member(id).Stopping {
			return r.awaitDown(id)
		}
		return nil
	},
	func(r *run, id uint64) *halt {
		r.c.Start(id)
		return nil
	},
}

// execMend undoes the faults of members. From then on they are the ones that must
// do well: the others may be in any state.
func execMend(r *run, _ *Statement, a MemberArgs) *halt {
	ids, h := r.resolve(a.Of)
	if h != nil {
		return h
	}
	r.mended = setOf(ids...)
	if a.Of.has("all") {
		// Who was announced counts, although nobody has started it.
		for _, m := range r.c.Roster() {
			r.mended |= setOf(m.ID)
		}
	}
	ids = r.mended.list()
	addrs := r.addresses(ids, Targets{{Kind: "clients"}})
	for i, from := range addrs {
		r.c.Network().Rejoin(from)
		for _, to := range addrs[i+1:] {
			if !from.IsClient() || !to.IsClient() {
				r.mendLink(from, to)
				r.mendLink(to, from)
			}
		}
	}
	r.overtake(addrs)
	for _, id := range ids {
		for _, remedy := range remedies {
			if h := remedy(r, id); h != nil {
				return h
			}
		}
	}
	r.note(names(ids)+" mended", false)
	return nil
}

// overtake lets what is much too late between mended members arrive now. They would wait
// for it, long after the faults have ended: a leader sends nothing to a follower whose
// snapshot is on its way.
func (r *run) overtake(addrs []trace.Addr) {
	soon := r.now().Add(r.c.Network().Config().Latency.Max)
	for _, f := range r.c.InFlight() {
		if !f.Held() && f.Arrives > soon && slices.Contains(addrs, f.From) && slices.Contains(addrs, f.To) {
			r.c.Hasten(f)
		}
	}
}

// mendLink undoes the faults of a link. What was held goes its way, and nothing waits
// any more for a packet that is late.
func (r *run) mendLink(from, to trace.Addr) {
	r.c.Heal(from, to)
	if r.c.Network().IsHeld(from, to) {
		r.c.Release(from, to)
	}
	r.c.Network().ResetLinkConfig(from, to)
	r.c.Network().Renew(from, to)
}
