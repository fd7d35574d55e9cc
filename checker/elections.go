package checker

import (
	"fmt"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// Elections. What etcd's election service promises, by name:
//
//   - elected: whoever was told that it leads had nobody before it at some moment
//     while it waited. (Unlike the lock service, etcd does not look whether its own
//     key is still there then: who was elected may have lost its lease.)
//   - one leader: nobody who may rely on it is told so as long as another one may: the
//     one that was told before, has not resigned, and whose lease lives for as long as
//     it was told.
//   - fenced: writes that compare the revision that made a leader come in the order
//     of those revisions.
//   - told: whoever asks who leads is told the leader of some moment while it waited,
//     with what that leader proclaimed then; or that there was none, if so it was.

// judgeElections judges the elections of a run. ok is false if it had none.
func judgeElections(l *linearity, all []history.Op, p paces) (j Judgement, ok bool) {
	g := guard{
		linearity: l, paces: p, names: make(map[string]bool),
		judge: "elections", thing: "election", keeper: "leader", keeps: "won", own: "it leads",
	}
	for i := range all {
		switch r := all[i].Request.(type) {
		case *store.CampaignRequest:
			g.names[r.Name] = true
		case *store.LeaderRequest:
			g.names[r.Name] = true
		}
	}
	if len(g.names) == 0 {
		return j, false
	}
	g.collect(all)
	for i := range all {
		switch r := all[i].Request.(type) {
		case *store.CampaignRequest:
			g.elected(&all[i], r)
		case *store.LeaderRequest:
			g.told(&all[i], r)
		}
	}
	g.oneHolder()
	g.fenced()
	return g.judgement(), true
}

// elected notes who was elected, and judges whether nobody was before it.
func (g *guard) elected(op *history.Op, r *store.CampaignRequest) {
	res, ok := op.Response.Result.(*store.CampaignResult)
	if !ok || op.Outcome != history.OK {
		return
	}
	key, rev := res.Leader.Key, res.Leader.Rev
	g.relies(grant{op: op, name: r.Name, key: key, lease: res.Leader.Lease})
	if len(g.Commits) == 0 {
		return
	}
	var before *store.KeyValue
	for from, to := g.during(op); from <= to; from++ {
		first := g.states[from].firstInLine(r.Name)
		if first == nil || first.CreateRevision >= rev {
			return
		}
		before = first
	}
	g.add("elected", r.Name, op.Return, []Exhibit{{*op, "not elected"}},
		"c%d was told by n%d at %v that it leads %s by %s of revision %d, but another was before it all the time, at last %s of revision %d.",
		op.Client, op.Member, op.Return, store.Text(r.Name), store.Text(key), rev, store.Text(before.Key), before.CreateRevision)
}

// told judges an answer to the question who leads.
func (g *guard) told(op *history.Op, r *store.LeaderRequest) {
	res, ok := op.Response.Result.(*store.LeaderResult)
	nobody := op.Response.Err == store.ErrElectionNoLeader
	if len(g.Commits) == 0 || !nobody && (!ok || op.Outcome != history.OK) {
		return
	}
	g.judged++
	for from, to := g.during(op); from <= to; from++ {
		first := g.states[from].firstInLine(r.Name)
		if first == nil && nobody || first != nil && !nobody && *first == res.KV {
			return
		}
	}
	answer := "nobody"
	if !nobody {
		answer = fmt.Sprintf("%s of revision %d, which said %s", store.Text(res.KV.Key), res.KV.CreateRevision, store.Text(res.KV.Value))
	}
	g.add("told", r.Name, op.Return, []Exhibit{{*op, "never so"}},
		"c%d was told by n%d at %v that the leader of %s is %s, which it was at no moment since %v.",
		op.Client, op.Member, op.Return, store.Text(r.Name), answer, op.Invoke)
}
