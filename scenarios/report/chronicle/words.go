package chronicle

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// Name is what an endpoint is called: n1, c0; nobody is "everybody".
func Name(a trace.Addr) string {
	if a == 0 {
		return "everybody"
	}
	return a.String()
}

// PacketName is what raft calls a packet of this kind.
func PacketName(kind uint16) string {
	name := trace.MessageName(kind)
	if kind&trace.Rejected != 0 {
		name += " (rejected)"
	}
	return name
}

// Summary says in a few words what a packet carries.
func (p *Packet) Summary() string {
	switch p.Kind &^ trace.Rejected {
	case trace.ClientRequest, trace.ClientResponse:
		return fmt.Sprintf("%s of operation %d", PacketName(p.Kind), p.Index)
	case trace.MsgApp:
		return fmt.Sprintf("%s term %d: what follows entry %d of term %d; committed through %d",
			PacketName(p.Kind), p.Term, p.Index, p.LogTerm, p.Commit)
	case trace.MsgAppResp:
		if p.Kind&trace.Rejected != 0 {
			return fmt.Sprintf("%s term %d: has no entry that fits at %d", PacketName(p.Kind), p.Term, p.Index)
		}
		return fmt.Sprintf("%s term %d: has the log through %d", PacketName(p.Kind), p.Term, p.Index)
	case trace.MsgVote, trace.MsgPreVote:
		return fmt.Sprintf("%s term %d: a vote, with a log that ends at %d of term %d", PacketName(p.Kind), p.Term, p.Index, p.LogTerm)
	case trace.MsgVoteResp, trace.MsgPreVoteResp:
		word := "granted"
		if p.Kind&trace.Rejected != 0 {
			word = "refused"
		}
		return fmt.Sprintf("%s term %d: %s", PacketName(p.Kind&^trace.Rejected), p.Term, word)
	case trace.MsgHeartbeat:
		return fmt.Sprintf("%s term %d: committed through %d", PacketName(p.Kind), p.Term, p.Commit)
	}
	return fmt.Sprintf("%s term %d", PacketName(p.Kind), p.Term)
}

// ids lists the members of a bit set.
func ids(set uint64) string {
	var names []string
	for ; set != 0; set &= set - 1 {
		names = append(names, "n"+strconv.Itoa(bits.TrailingZeros64(set)))
	}
	return strings.Join(names, " ")
}

