package workload

import (
	"time"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// locks is the life of a client that takes locks. The keys of the load are what the
// locks protect, and name them. Under a lock it writes its key a few times, and each
// write is fenced: it compares the revision that created the client's place in the
// queue, so that a client who has lost the lock without noticing changes nothing.
func (l *Load) locks(s *Session) {
	c := contender{holder: holder{load: l, s: s, dice: dice{load: l, s: s}}}
	for !c.over {
		c.contend()
	}
}

// contender is a client that takes one lock after another, by leases of its own.
type contender struct {
	holder
	// name is the lock and the key that it protects.
	name string
	// key is the place in the queue, token the revision that created it.
	key   string
	token int64
}

// contend takes a lock once, by a lease that is fresh or nearly over.
func (c *contender) contend() {
	r := &c.s.rand
	if c.lease == 0 || r.Intn(4) == 0 || !c.keepAlive() {
		if !c.grant() {
			c.think()
			return
		}
	}
	if r.Intn(8) == 0 {
		c.pause(c.ttl - 200*time.Millisecond) // it will end while this client waits
	}
	c.name = c.dice.key()
	if !c.lock() {
		c.lease = 0 // its place in the queue may be there for as long as the lease
		c.think()
		return
	}
	if c.identify() {
		c.work()
	}
	if r.Intn(10) > 0 {
		c.do(Unlock, &store.UnlockRequest{Key: c.key})
	} else {
		c.lease = 0 // forget it: the lease will end, and with it the lock
	}
	c.think()
}

// lock waits for the lock.
func (c *contender) lock() bool {
	if c.over = c.over || !c.load.more(); c.over {
		return false
	}
	op := c.s.DoCancelable(Lock, &store.LockRequest{Name: c.name, Lease: c.lease})
	res, ok := op.Response.Result.(*store.LockResult)
	if ok {
		c.key = res.Key
	}
	return ok
}

// identify learns the fencing token.
func (c *contender) identify() bool {
	op := c.do(Get, &store.RangeRequest{Key: c.key})
	res, ok := op.Response.Result.(*store.RangeResult)
	if !ok || len(res.KVs) == 0 {
		return false
	}
	c.token = res.KVs[0].CreateRevision
	return true
}

// work is what the lock protects. Now and then the client stands still for longer
// than its lease lives, as a long pause of a garbage collector would make it, and
// goes on as if nothing had happened.
func (c *contender) work() {
	r := &c.s.rand
	for range 1 + r.Intn(3) {
		if r.Intn(12) == 0 {
			c.pause(c.ttl + c.ttl/4)
		}
		op := c.do(Txn, &store.TxnRequest{
			Compare: []store.Compare{{Key: c.key, Target: store.CompareCreate, Result: store.CompareEqual, Num: c.token}},
			Success: []store.Op{&store.PutRequest{Key: c.name, Value: c.dice.value()}},
		})
		if lostLock(&op) {
			return
		}
		c.think()
		if r.Intn(3) == 0 {
			c.keepAlive()
		}
	}
}

// lostLock reports whether a fenced write failed because the lock is gone.
func lostLock(op *history.Op) bool {
	res, ok := op.Response.Result.(*store.TxnResult)
	return ok && !res.Succeeded
}
