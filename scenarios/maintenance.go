package scenarios

import (
	"fmt"
	"time"

	"etcdsim/scenarios/workload"
	"etcdsim/sim/trace"
)

// Statements about the members' data. Like those about who the members are, each
// is the work of an operator, and takes as long as that takes.

// MaintainArgs do something about the data of members.
type MaintainArgs struct {
	// Of are the members; empty if it concerns all of them at once.
	Of     Targets
	Within time.Duration
}

// String prints the arguments as they are written.
func (a MaintainArgs) String() string {
	s := "within=" + printDuration(a.Within)
	if len(a.Of) > 0 {
		s = a.Of.String() + " " + s
	}
	return s
}

func parseMaintain(p *parser) MaintainArgs {
	return MaintainArgs{Of: p.targets(false), Within: p.within()}
}

func parseDisarm(p *parser) MaintainArgs { return MaintainArgs{Within: p.within()} }

// execDefrag has an operator defragment members, one after another.
func execDefrag(r *run, _ *Statement, a MaintainArgs) *halt {
	ids, h := r.resolve(a.Of)
	if h != nil {
		return h
	}
	for _, id := range ids {
		what := fmt.Sprintf("n%d to defragment", id)
		if h := r.operate(what, []uint64{id}, a.Within, (*workload.Session).Defragment); h != nil {
			return h
		}
	}
	r.note(names(ids)+" defragmented", false)
	return nil
}

// execDisarm has an operator switch off all alarms.
func execDisarm(r *run, _ *Statement, a MaintainArgs) *halt {
	return r.operate("the alarms to be off", nil, a.Within, (*workload.Session).Disarm)
}

// operate lets an operator work until it is done.
func (r *run) operate(what string, endpoints []uint64, within time.Duration, work func(*workload.Session)) *halt {
	ended := false
	operator := r.clients.Spawn("operator", operatorTimeout, endpoints, func(s *workload.Session) {
		work(s)
		ended = true
	})
	began := r.now()
	over := watch{wakes: trace.AllKinds, holds: func() bool { return ended }}
	held, h := r.await(over, within)
	if h == nil && !held {
		operator.Leave()
		h = stuck(what, began, within, "it is not done")
	}
	return h
}

func execFill(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "out of disk space", func(id uint64) { r.c.Disk(id).Fill() })
}

func execFree(r *run, _ *Statement, a MemberArgs) *halt {
	return r.each(a.Of, "with disk space again", func(id uint64) { r.c.Disk(id).Free() })
}

// dataMeters show the data of members. Of one that is down they show nothing.
func dataMeters() []meter {
	all := []meter{
		ofMember("alarms", "alarms that are on, as far as a member knows", func(r *run, id uint64) uint64 {
			if n := r.c.Node(id); n != nil {
				return uint64(len(n.Store().Alarms()))
			}
			return 0
		}),
		ofMember("size", "bytes that a member's data take, free pages included", func(r *run, id uint64) uint64 {
			if n := r.c.Node(id); n != nil {
				return uint64(n.Store().Size())
			}
			return 0
		}),
		ofMember("in-use", "bytes of them that are in use", func(r *run, id uint64) uint64 {
			if n := r.c.Node(id); n != nil {
				return uint64(n.Store().SizeInUse())
			}
			return 0
		}),
	}
	for i := range all {
		all[i].wakes |= trace.Kinds(trace.BackendCommit)
	}
	return all
}
