package workload

import (
	"etcdsim/checker/history"
	"etcdsim/store"
)

// elections is the life of a client that wants to lead. The keys of the load are what
// leaders look after, and name the elections. A leader writes its key a few times,
// fenced by the revision that made it leader, proclaims something new, and then
// resigns, or forgets that it leads until its lease ends. Now and then everybody asks
// who leads.
func (l *Load) elections(s *Session) {
	c := candidate{contender: contender{holder: holder{load: l, s: s, dice: dice{load: l, s: s}}}}
	for !c.over {
		if s.rand.Intn(3) == 0 {
			c.do(Leader, &store.LeaderRequest{Name: electionName(c.dice.key())})
			c.think()
			continue
		}
		c.stand()
	}
}

// electionName is the name of the election of whoever looks after a key. It is not
// that of a lock, which would wait in the same queue.
func electionName(key string) string { return "lead/" + key }

// candidate is a client that stands in one election after another, by leases of its
// own.
type candidate struct {
	contender
	// leader is what it leads by. It is referred to from the history, and not changed.
	leader *store.LeaderKey
}

// stand stands in an election once.
func (c *candidate) stand() {
	r := &c.s.rand
	if c.lease == 0 || r.Intn(4) == 0 || !c.keepAlive() {
		if !c.grant() {
			c.think()
			return
		}
	}
	c.name = c.dice.key()
	if !c.campaign() {
		c.lease = 0 // its place in the queue may be there for as long as the lease
		c.think()
		return
	}
	c.key, c.token = c.leader.Key, c.leader.Rev
	c.work()
	if r.Intn(2) == 0 {
		c.do(Proclaim, &store.ProclaimRequest{Leader: c.leader, Value: c.dice.value()})
	}
	if r.Intn(4) > 0 {
		c.do(Resign, &store.ResignRequest{Leader: c.leader})
	} else {
		c.lease = 0 // forget it: the lease will end, and with it the leadership
	}
	c.think()
}

// campaign waits to be elected.
func (c *candidate) campaign() bool {
	if c.over = c.over || !c.load.more(); c.over {
		return false
	}
	op := c.s.DoCancelable(Campaign, &store.CampaignRequest{Name: electionName(c.name), Value: c.dice.value(), Lease: c.lease})
	res, ok := op.Response.Result.(*store.CampaignResult)
	if ok && op.Outcome == history.OK {
		c.leader = &res.Leader
	}
	return ok
}
