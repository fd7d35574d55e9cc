package checker

import (
	"fmt"
	"slices"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// Members. What etcd promises of them, by name:
//
//   - etcd's rules: a change of the membership that reached the log has the effect
//     and the answer that the changes before it call for. IDs are counted, and
//     who was removed never comes back.
//   - durability: a change that was acknowledged is in the log, one that was
//     refused for good is not.
//   - lists: a list of members is the one as of the log that the member had
//     applied; a linearizable one holds every change acknowledged before it was
//     asked for.
//   - handover: a leader that was asked to hand over, and says that it has, has.
//
// That voters and learners are what raft counts is judged by the invariants.

// members is who the members are, as the changes in the log make them: a
// reference of its own, so that it can tell when the members' is wrong.
type members struct {
	list []store.Member // by ID
	last uint64         // the last ID given
	// learners is how many learners there may be.
	learners int
}

func foundingMembers(h *history.History) members {
	m := members{}
	for i := range h.Members {
		if id := h.Members[i].ID; h.Members[i].Founder {
			m.last = max(m.last, id)
			m.list = append(m.list, store.Member{
				ID: id, Name: store.MemberName(id), PeerURLs: []string{store.PeerURL(id)}, ClientURLs: []string{store.ClientURL(id)},
			})
		}
	}
	return m
}

func (m *members) at(id uint64) int {
	return slices.IndexFunc(m.list, func(s store.Member) bool { return s.ID == id })
}

// url reports whether one of the addresses is that of a member other than except.
func (m *members) url(urls []string, except uint64) bool {
	for _, s := range m.list {
		for _, u := range s.PeerURLs {
			if s.ID != except && slices.Contains(urls, u) {
				return true
			}
		}
	}
	return false
}

// after returns the members after a change, and the error that refuses it. It
// returns false for other requests.
func (m members) after(r store.Request) (next members, err *store.Error, known bool) {
	if _, publish := r.(*store.MemberPublishRequest); !publish && !store.Reconfigures(r) {
		return m, nil, false
	}
	next = m
	next.list = slices.Clone(m.list)
	switch r := r.(type) {
	case *store.MemberAddRequest:
		learning := 0
		for _, s := range m.list {
			if s.Learner {
				learning++
			}
		}
		switch {
		case m.last >= store.MaxMembers:
			return m, store.ErrTooManyMembers, true
		case m.url(r.PeerURLs, 0):
			return m, store.ErrPeerURLExists, true
		case r.Learner && learning >= m.learners:
			return m, store.ErrTooManyLearners, true
		}
		next.last++
		urls := slices.Clone(r.PeerURLs)
		slices.Sort(urls)
		next.list = append(next.list, store.Member{ID: next.last, PeerURLs: urls, Learner: r.Learner})
	case *store.MemberRemoveRequest:
		i := m.at(r.ID)
		if i < 0 {
			return m, store.ErrMemberNotFound, true
		}
		next.list = slices.Delete(next.list, i, i+1)
	case *store.MemberUpdateRequest:
		i := m.at(r.ID)
		switch {
		case i < 0:
			return m, store.ErrMemberNotFound, true
		case m.url(r.PeerURLs, r.ID):
			return m, store.ErrPeerURLExists, true
		}
		next.list[i].PeerURLs = r.PeerURLs
	case *store.MemberPromoteRequest:
		i := m.at(r.ID)
		switch {
		case i < 0:
			return m, store.ErrMemberNotFound, true
		case !m.list[i].Learner:
			return m, store.ErrMemberNotLearner, true
		}
		next.list[i].Learner = false
	case *store.MemberPublishRequest:
		if i := m.at(r.ID); i >= 0 {
			next.list[i].Name, next.list[i].ClientURLs = r.Name, r.ClientURLs
		}
	default:
		return m, nil, false
	}
	return next, nil, true
}

// registry is the judgement of the membership.
type registry struct {
	*record
	ops []history.Op
	// lists are the members after each entry that changed them, by the index of
	// that entry; the first is the founders.
	lists []listMark
	// entries are the changes in the log, by the ID of their proposal.
	entries map[uint64]int // positions in Commits
	judged  int
	found   []Violation
}

type listMark struct {
	index uint64
	at    sim.Time
	list  []store.Member
}

// judgeMembers judges the membership of a run. ok is false if nobody asked about
// members: then there is nothing to judge.
func judgeMembers(r *record, ops []history.Op, o Options) (j Judgement, ok bool) {
	g := registry{record: r, ops: ops, entries: map[uint64]int{}}
	m := foundingMembers(&r.History)
	if m.learners = o.MaxLearners; m.learners == 0 {
		m.learners = 1
	}
	g.replay(m)
	for i := range ops {
		if membership(ops[i].Request) {
			g.judge(&ops[i])
		}
	}
	if g.judged == 0 && len(g.found) == 0 {
		return Judgement{}, false
	}
	return safety("membership", g.judged, g.found), true
}

// membership reports whether a request is about members.
func membership(r store.Request) bool {
	switch r.(type) {
	case *store.MemberListRequest, *store.MoveLeaderRequest:
		return true
	}
	return store.Reconfigures(r)
}

func (g *registry) add(property string, op *history.Op, note string, at sim.Time, index uint64, format string, args ...any) {
	v := Violation{Property: property, At: at, Index: index, Why: fmt.Sprintf(format, args...)}
	if op != nil {
		v.Ops, v.Member = []Exhibit{{*op, note}}, op.Member
	}
	g.found = append(g.found, v)
}

// replay follows the changes in the log, and compares what the members made of
// each.
func (g *registry) replay(m members) {
	g.lists = append(g.lists, listMark{list: m.list})
	for i := range g.Commits {
		c := &g.Commits[i]
		next, err, known := m.after(c.Proposal.Request)
		if !known {
			continue
		}
		if store.Reconfigures(c.Proposal.Request) {
			g.judged++
		}
		g.entries[c.Proposal.ID] = i
		m = next
		if err == nil {
			g.lists = append(g.lists, listMark{c.Index, g.commitTime(int32(i)), m.list})
		}
		if c.Response.Err == nil && c.Response.Result == nil {
			continue // nobody noted the answer
		}
		want, got := refusalOr(err, m.list), refusalOr(c.Response.Err, listed(c.Response.Result))
		if _, ok := c.Response.Result.(*store.MemberPublishResult); ok {
			want, got = refusalOr(err, nil), refusalOr(c.Response.Err, nil)
		}
		if want != got {
			g.add("etcd's rules", nil, "", g.commitTime(int32(i)), c.Index, "Applying %s at index %d must give %s, but the members gave %s.",
				store.Describe(c.Proposal.Request), c.Index, want, got)
		}
	}
}

// refusalOr prints an answer: why a request was refused, or a list of members.
func refusalOr(err *store.Error, list []store.Member) string {
	if err != nil {
		return fmt.Sprintf("the error %q", err.Text)
	}
	return membersText(list)
}

func membersText(list []store.Member) string {
	if len(list) == 0 {
		return "nobody"
	}
	text := ""
	for i := range list {
		s := &list[i]
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("n%d", s.ID)
		if s.Learner {
			text += " (learner)"
		}
		if !s.Started() {
			text += " (not started)"
		}
		if len(s.PeerURLs) != 1 || s.PeerURLs[0] != store.PeerURL(s.ID) {
			text += fmt.Sprintf(" at %q", s.PeerURLs)
		}
	}
	return text
}

// listed returns the members that an answer lists.
func listed(r store.Result) []store.Member {
	switch r := r.(type) {
	case *store.MembersResult:
		return r.Members
	case *store.MemberAddResult:
		return r.Members
	}
	return nil
}

// listAt returns the members as of an index.
func (g *registry) listAt(index uint64) *listMark {
	i := len(g.lists) - 1
	for i > 0 && g.lists[i].index > index {
		i--
	}
	return &g.lists[i]
}

// judge judges one operation of a client.
func (g *registry) judge(op *history.Op) {
	g.judged++
	switch {
	case store.Reconfigures(op.Request):
		g.judgeChange(op)
	case op.Outcome != history.OK:
	default:
		switch r := op.Request.(type) {
		case *store.MemberListRequest:
			g.judgeList(op, r)
		case *store.MoveLeaderRequest:
			g.judgeMove(op, r.Target)
		}
	}
}

func (g *registry) judgeChange(op *history.Op) {
	i, committed := g.entries[op.ID]
	switch {
	case op.Outcome == history.OK && !committed:
		g.add("durability", op, "not in the log", op.Return, op.Applied,
			"n%d acknowledged %s at %v, but no entry of the committed log carries it.",
			op.Member, store.Describe(op.Request), op.Return)
	case op.Outcome == history.OK:
		c := &g.Commits[i]
		if want, got := refusalOr(c.Response.Err, listed(c.Response.Result)), membersText(listed(op.Response.Result)); want != got {
			g.add("durability", op, "altered", op.Return, c.Index, "%s, committed at index %d, gave %s, but n%d answered %s.",
				store.Describe(op.Request), c.Index, want, op.Member, got)
		}
	case op.Outcome == history.Failed && committed && g.Commits[i].Response.Err == nil:
		if _, ok := op.Request.(*store.MemberPromoteRequest); ok {
			return // a member may have asked the leader twice: the second time it was done
		}
		g.add("durability", op, "refused, yet applied", op.Return, g.Commits[i].Index,
			"n%d refused %s for good (%s), but it was committed at index %d and applied.",
			op.Member, store.Describe(op.Request), refusal(op), g.Commits[i].Index)
	}
}

// judgeList judges a list of members. The member says how much of the log it had
// applied; that must be as much as a linearizable answer calls for.
func (g *registry) judgeList(op *history.Op, r *store.MemberListRequest) {
	mark := g.listAt(op.Applied)
	if want, got := membersText(mark.list), membersText(listed(op.Response.Result)); want != got {
		g.add("lists", op, "wrong", op.Return, op.Applied,
			"After index %d the members are %s, but n%d listed %s.", op.Applied, want, op.Member, got)
		return
	}
	if !r.Linearizable {
		return
	}
	for i := range g.ops {
		other := &g.ops[i]
		if other.Return >= op.Invoke || other.Outcome != history.OK || !store.Reconfigures(other.Request) {
			continue
		}
		if c, ok := g.entries[other.ID]; ok && g.Commits[c].Index > op.Applied {
			v := Violation{
				Property: "lists", Ops: []Exhibit{{*other, ""}, {*op, "stale"}}, At: op.Return, Member: op.Member, Index: op.Applied,
				Why: fmt.Sprintf(
					"%s was acknowledged at %v, at index %d; at %v n%d was asked for a linearizable list, and gave the one as of index %d.",
					store.Describe(other.Request), other.Return, g.Commits[c].Index, op.Invoke, op.Member, op.Applied),
			}
			g.found = append(g.found, v)
			return
		}
	}
}

// judgeMove judges a handover: at some time while it was under way the target
// must have been the latest leader.
func (g *registry) judgeMove(op *history.Op, target uint64) {
	if g.facts == nil || op.Member == target {
		return // who is asked to hand over to itself does nothing, and need not know whether it still leads
	}
	latest := Election{}
	for _, e := range g.facts.elections {
		switch {
		case e.At > op.Return:
		case e.At >= op.Invoke && uint64(e.Member) == target:
			return
		case e.At < op.Invoke && e.Term > latest.Term:
			latest = e
		}
	}
	if uint64(latest.Member) == target {
		return
	}
	g.add("handover", op, "not done", op.Return, 0, "n%d said at %v that it had handed over to n%d, which did not lead then.",
		op.Member, op.Return, target)
}