// Tell says an event in words. The subject is the member or client that it
// happened to.
func Tell(e *trace.Event) string {
	who := Name(e.Member)
	switch e.Kind {
	case trace.MemberStart:
		return fmt.Sprintf("%s starts; its disk holds the log through %d of term %d", who, e.Index, e.Term)
	case trace.MemberCrash:
		if e.A > 0 {
			return who + "'s process dies; its machine goes on"
		}
		return who + " is killed"
	case trace.MemberStop:
		return who + " stops"
	case trace.MemberPause:
		return who + " is paused"
	case trace.MemberResume:
		return who + " goes on"
	case trace.MemberPanic:
		return who + " breaks down by a defect"
	case trace.MemberRemoved:
		return who + " learns that it was removed, and ends"
	case trace.RoleChange:
		return tellRole(who, e)
	case trace.LeaderKnown:
		if e.B == 0 {
			return fmt.Sprintf("%s no longer knows a leader in term %d", who, e.Term)
		}
		return fmt.Sprintf("%s follows n%d in term %d", who, e.B, e.Term)
	case trace.CommitMoved:
		return fmt.Sprintf("%s knows that the log is committed through %d", who, e.Index)
	case trace.LogAppend:
		return fmt.Sprintf("%s writes entry %d of term %d", who, e.Index, e.Term)
	case trace.LogDurable:
		return fmt.Sprintf("%s has its log on disk through %d", who, e.Index)
	case trace.StateDurable:
		if e.A == 0 {
			return fmt.Sprintf("%s has term %d on disk, and no vote", who, e.Term)
		}
		return fmt.Sprintf("%s has term %d and its vote for n%d on disk", who, e.Term, e.A)
	case trace.SnapSaved:
		return fmt.Sprintf("%s marks a snapshot at %d", who, e.Index)
	case trace.SnapInstall:
		return fmt.Sprintf("%s installs a snapshot of %d bytes at %d of term %d", who, e.A, e.Index, e.Term)
	case trace.LogCompacted:
		return fmt.Sprintf("%s drops its log through %d", who, e.Index)
	case trace.Apply:
		if e.ID == 0 {
			return fmt.Sprintf("%s applies entry %d of term %d", who, e.Index, e.Term)
		}
		return fmt.Sprintf("%s applies entry %d of term %d: request %d", who, e.Index, e.Term, e.ID)
	case trace.ConfApplied:
		text := fmt.Sprintf("%s applies a configuration at %d: voters %s", who, e.Index, ids(e.A))
		if e.B != 0 {
			text += ", learners " + ids(e.B)
		}
		return text
	case trace.ReadConfirm:
		return fmt.Sprintf("%s may serve %d reads once it has applied %d", who, e.A, e.Index)
	case trace.Propose:
		return fmt.Sprintf("%s proposes request %d", who, e.ID)
	case trace.LinkCut, trace.LinkHeal, trace.LinkHold, trace.LinkFree:
		return tellLink(who, e)
	case trace.Duplicate, trace.Reorder, trace.Hold, trace.Release:
		return tellPacket(who, e)
	case trace.DiskSync:
		return fmt.Sprintf("%s syncs %d bytes", who, e.A)
	case trace.DiskSynced:
		return fmt.Sprintf("%s has synced %d bytes", who, e.A)
	case trace.DiskFault:
		return tellDisk(who, e)
	case trace.MemberFault:
		return tellFault(who, e)
	case trace.DiskLost:
		return fmt.Sprintf("the crash of %s lost %d bytes that were not synced, and kept %d", who, e.A, e.B)
	case trace.DiskTorn:
		return fmt.Sprintf("the crash of %s tore a write: %d bytes of it survive", who, e.A)
	case trace.Invoke:
		return fmt.Sprintf("%s asks %s: operation %d", who, Name(e.Peer), e.ID)
	case trace.Return:
		return fmt.Sprintf("%s is answered: operation %d, revision %d", who, e.ID, e.B)
	case trace.Abandon:
		return fmt.Sprintf("%s gives up on operation %d after %s", who, e.ID, sim.Time(e.A))
	case trace.Phase:
		return fmt.Sprintf("phase %d begins", e.ID)
	case trace.Action:
		return fmt.Sprintf("statement %d", e.ID)
	case trace.Probe:
		return "for the first time: " + trace.ProbeID(e.ID).String()
	case trace.LeasesPromoted:
		return fmt.Sprintf("%s counts the time of %d leases anew", who, e.A)
	case trace.LeaseRenewed:
		return fmt.Sprintf("%s renews lease %x for %d s", who, e.ID, e.A)
	case trace.LeaseExpired:
		return fmt.Sprintf("%s finds lease %x expired", who, e.ID)
	case trace.Watched:
		return fmt.Sprintf("%s is told by %s, watcher %d at revision %d", who, Name(e.Peer), e.Index, e.B)
	case trace.BackendCommit:
		return fmt.Sprintf("%s writes its state through %d: %d bytes", who, e.Index, e.A)
	case trace.BackendDurable:
		return fmt.Sprintf("%s has its state on disk through %d", who, e.Index)
	case trace.BackendOpen:
		return fmt.Sprintf("%s finds its state through %d on its disk", who, e.Index)
	case trace.RunEnd:
		return "the run ends"
	}
	text := who + " " + e.Kind.String()
	if e.Peer != 0 {
		text += " " + Name(e.Peer)
	}
	return text
}

func tellRole(who string, e *trace.Event) string {
	switch e.Aux {
	case trace.RoleLeader:
		return fmt.Sprintf("%s leads term %d; its log ends at %d, committed through %d", who, e.Term, e.Index, e.A)
	case trace.RoleCandidate:
		return fmt.Sprintf("%s asks for votes in term %d; its log ends at %d", who, e.Term, e.Index)
	case trace.RolePreCandidate:
		return fmt.Sprintf("%s has heard of no leader and asks whether it would be elected; term %d", who, e.Term)
	}
	if e.B == 0 {
		return fmt.Sprintf("%s is a follower in term %d, and knows no leader yet", who, e.Term)
	}
	return fmt.Sprintf("%s follows n%d in term %d", who, e.B, e.Term)
}

func tellLink(who string, e *trace.Event) string {
	word := map[trace.Kind]string{
		trace.LinkCut: "is cut", trace.LinkHeal: "is mended", trace.LinkHold: "holds packets back", trace.LinkFree: "lets packets go",
	}[e.Kind]
	if e.Peer == 0 {
		return fmt.Sprintf("the network of %s %s", who, word)
	}
	return fmt.Sprintf("the link %s to %s %s", who, Name(e.Peer), word)
}

func tellPacket(who string, e *trace.Event) string {
	what := fmt.Sprintf("%s from %s to %s", PacketName(e.Aux), who, Name(e.Peer))
	switch by := time.Duration(e.A); {
	case e.Kind == trace.Duplicate:
		return what + " will arrive twice"
	case e.Kind == trace.Hold:
		return what + " is held back"
	case e.Kind == trace.Release:
		return what + " goes on"
	case by > 0:
		return fmt.Sprintf("%s is delayed by %s", what, by)
	case by < 0:
		return fmt.Sprintf("%s is hastened by %s", what, -by)
	}
	return what + " leaves its line"
}
