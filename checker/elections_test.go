package checker

import (
	"strings"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// electionStory is a hand-made run in which two clients stand in the election l by
// the leases 10 and 11 of three seconds, as they contend for the lock in lockStory.
// c0 is elected at 100 ms by revision 2, and says one; c1 waits, by revision 3.
type electionStory struct{ *lockStory }

func newElectionStory() electionStory {
	s := electionStory{newLockStory()}
	s.Ops = s.Ops[:2] // without the lock
	s.campaigns(0, 50, 100, 10, 2)
	return s
}

func (s electionStory) campaigns(client, from, to int, lease, rev int64) {
	key := store.LeaderKey{Name: "l", Key: store.QueueKey("l", lease), Rev: rev, Lease: lease}
	s.op(client, 1, from, to, &store.CampaignRequest{Name: "l", Value: "v", Lease: lease},
		store.Response{Revision: s.rev, Result: &store.CampaignResult{Leader: key}}, 0)
}

func (s electionStory) resigns(client, from, to int, lease int64) {
	s.op(client, 1, from, to, &store.ResignRequest{Leader: &store.LeaderKey{Name: "l", Key: store.QueueKey("l", lease)}},
		store.Response{Revision: s.rev, Result: &store.ResignResult{}}, 0)
}

// proclaims changes what the key of a lease says.
func (s electionStory) proclaims(at int, lease int64, value string) {
	s.change(at, &store.PutRequest{Key: store.QueueKey("l", lease), Value: value, Lease: lease}, &store.PutResult{})
}

// leader asks who leads, and is told a key with what it says.
func (s electionStory) leader(client, from, to int, kv store.KeyValue) {
	s.op(client, 1, from, to, &store.LeaderRequest{Name: "l"}, store.Response{Revision: s.rev, Result: &store.LeaderResult{KV: kv}}, 0)
}

// says is the key of a lease with what it says.
func says(lease, created, mod, version int64, value string) store.KeyValue {
	return store.KeyValue{
		Key: store.QueueKey("l", lease), Value: value, CreateRevision: created, ModRevision: mod, Version: version, Lease: lease,
	}
}

func TestElections(t *testing.T) {
	for _, tt := range []struct {
		name          string
		make          func(s electionStory)
		property, why string
	}{
		{
			name: "one after the other",
			make: func(s electionStory) {
				s.writes(110, 10, 2)
				s.resigns(0, 120, 140, 10)
				s.leaves(130, 10)
				s.campaigns(1, 65, 150, 11, 3)
				s.writes(160, 11, 3)
			},
		},
		{
			name: "elected although its own key is gone",
			make: func(s electionStory) {
				s.leaves(80, 11)
				s.resigns(0, 120, 140, 10)
				s.leaves(130, 10)
				s.campaigns(1, 65, 150, 11, 3)
			},
		},
		{
			name: "elected when its lease had ended, and it knows",
			make: func(s electionStory) {
				s.op(0, 1, 2000, 2010, &store.LeaseKeepAliveRequest{ID: 10},
					store.Response{Result: &store.LeaseKeepAliveResult{ID: 10, TTL: 3}}, 0)
				s.leaves(3100, 11)
				s.leaves(3200, 10)
				s.campaigns(1, 65, 3300, 11, 3)
			},
		},
		{
			name: "what the leader said, before and after it said something else",
			make: func(s electionStory) {
				s.proclaims(110, 10, "one")
				s.leader(2, 105, 120, says(10, 2, 2, 1, ""))
				s.leader(2, 121, 130, says(10, 2, 4, 2, "one"))
			},
		},
		{
			name: "nobody leads",
			make: func(s electionStory) {
				s.leaves(110, 10)
				s.leaves(120, 11)
				s.op(2, 1, 115, 130, &store.LeaderRequest{Name: "l"}, store.Response{Err: store.ErrElectionNoLeader}, 0)
				s.Ops[len(s.Ops)-1].Outcome = history.Failed
			},
		},
		{
			name: "a campaign that nobody heard of",
			make: func(s electionStory) {
				s.campaigns(1, 65, 150, 11, 3)
				op := &s.Ops[len(s.Ops)-1]
				op.Outcome, op.Response = history.Unknown, store.Response{}
			},
		},
		{
			name: "an answer that nobody heard of",
			make: func(s electionStory) {
				s.leader(2, 121, 130, says(11, 3, 3, 1, ""))
				op := &s.Ops[len(s.Ops)-1]
				op.Outcome, op.Response = history.Unknown, store.Response{}
			},
		},
		{
			name: "a log that nobody has",
			make: func(s electionStory) { s.leader(2, 121, 130, says(10, 2, 2, 1, "")); s.Commits = nil },
		},
		{
			name: "somebody, though nobody leads",
			make: func(s electionStory) {
				s.leaves(110, 10)
				s.leaves(111, 11)
				s.leader(2, 121, 130, says(10, 2, 2, 1, ""))
			},
			property: "told",
			why:      "the leader of l is l/a of revision 2",
		},
		{
			name: "who waits in the line, of an election in which nobody else stood",
			make: func(s electionStory) {
				s.Ops = s.Ops[:2]
				s.leader(2, 121, 130, says(11, 3, 3, 1, ""))
			},
			property: "told",
			why:      "the leader of l is l/b of revision 3",
		},
		{
			name:     "nobody resigned",
			make:     func(s electionStory) { s.campaigns(1, 65, 150, 11, 3) },
			property: "elected",
			why: "c1 was told by n1 at 0.150s that it leads l by l/b of revision 3, but another was before it all the time, " +
				"at last l/a of revision 2.",
		},
		{
			name: "somebody deposed the leader",
			make: func(s electionStory) {
				s.leaves(110, 10)
				s.campaigns(1, 65, 150, 11, 3)
			},
			property: "one leader",
			why:      "c0 won election l by l/a and may rely on it until 3.000s, yet c1 was told at 0.150s that it leads.",
		},
		{
			name: "the first leader writes late",
			make: func(s electionStory) {
				s.resigns(0, 101, 140, 10)
				s.writes(115, 11, 3)
				s.writes(116, 10, 2)
			},
			property: "fenced",
			why:      "protected was written under token 2 of election l",
		},
		{
			name: "what the leader said once",
			make: func(s electionStory) {
				s.proclaims(110, 10, "one")
				s.leader(2, 121, 130, says(10, 2, 2, 1, ""))
			},
			property: "told",
			why:      "the leader of l is l/a of revision 2, which said \"\", which it was at no moment since 0.121s.",
		},
		{
			name:     "who waits in the line",
			make:     func(s electionStory) { s.leader(2, 121, 130, says(11, 3, 3, 1, "")) },
			property: "told",
			why:      "the leader of l is l/b of revision 3",
		},
		{
			name: "nobody, though somebody leads",
			make: func(s electionStory) {
				s.op(2, 1, 115, 130, &store.LeaderRequest{Name: "l"}, store.Response{Err: store.ErrElectionNoLeader}, 0)
				s.Ops[len(s.Ops)-1].Outcome = history.Failed
			},
			property: "told",
			why:      "the leader of l is nobody, which it was at no moment since 0.115s",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newElectionStory()
			tt.make(s)
			report := Judge(s.History, Options{})
			j, ok := report.Judgement("elections")
			if !ok || j.Judged == 0 {
				t.Fatalf("not judged: %+v", j)
			}
			if tt.property == "" {
				if j.Verdict != Pass {
					t.Errorf("%+v, want a pass", j)
				}
				return
			}
			prove(j)
			if len(j.Violations) != 1 || j.Violations[0].Property != "elections, "+tt.property || !strings.Contains(j.Violations[0].Why, tt.why) {
				t.Errorf("%+v\nwant %s: %s", j.Violations, tt.property, tt.why)
			}
		})
	}
}
