package workload

import (
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// leases is the life of a client that works with leases: it grants one, puts keys
// on it, keeps it alive for a while, and then revokes it or lets it expire. Keys
// are shared by all clients of the load, so that they move from lease to lease.
func (l *Load) leases(s *Session) {
	h := holder{load: l, s: s, dice: dice{load: l, s: s}}
	for !h.over {
		h.hold()
	}
}

// holder is a client that holds one lease after another.
type holder struct {
	load *Load
	s    *Session
	dice dice
	// over: the load has ended.
	over bool

	lease int64
	ttl   time.Duration
	// renewed is when the lease was last granted or renewed, at the latest.
	renewed sim.Time
}

// do makes a request, unless the load has ended.
func (h *holder) do(kind Kind, req store.Request) (op history.Op) {
	if h.over = h.over || !h.load.more(); h.over {
		return op
	}
	op = h.s.Do(kind, req)
	if op.Outcome != history.OK && op.Response.Err != nil && op.Response.Err.Code == store.Unknown {
		// "not a primary lessor", among others: another member may know better.
		h.s.reconnect()
	}
	return op
}

// pause lets some time pass.
func (h *holder) pause(d time.Duration) {
	if !h.over && !h.load.stopped {
		h.s.Sleep(d)
	}
}

func (h *holder) think() {
	think := h.load.cfg.Think
	h.pause(h.s.rand.Between(think.Min, think.Max))
}

// hold is the life of one lease.
func (h *holder) hold() {
	if !h.grant() {
		h.think()
		return
	}
	r := &h.s.rand
	h.attach(1 + r.Intn(3))
	alive := true
	for range r.Intn(4) { // renewals
		h.pause(r.Between(h.ttl/4, h.ttl/2))
		if alive = h.keepAlive(); !alive {
			break
		}
		if r.Intn(3) == 0 {
			h.attach(1)
		}
		if r.Intn(3) == 0 {
			h.look()
		}
	}
	switch r.Intn(3) {
	case 0:
		h.do(Revoke, &store.LeaseRevokeRequest{ID: h.lease})
		h.look()
	case 1: // come back when it has just expired, or nearly
		h.pause(h.renewed.Add(h.ttl).Sub(h.s.Now()) + r.Between(-h.ttl/10, h.ttl/5))
		h.keepAlive()
	case 2: // watch it expire
		for end := h.s.Now().Add(2 * h.ttl); alive && !h.over && h.s.Now() < end; {
			h.pause(r.Between(h.ttl/8, h.ttl/4))
			alive = h.look()
		}
	}
	h.think()
}

// grant grants a lease. Its time to live is short, and one of few.
func (h *holder) grant() bool {
	ttl := h.load.cfg.TTL
	seconds := int64(h.s.rand.Between(ttl.Min, ttl.Max) / time.Second)
	op := h.do(Grant, &store.LeaseGrantRequest{TTL: seconds})
	granted, ok := op.Response.Result.(*store.LeaseGrantResult)
	if !ok {
		return false
	}
	h.lease, h.ttl, h.renewed = granted.ID, time.Duration(granted.TTL)*time.Second, op.Return
	return true
}

// attach puts keys on the lease.
func (h *holder) attach(keys int) {
	for range keys {
		h.do(Put, &store.PutRequest{Key: h.dice.key(), Value: h.dice.value(), Lease: h.lease})
		h.think()
	}
}

// keepAlive renews the lease. It returns false if the lease is gone.
func (h *holder) keepAlive() bool {
	op := h.do(KeepAlive, &store.LeaseKeepAliveRequest{ID: h.lease})
	res, ok := op.Response.Result.(*store.LeaseKeepAliveResult)
	if ok && res.TTL > 0 {
		h.renewed = op.Return
	}
	return !ok || res.TTL > 0
}

// look asks how the lease and its keys are. It returns false if the lease is
// gone.
func (h *holder) look() bool {
	op := h.do(TimeToLive, &store.LeaseTimeToLiveRequest{ID: h.lease, Keys: h.s.rand.Intn(2) == 0})
	if h.s.rand.Intn(2) == 0 {
		h.do(Range, h.dice.read(h.load.cfg.Prefix, h.load.end))
	}
	res, ok := op.Response.Result.(*store.LeaseTimeToLiveResult)
	return !ok || res.GrantedTTL > 0
}
