package checker

import (
	"strings"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// lockStory is a hand-made run in which two clients contend for the lock l by the
// leases 10 and 11 of three seconds. c0 gets it at 100 ms, c1 queues up.
type lockStory struct {
	chronicle
	rev int64
}

func newLockStory() *lockStory {
	s := &lockStory{rev: 1}
	for i, lease := range []int64{10, 11} {
		s.op(i, 1, 10*i, 10*i+9, &store.LeaseGrantRequest{TTL: 3}, granted(1, lease, 3), 0)
		s.logs(10*i+5, &store.LeaseGrantRequest{ID: lease, TTL: 3}, granted(1, lease, 3))
	}
	s.queues(60, 10)
	s.locked(0, 50, 100, 10)
	s.queues(70, 11)
	return s
}

// logs commits a request of a member's.
func (s *lockStory) logs(at int, r store.Request, answer store.Response) {
	index := uint64(len(s.Commits) + 5)
	s.commit(1<<63|index, index, at, r, answer)
}

func (s *lockStory) change(at int, r store.Request, result store.Result) {
	s.rev++
	s.logs(at, r, store.Response{Revision: s.rev, Result: result})
}

// queues puts the key of a lease into the queue.
func (s *lockStory) queues(at int, lease int64) {
	s.change(at, &store.PutRequest{Key: store.QueueKey("l", lease), Lease: lease}, &store.PutResult{})
}

// leaves takes it out.
func (s *lockStory) leaves(at int, lease int64) {
	s.change(at, &store.DeleteRangeRequest{Key: store.QueueKey("l", lease)}, &store.DeleteRangeResult{Deleted: 1})
}

func (s *lockStory) locked(client, from, to int, lease int64) {
	s.op(client, 1, from, to, &store.LockRequest{Name: "l", Lease: lease},
		store.Response{Revision: s.rev, Result: &store.LockResult{Key: store.QueueKey("l", lease)}}, 0)
}

func (s *lockStory) unlocks(client, from, to int, lease int64) {
	s.op(client, 1, from, to, &store.UnlockRequest{Key: store.QueueKey("l", lease)},
		store.Response{Revision: s.rev, Result: &store.UnlockResult{}}, 0)
}

// asks lets a client ask for something else.
func (s *lockStory) asks(client, from, to int, r store.Request, result store.Result) {
	s.op(client, 1, from, to, r, store.Response{Revision: s.rev, Result: result}, 0)
}

// givesUp lets a client ask for something and give up; it is done later, or never.
func (s *lockStory) givesUp(client, from, to int, r store.Request, result store.Result, at int) {
	op := s.op(client, 1, from, to, r, store.Response{}, 0)
	if op.Outcome = history.Unknown; at > 0 {
		s.rev++
		s.commit(op.ID, uint64(len(s.Commits)+5), at, r, store.Response{Revision: s.rev, Result: result})
	}
}

// writes puts the protected key under the token of a lease.
func (s *lockStory) writes(at int, lease, token int64) {
	s.fenced(at, store.Compare{Key: store.QueueKey("l", lease), Target: store.CompareCreate, Num: token})
}

// fenced puts the protected key under a condition.
func (s *lockStory) fenced(at int, c store.Compare) {
	s.change(at, &store.TxnRequest{
		Compare: []store.Compare{c},
		Success: []store.Op{&store.PutRequest{Key: "protected", Value: "v"}},
	}, &store.TxnResult{Succeeded: true, Responses: []store.Response{{Revision: s.rev + 1, Result: &store.PutResult{}}}})
}

func TestLocks(t *testing.T) {
	for _, tt := range []struct {
		name          string
		make          func(s *lockStory)
		property, why string
	}{
		{
			name: "one after the other",
			make: func(s *lockStory) {
				s.writes(110, 10, 2)
				s.unlocks(0, 120, 140, 10)
				s.leaves(130, 10)
				s.locked(1, 65, 150, 11)
				s.writes(160, 11, 3)
			},
		},
		{
			name: "the next one while the holder unlocks",
			make: func(s *lockStory) {
				s.unlocks(0, 120, 0, 10)
				op := &s.Ops[len(s.Ops)-1]
				op.Outcome, op.Return, op.Response = history.Unknown, ms(2000), store.Response{}
				s.leaves(130, 10)
				s.locked(1, 65, 150, 11)
			},
		},
		{
			name: "the next one when the lease of the first has ended",
			make: func(s *lockStory) {
				s.op(1, 1, 2000, 2010, &store.LeaseKeepAliveRequest{ID: 11},
					store.Response{Result: &store.LeaseKeepAliveResult{ID: 11, TTL: 3}}, 0)
				s.leaves(3100, 10)
				s.locked(1, 65, 3150, 11)
			},
		},
		{
			name: "the first hears of it when its lease has ended",
			make: func(s *lockStory) {
				s.op(1, 1, 2000, 2010, &store.LeaseKeepAliveRequest{ID: 11},
					store.Response{Result: &store.LeaseKeepAliveResult{ID: 11, TTL: 3}}, 0)
				s.leaves(3100, 10)
				s.locked(1, 65, 3150, 11)
				for i := range s.Ops {
					if r, ok := s.Ops[i].Request.(*store.LockRequest); ok && r.Lease == 10 {
						s.Ops[i].Return = ms(3200)
					}
				}
			},
		},
		{
			name: "the next one while the holder ends its lease",
			make: func(s *lockStory) {
				s.asks(0, 120, 140, &store.LeaseRevokeRequest{ID: 10}, &store.LeaseRevokeResult{})
				s.leaves(130, 10)
				s.locked(1, 65, 150, 11)
			},
		},
		{
			name: "the next one while somebody deletes the whole queue",
			make: func(s *lockStory) {
				s.asks(2, 120, 140, &store.DeleteRangeRequest{Key: "l/", RangeEnd: "l0"}, &store.DeleteRangeResult{Deleted: 1})
				s.leaves(130, 10)
				s.locked(1, 65, 150, 11)
			},
		},
		{
			name: "the next one, since what somebody had given up deletes the whole queue",
			make: func(s *lockStory) {
				s.givesUp(2, 20, 40, &store.DeleteRangeRequest{Key: "l/a", RangeEnd: "l/b"}, &store.DeleteRangeResult{Deleted: 1}, 130)
				s.locked(1, 65, 150, 11)
			},
		},
		{
			name: "the next one, since the holder had once given up letting go",
			make: func(s *lockStory) {
				s.givesUp(0, 20, 40, &store.UnlockRequest{Key: store.QueueKey("l", 10)}, nil, 0)
				s.leaves(130, 10)
				s.locked(1, 65, 150, 11)
			},
		},
		{
			name: "the next one, since the holder hears of its renewal too late to rely on it",
			make: func(s *lockStory) {
				s.asks(0, 2000, 3500, &store.LeaseKeepAliveRequest{ID: 10}, &store.LeaseKeepAliveResult{ID: 10, TTL: 3})
				s.asks(1, 2100, 2110, &store.LeaseKeepAliveRequest{ID: 11}, &store.LeaseKeepAliveResult{ID: 11, TTL: 3})
				s.leaves(3100, 10)
				s.locked(1, 65, 3150, 11)
			},
		},
		{
			name: "the holder asks again",
			make: func(s *lockStory) { s.locked(0, 105, 115, 10) },
		},
		{
			name: "who left queues up again, behind the next one",
			make: func(s *lockStory) {
				s.unlocks(0, 120, 138, 10)
				s.leaves(130, 10)
				s.queues(140, 10)
				s.locked(1, 145, 150, 11)
			},
		},
		{
			name: "a lock that nobody heard of",
			make: func(s *lockStory) {
				s.locked(1, 65, 150, 11)
				op := &s.Ops[len(s.Ops)-1]
				op.Outcome, op.Response = history.Unknown, store.Response{}
			},
		},
		{
			name: "a holder writes twice",
			make: func(s *lockStory) { s.writes(110, 10, 2); s.writes(120, 10, 2) },
		},
		{
			name: "the fence keeps the first holder out",
			make: func(s *lockStory) {
				s.writes(110, 11, 3)
				s.writes(120, 10, 2)
				s.Commits[len(s.Commits)-1].Response.Result = &store.TxnResult{}
			},
		},
		{
			name: "conditions that are no tokens",
			make: func(s *lockStory) {
				s.writes(110, 11, 3)
				for i, c := range []store.Compare{
					{Key: "l/a", Target: store.CompareVersion, Num: 1},
					{Key: "l/a", Target: store.CompareCreate, Result: store.CompareGreater, Num: 1},
					{Key: "l/z", Target: store.CompareCreate}, // it is not there
					{Key: "l/a/b", Target: store.CompareCreate, Num: 1},
					{Key: "a", Target: store.CompareCreate, Num: 1},
					{Key: "z", Target: store.CompareCreate, Num: 1},
				} {
					s.fenced(120+i, c)
				}
			},
		},
		{
			name: "somebody else let go",
			make: func(s *lockStory) {
				s.unlocks(2, 120, 140, 12)
				s.asks(1, 120, 140, &store.LeaseRevokeRequest{ID: 99}, &store.LeaseRevokeResult{})
				s.asks(1, 120, 140, &store.DeleteRangeRequest{Key: "z"}, &store.DeleteRangeResult{})
				s.asks(1, 120, 140, &store.LeaseKeepAliveRequest{ID: 11}, &store.LeaseKeepAliveResult{ID: 11, TTL: 9})
				s.leaves(130, 10)
				s.locked(1, 65, 150, 11)
			},
			property: "one holder",
			why:      "c0 holds lock l by l/a and may rely on it until 3.000s, yet c1 was told at 0.150s that it is its own.",
		},
		{
			name: "what somebody had given up never happened",
			make: func(s *lockStory) {
				s.givesUp(2, 120, 140, &store.DeleteRangeRequest{Key: "l/a", RangeEnd: "l/b"}, nil, 0)
				s.leaves(130, 10)
				s.locked(1, 65, 150, 11)
			},
			property: "one holder",
			why:      "c0 holds lock l by l/a and may rely on it until 3.000s, yet c1 was told at 0.150s that it is its own.",
		},
		{
			name: "the holder let go of what it held before",
			make: func(s *lockStory) {
				s.unlocks(0, 20, 30, 10)
				s.asks(0, 20, 30, &store.LeaseRevokeRequest{ID: 10}, &store.LeaseRevokeResult{})
				s.asks(0, 20, 30, &store.DeleteRangeRequest{Key: "l/a"}, &store.DeleteRangeResult{})
				s.leaves(130, 10)
				s.locked(1, 65, 150, 11)
			},
			property: "one holder",
			why:      "c0 holds lock l by l/a and may rely on it until 3.000s, yet c1 was told at 0.150s that it is its own.",
		},
		{
			name:     "nobody let go",
			make:     func(s *lockStory) { s.locked(1, 65, 150, 11) },
			property: "held", why: "c1 was told by n1 at 0.150s that lock l is its own, but its key l/b was behind others all the time.",
		},
		{
			name: "the key went with its lease, before it was the first",
			make: func(s *lockStory) {
				s.leaves(3000, 11)
				s.leaves(3100, 10)
				s.locked(1, 65, 3150, 11)
			},
			property: "held", why: "c1 was told by n1 at 3.150s that lock l is its own, but its key l/b was behind others all the time.",
		},
		{
			name: "there was no key",
			make: func(s *lockStory) {
				s.leaves(3000, 11)
				s.leaves(3100, 10)
				s.locked(1, 3110, 3150, 11)
			},
			property: "held", why: "c1 was told by n1 at 3.150s that lock l is its own, but its key l/b was gone all the time.",
		},
		{
			name: "somebody took the lock away from its holder",
			make: func(s *lockStory) {
				s.leaves(120, 10)
				s.locked(1, 65, 150, 11)
			},
			property: "one holder",
			why:      "c0 holds lock l by l/a and may rely on it until 3.000s, yet c1 was told at 0.150s that it is its own.",
		},
		{
			name: "a renewed lease may be relied on longer",
			make: func(s *lockStory) {
				s.op(0, 1, 2000, 2010, &store.LeaseKeepAliveRequest{ID: 10},
					store.Response{Result: &store.LeaseKeepAliveResult{ID: 10, TTL: 3}}, 0)
				s.op(1, 1, 2100, 2110, &store.LeaseKeepAliveRequest{ID: 11},
					store.Response{Result: &store.LeaseKeepAliveResult{ID: 11, TTL: 3}}, 0)
				s.leaves(3100, 10)
				s.locked(1, 65, 3150, 11)
			},
			property: "one holder",
			why:      "c0 holds lock l by l/a and may rely on it until 5.000s, yet c1 was told at 3.150s that it is its own.",
		},
		{
			name: "the first holder writes late",
			make: func(s *lockStory) {
				s.writes(110, 11, 3)
				s.writes(120, 10, 2)
			},
			property: "fenced",
			why:      "protected was written under token 2 of lock l at index 10, though it had been written under token 3 at index 9.",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newLockStory()
			tt.make(s)
			all := s.Ops
			h := s.History
			h.Ops = keyValueOps(h.Ops)
			j, ok := judgeLocks(newLinearity(newRecord(h, nil), Options{}), all, paces{})
			if !ok {
				t.Fatal("no lock was judged")
			}
			if tt.property == "" {
				for _, v := range j.Violations {
					t.Errorf("%s: %s", v.Property, v.Why)
				}
				return
			}
			prove(j)
			if j.Verdict != Violated {
				t.Fatalf("the verdict is %v, want a violation of %q", j.Verdict, tt.property)
			}
			if v := j.Violations[0]; v.Property != "locks, "+tt.property || v.Why != tt.why {
				t.Errorf("%s: %s\nwant %s: %s", v.Property, v.Why, tt.property, tt.why)
			}
			if strings.Contains(j.Note, "first of") && tt.property != "held" {
				t.Errorf("more was found than was planted: %s", j.Note)
			}
		})
	}
}
