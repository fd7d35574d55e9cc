package checker

import (
	"strings"
	"testing"
	"time"

	"etcdsim/checker/history"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

func TestLeases(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(s *leaseStory)
		// why is empty for what is legal.
		property, why string
	}{
		{
			name: "it ends soon after its time",
			make: func(s *leaseStory) { s.revoked(2600) },
		},
		{
			name: "a fast clock ends it early",
			make: func(s *leaseStory) {
				s.Ops = s.Ops[:2]
				s.lessors.renewals = nil
				s.paced(100_000)
				s.revoked(1829)
			},
		},
		{
			name: "even a fast clock ends it too early",
			make: func(s *leaseStory) {
				s.Ops = s.Ops[:2]
				s.lessors.renewals = nil
				s.paced(100_000)
				s.revoked(1828)
			},
			property: "kept", why: "n1 answered lease grant 0 ttl 2s = 7 ttl 2s; so lease 7 lives until 1.828s at least. " +
				"Yet a member revoked it at 1.828s, at index 7.",
		},
		{
			name:     "it ends before what was granted",
			make:     func(s *leaseStory) { s.Ops = s.Ops[:2]; s.lessors.renewals = nil; s.revoked(2009) },
			property: "kept", why: "n1 answered lease grant 0 ttl 2s = 7 ttl 2s; so lease 7 lives until 2.010s at least. " +
				"Yet a member revoked it at 2.009s, at index 7.",
		},
		{
			name:     "it ends before what a renewal said",
			make:     func(s *leaseStory) { s.revoked(2099) },
			property: "kept", why: "n1 answered lease keep-alive 7 = 2s; so lease 7 lives until 2.100s at least. " +
				"Yet a member revoked it at 2.099s, at index 7.",
		},
		{
			name:     "one that was there in the beginning ends before what was left of it",
			make:     func(s *leaseStory) { s.inherits(5, 3); s.ends(9, 2999) },
			property: "kept", why: "Lease 9 was there in the beginning, with 3 s to live. Yet a member revoked it at 2.999s, at index 7.",
		},
		{
			name: "one that was there in the beginning, and of which nobody wrote down what is left, ends early",
			make: func(s *leaseStory) {
				s.inherits(5, 0)
				s.checkpoint(50, 9, 1)
				s.ends(9, 4999)
			},
			property: "kept", why: "Lease 9 was there in the beginning, with 5 s to live. Yet a member revoked it at 4.999s, at index 8.",
		},
		{
			name: "one that was there in the beginning ends after what was left of it",
			make: func(s *leaseStory) { s.inherits(5, 3); s.ends(9, 3000) },
		},
		{
			name: "one that was there in the beginning ends after its time",
			make: func(s *leaseStory) { s.inherits(5, 0); s.ends(9, 5000) },
		},
		{
			name: "one that was there in the beginning, renewed, ends before what the renewal said",
			make: func(s *leaseStory) {
				s.inherits(5, 3)
				s.op(0, 1, 2000, 2010, &store.LeaseKeepAliveRequest{ID: 9},
					store.Response{Result: &store.LeaseKeepAliveResult{ID: 9, TTL: 5}}, 6)
				s.ends(9, 6999)
			},
			property: "kept", why: "n1 answered lease keep-alive 9 = 5s; so lease 9 lives until 7.000s at least. " +
				"Yet a member revoked it at 6.999s, at index 7.",
		},
		{
			name: "a client may end it at any time",
			make: func(s *leaseStory) {
				s.op(3, 1, 200, 300, &store.LeaseRevokeRequest{ID: 7}, store.Response{Revision: 3, Result: &store.LeaseRevokeResult{}}, 7)
				s.revoked(250)
				s.Commits[2].Proposal.ID = s.Ops[len(s.Ops)-1].ID
			},
		},
		{
			name: "a renewal that nobody heard of promises nothing",
			make: func(s *leaseStory) {
				s.keepAlive(1000, 2000, 0, 0)
				op := &s.Ops[len(s.Ops)-1]
				op.Outcome, op.Response = history.Unknown, store.Response{}
				s.revoked(2200)
			},
		},
		{
			name: "but it may have happened",
			make: func(s *leaseStory) {
				s.keepAlive(1000, 2000, 0, 0)
				op := &s.Ops[len(s.Ops)-1]
				op.Outcome, op.Response = history.Unknown, store.Response{}
				s.renewed(2050, 1, 2)
				s.revoked(6500)
			},
		},
		{
			name:     "it ends late",
			make:     func(s *leaseStory) { s.goesOn(2700); s.revoked(2800) },
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 2.680s.",
		},
		{
			name: "it ends late, though another one was renewed",
			make: func(s *leaseStory) {
				s.at(2050, trace.Event{Kind: trace.LeaseRenewed, Member: 1, Term: 2, ID: 8, A: 2})
				s.goesOn(2700)
				s.revoked(2800)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 2.680s.",
		},
		{
			name: "others find it over, and another one is found over",
			make: func(s *leaseStory) {
				s.over(2200, 2, 2)
				s.over(2200, 1, 1)
				s.at(2200, trace.Event{Kind: trace.LeaseExpired, Member: 1, Term: 2, ID: 8})
				s.goesOn(2700)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 2.680s.",
		},
		{
			name: "the end was refused before it was over",
			make: func(s *leaseStory) {
				s.commit(ownRequest|2, 7, 2150, &store.LeaseRevokeRequest{ID: 7}, store.Response{Revision: 2, Err: store.ErrUserEmpty})
				s.over(2200, 1, 2)
				s.goesOn(2700)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, found that at 2.200s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 2.680s.",
		},
		{
			name: "checkpoints of another member are on their way",
			make: func(s *leaseStory) {
				s.at(1500, trace.Event{Kind: trace.LeasesRecorded, Member: 2, Term: 2, A: 1})
				s.goesOn(2700)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 2.680s.",
		},
		{
			name: "checkpoints have come through before it was over, and others are made after the look",
			make: func(s *leaseStory) {
				s.at(1500, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2, A: 1})
				s.at(1600, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2})
				s.at(2606, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2, A: 1})
				s.at(5000, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2})
				s.goesOn(2700)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 2.680s.",
		},
		{
			name: "so many are over at another member",
			make: func(s *leaseStory) {
				for i := range looksFor {
					s.at(2500, trace.Event{Kind: trace.LeaseExpired, Member: 2, Term: 2, ID: uint64(1000 + i)})
				}
				s.goesOn(3020)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 3.000s.",
		},
		{
			name: "so many are over in one look after the one that was to find it",
			make: func(s *leaseStory) {
				for i := range looksFor {
					s.at(2606, trace.Event{Kind: trace.LeaseExpired, Member: 1, Term: 2, ID: uint64(1000 + i)})
				}
				s.goesOn(3020)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 3.000s.",
		},
		{
			name:     "it never ends",
			make:     func(s *leaseStory) { s.goesOn(4700) },
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 4.680s.",
		},
		{
			name:     "its end is proposed, and something later is committed before",
			make:     func(s *leaseStory) { s.over(2200, 1, 2); s.goesOn(2230); s.revoked(2231) },
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, found that at 2.200s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 2.210s.",
		},
		{
			name: "its end is proposed, and takes minutes to be committed",
			make: func(s *leaseStory) { s.over(2200, 1, 2); s.goesOn(2219); s.revoked(300_000) },
		},
		{
			name: "a cluster that commits nothing ends no lease",
			make: func(s *leaseStory) { s.goesOn(2625) },
		},
		{
			name: "what another leader commits is no proof",
			make: func(s *leaseStory) { s.goesOn(4700); s.Commits[2].Term = 3 },
		},
		{
			name:     "a fast clock finds it over early",
			make:     func(s *leaseStory) { s.paced(100_000); s.over(1950, 1, 2); s.goesOn(1980) },
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, found that at 1.950s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 1.960s.",
		},
		{
			name: "a slow clock finds it over late",
			make: func(s *leaseStory) { s.paced(-100_000); s.goesOn(2900) },
		},
		{
			name: "the leader stood still, finds it over late, and goes on in order",
			make: func(s *leaseStory) {
				s.at(4000, trace.Event{Kind: trace.LeaseExpired, Aux: trace.ExpiryWaits, Member: 1, Term: 2, ID: 7})
				s.goesOn(4010)
			},
		},
		{
			name:     "the leader finds it over late, and has committed something before",
			make:     func(s *leaseStory) { s.goesOn(3990); s.over(4000, 1, 2); s.revoked(4010) },
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 2.605s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 3.970s.",
		},
		{
			name: "raft refuses the end while the leader hands over",
			make: func(s *leaseStory) {
				s.over(2200, 1, 2)
				s.at(2200, trace.Event{Kind: trace.ProposeDropped, Member: 1, Term: 2, ID: ownRequest | 2200})
				s.goesOn(9700)
			},
		},
		{
			name: "raft refuses the end, and nobody tries again",
			make: func(s *leaseStory) {
				s.over(2200, 1, 2)
				s.at(2200, trace.Event{Kind: trace.ProposeDropped, Member: 1, Term: 2, ID: ownRequest | 2200})
				s.goesOn(9721)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, was to find that by 9.700s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 9.701s.",
		},
		{
			name: "a client's request is handed to raft as the lease is found over",
			make: func(s *leaseStory) { s.found(0); s.proposes(2200, 1, 5); s.goesOn(9700) },
		},
		{
			name: "the end of another one is handed to raft later",
			make: func(s *leaseStory) { s.found(0); s.proposes(2300, 1, ownRequest|5); s.goesOn(9700) },
		},
		{
			name: "another member hands something to raft as the lease is found over",
			make: func(s *leaseStory) { s.found(0); s.proposes(2200, 2, ownRequest|5); s.goesOn(9700) },
		},
		{
			name: "the leader asks first whether it leads, and hands the end of another one to raft",
			make: func(s *leaseStory) { s.found(trace.ExpiryWaits); s.proposes(2200, 1, ownRequest|5); s.goesOn(9700) },
		},
		{
			name: "the leader asks first whether it leads",
			make: func(s *leaseStory) {
				s.at(2200, trace.Event{Kind: trace.LeaseExpired, Aux: trace.ExpiryWaits, Member: 1, Term: 2, ID: 7})
				s.goesOn(9700)
			},
		},
		{
			name: "the end is refused, because rights have changed",
			make: func(s *leaseStory) {
				s.over(2200, 1, 2)
				s.commit(ownRequest|2, 7, 2300, &store.LeaseRevokeRequest{ID: 7}, store.Response{Revision: 2, Err: store.ErrUserEmpty})
				s.goesOn(9700)
			},
		},
		{
			name: "checkpoints are on their way, and the leader does not look",
			make: func(s *leaseStory) {
				s.at(1500, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2, A: 1})
				s.goesOn(4700)
				s.at(5000, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2})
				s.goesOn(5520)
				s.over(5450, 1, 2)
				s.revoked(5600)
			},
			property: "ended", why: "Lease 7 was over at 2.105s at the latest, and n1, the leader of term 2, found that at 5.450s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 5.500s.",
		},
		{
			name: "checkpoints have come through, and the leader looks again",
			make: func(s *leaseStory) {
				s.at(1500, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2, A: 1})
				s.at(5000, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2})
				s.goesOn(5520)
			},
		},
		{
			name: "the process ends while checkpoints are on their way",
			make: func(s *leaseStory) {
				s.at(1500, trace.Event{Kind: trace.LeasesRecorded, Member: 1, Term: 2, A: 1})
				s.at(1600, trace.Event{Kind: trace.MemberCrash, Member: 1})
				s.leads(1700, 1, 3)
				s.promoted(1700, 1, 3)
				s.goesOn(5300)
				s.Commits[2].Term = 3
			},
			property: "ended", why: "Lease 7 was over at 4.700s at the latest, and n1, the leader of term 3, was to find that by 5.200s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 5.280s.",
		},
		{
			name: "so many are over that one look does not find them all",
			make: func(s *leaseStory) {
				for i := range looksFor {
					s.at(2500, trace.Event{Kind: trace.LeaseExpired, Member: 1, Term: 2, ID: uint64(1000 + i)})
				}
				s.goesOn(3020)
			},
		},
		{
			name: "so many are over that some wait for the others",
			make: func(s *leaseStory) {
				for i := range revokesAtOnce {
					s.at(2500, trace.Event{Kind: trace.LeaseExpired, Member: 1, Term: 2, ID: uint64(1000 + i)})
				}
				s.over(2500, 1, 2)
				s.goesOn(3500)
			},
		},
		{
			name: "a new leader begins anew",
			make: func(s *leaseStory) {
				s.leads(2000, 2, 3)
				s.promoted(2050, 2, 3)
				s.revoked(5100)
			},
		},
		{
			name: "what a new leader commits as it begins",
			make: func(s *leaseStory) {
				s.leads(2900, 2, 3)
				s.goesOn(3000)
				s.Commits[2].Term = 3
				s.promoted(3001, 2, 3)
				s.revoked(6500)
			},
		},
		{
			name: "a new leader goes on from a checkpoint",
			make: func(s *leaseStory) {
				s.Commits[0].Response = granted(1, 7, 60)
				s.Ops[0].Response = granted(1, 7, 60)
				s.Ops = s.Ops[:2]
				s.lessors.renewals = nil
				s.commit(1<<63|2, 7, 50_000, &store.LeaseCheckpointRequest{Checkpoints: []store.LeaseCheckpoint{{ID: 7, RemainingTTL: 11}}},
					store.Response{Revision: 2, Result: &store.LeaseCheckpointResult{}})
				s.leads(52_000, 2, 3)
				s.promoted(52_000, 2, 3)
				s.goesOn(67_000)
				s.Commits[3].Term = 3
			},
			property: "ended", why: "Lease 7 was over at 64.000s at the latest, and n2, the leader of term 3, was to find that by 64.500s. " +
				"Yet the lease was still there when put x=1 was committed, which was asked for at 66.980s.",
		},
		{
			name: "a new leader began before the checkpoint",
			make: func(s *leaseStory) {
				s.long()
				s.leads(52_000, 2, 3)
				s.promoted(52_000, 2, 3)
				s.checkpoint(53_000, 7, 11)
				s.later(67_000)
			},
		},
		{
			name: "a checkpoint that takes all back",
			make: func(s *leaseStory) {
				s.long()
				s.checkpoint(49_000, 7, 11)
				s.checkpoint(50_000, 7, 0)
				s.leads(52_000, 2, 3)
				s.promoted(52_000, 2, 3)
				s.later(67_000)
			},
		},
		{
			name: "a new leader spreads the ends of very many leases",
			make: func(s *leaseStory) {
				s.leads(2000, 2, 3)
				s.at(2050, trace.Event{Kind: trace.LeasesPromoted, Member: 2, Term: 3, A: 1500, B: uint64(time.Second)})
				s.goesOn(6000)
				s.Commits[2].Term = 3
			},
		},
		{
			name: "a new leader, of whom nobody knows since when it counts",
			make: func(s *leaseStory) {
				s.leads(2000, 2, 3)
				s.promoted(2000, 2, 4)
				s.goesOn(9000)
				s.Commits[2].Term = 3
			},
		},
		{
			name:     "a leader renews before anybody asks",
			make:     func(s *leaseStory) { s.forget(2); s.keepAlive(150, 160, 2, 6); s.revoked(3100) },
			property: "ended", why: "n1 renewed lease 7 at 0.105s, though nobody had asked for it.",
		},
		{
			name:     "a leader renews by itself",
			make:     func(s *leaseStory) { s.renewed(1000, 1, 2); s.Ops[2].Return = ms(110); s.revoked(3100); s.forget(2) },
			property: "ended", why: "n1 renewed lease 7 at 0.105s, though nobody had asked for it.",
		},
		{
			name: "the revocation takes no key with it",
			make: func(s *leaseStory) {
				s.revoked(2600)
				s.Commits[2].Response.Revision = 2
			},
			property: "revoked whole",
			why:      "The end of lease 7 with 1 key on it must lead from rev 2 to rev 3, but the store answered rev 2.",
		},
		{
			name: "a key without its lease",
			make: func(s *leaseStory) {
				s.revoked(2600)
				left := kv("k", "1", 2, 2, 1)
				left.Lease = 7
				s.op(2, 3, 2700, 2800, get("k"), read(3, left), 7)
			},
			property: "revoked whole", why: "Lease 7 ended at rev 3, and k = 1 (rev 2) was on it; n3 showed it at rev 3.",
		},
		{
			name: "a key whose lease is there",
			make: func(s *leaseStory) { s.reads(200, 2, 2, 0); s.revoked(2600) },
		},
		{
			name: "a key without its lease, in an old revision",
			make: func(s *leaseStory) { s.revoked(2600); s.reads(2700, 3, 2, 2) },
		},
		{
			name: "a key without its lease, in an old state",
			make: func(s *leaseStory) { s.revoked(2600); s.reads(2700, 2, 2, 0) },
		},
		{
			name: "a key on the lease that has the same name again",
			make: func(s *leaseStory) {
				s.revoked(2600)
				s.commit(ownRequest|3, 8, 2610, &store.LeaseGrantRequest{ID: 7, TTL: 2}, granted(3, 7, 2))
				s.commit(ownRequest|4, 9, 2620, &store.PutRequest{Key: "k", Value: "1", Lease: 7}, wrote(4))
				s.reads(2700, 4, 4, 0)
			},
		},
		{
			name: "what nobody heard of the key",
			make: func(s *leaseStory) {
				s.revoked(2600)
				s.reads(2700, 3, 2, 0)
				s.Ops[len(s.Ops)-1].Outcome = history.Unknown
			},
		},
		{
			name: "a renewal of another lease than was asked for",
			make: func(s *leaseStory) {
				s.op(0, 1, 150, 160, &store.LeaseKeepAliveRequest{ID: 7},
					store.Response{Revision: 2, Result: &store.LeaseKeepAliveResult{ID: 8, TTL: 2}}, 6)
				s.revoked(2600)
			},
			property: "answers", why: "After index 6 the answer to lease keep-alive 7 is 2s.",
		},
		{
			name:     "what is gone has time left",
			make:     func(s *leaseStory) { s.revoked(2600); s.timeToLive(2700, 2710, 7, store.LeaseTimeToLiveResult{}) },
			property: "answers", why: "After index 7 the answer to lease time-to-live 7 keys is no such lease.",
		},
		{
			name: "what is gone was granted",
			make: func(s *leaseStory) {
				s.revoked(2600)
				s.timeToLive(2700, 2710, 7, store.LeaseTimeToLiveResult{TTL: -1, GrantedTTL: 2})
			},
			property: "answers", why: "After index 7 the answer to lease time-to-live 7 keys is no such lease.",
		},
		{
			name: "what is gone has keys",
			make: func(s *leaseStory) {
				s.revoked(2600)
				s.timeToLive(2700, 2710, 7, store.LeaseTimeToLiveResult{TTL: -1, Keys: []string{"k"}})
			},
			property: "answers", why: "After index 7 the answer to lease time-to-live 7 keys is no such lease.",
		},
		{
			name:     "a renewal of what is gone",
			make:     func(s *leaseStory) { s.revoked(2600); s.keepAlive(2700, 2800, 2, 7) },
			property: "answers", why: "After index 7 the answer to lease keep-alive 7 is 0s.",
		},
		{
			name: "a renewal of what is gone is answered so",
			make: func(s *leaseStory) { s.revoked(2600); s.keepAlive(2700, 2800, 0, 7) },
		},
		{
			name: "a renewal by a leader that does not know of its successor",
			make: func(s *leaseStory) {
				s.leads(2500, 2, 3)
				s.revoked(2600)
				s.Commits[2].Term = 3
				s.keepAlive(2700, 2800, 2, 6)
			},
		},
		{
			name: "a renewal by a leader that does not know what its successor committed of its term",
			make: func(s *leaseStory) {
				s.leads(2500, 2, 3)
				s.revoked(2600)
				s.goesOn(2620)
				s.Commits[3].Term = 3
				s.keepAlive(2700, 2800, 2, 6)
			},
		},
		{
			name: "a renewal by a leader that knows of its successor, and whose server does not",
			make: func(s *leaseStory) {
				s.leads(2500, 2, 3)
				s.at(2650, trace.Event{Kind: trace.RoleChange, Member: 1, Term: 3})
				s.revoked(2600)
				s.Commits[2].Term = 3
				s.keepAlive(2700, 2800, 2, 6)
			},
		},
		{
			name: "a renewal by a leader that does not know what was committed before its time",
			make: func(s *leaseStory) {
				s.at(2500, trace.Event{Kind: trace.MemberCrash, Member: 1})
				s.revoked(2600)
				s.leads(2650, 2, 3)
				s.keepAlive(2700, 2800, 2, 6)
			},
		},
		{
			name: "a renewal by a leader that must know what was committed before its time",
			make: func(s *leaseStory) {
				s.at(2500, trace.Event{Kind: trace.MemberCrash, Member: 1})
				s.revoked(2600)
				s.leads(2650, 2, 3)
				s.goesOn(2660)
				s.Commits[3].Term = 3
				s.keepAlive(2700, 2800, 2, 6)
			},
			property: "answers",
			why:      "n1 answered from applied index 6, though lease revoke 7 had been committed at index 7 at 2.600s.",
		},
		{
			name:     "a renewal by a leader that does not know",
			make:     func(s *leaseStory) { s.revoked(2600); s.keepAlive(2700, 2800, 2, 6) },
			property: "answers",
			why:      "n1 answered from applied index 6, though lease revoke 7 had been committed at index 7 at 2.600s.",
		},
		{
			name: "what is left, with the keys",
			make: func(s *leaseStory) {
				s.timeToLive(3005, 3006, 6, store.LeaseTimeToLiveResult{TTL: 0, GrantedTTL: 2, Keys: []string{"k"}})
				s.timeToLive(2500, 2510, 6, store.LeaseTimeToLiveResult{TTL: 0, GrantedTTL: 2, Keys: []string{"k"}})
				s.timeToLive(2100, 2101, 6, store.LeaseTimeToLiveResult{TTL: 0, GrantedTTL: 2, Keys: []string{"k"}})
				s.timeToLive(9000, 9001, 7, store.LeaseTimeToLiveResult{TTL: -1})
				s.revoked(4000)
			},
		},
		{
			name: "what is left, with the keys on it and no others",
			make: func(s *leaseStory) {
				s.goesOn(60)
				s.timeToLive(200, 210, 7, store.LeaseTimeToLiveResult{TTL: 1, GrantedTTL: 2, Keys: []string{"k"}})
				s.revoked(2600)
			},
		},
		{
			name: "what is left, and nobody asks for keys",
			make: func(s *leaseStory) {
				s.timeToLive(200, 210, 6, store.LeaseTimeToLiveResult{TTL: 1, GrantedTTL: 2})
				s.Ops[len(s.Ops)-1].Request = &store.LeaseTimeToLiveRequest{ID: 7}
				s.revoked(2600)
			},
		},
		{
			name: "what is left, from a member that does not say what it has applied",
			make: func(s *leaseStory) {
				s.timeToLive(200, 210, 0, store.LeaseTimeToLiveResult{TTL: 1, GrantedTTL: 3})
				s.revoked(2600)
			},
		},
		{
			name: "what nobody heard of is left",
			make: func(s *leaseStory) {
				s.timeToLive(200, 210, 6, store.LeaseTimeToLiveResult{TTL: 1, GrantedTTL: 3})
				s.Ops[len(s.Ops)-1].Outcome = history.Unknown
				s.revoked(2600)
			},
		},
		{
			name: "what is left while a renewal is under way",
			make: func(s *leaseStory) {
				s.keepAlive(2010, 2020, 2, 6)
				s.renewed(2015, 1, 2)
				s.keepAlive(3499, 3550, 2, 6)
				s.renewed(3540, 1, 2)
				s.timeToLive(3500, 3501, 6, store.LeaseTimeToLiveResult{TTL: 0, GrantedTTL: 2, Keys: []string{"k"}})
				s.revoked(5600)
			},
		},
		{
			name: "more left than there can be before the next renewal",
			make: func(s *leaseStory) {
				s.keepAlive(2010, 2020, 2, 6)
				s.renewed(2015, 1, 2)
				s.timeToLive(3100, 3101, 6, store.LeaseTimeToLiveResult{TTL: 1, GrantedTTL: 2, Keys: []string{"k"}})
				s.keepAlive(3200, 3210, 2, 6)
				s.renewed(3205, 1, 2)
				s.revoked(5300)
			},
			property: "answers", why: "After index 6 the answer to lease time-to-live 7 keys is at most 0s.",
		},
		{
			name: "the list of leases",
			make: func(s *leaseStory) {
				s.op(2, 3, 300, 310, &store.LeaseLeasesRequest{},
					store.Response{Revision: 2, Result: &store.LeaseLeasesResult{Leases: []int64{7}}}, 6)
				s.op(2, 3, 300, 310, &store.LeaseLeasesRequest{}, store.Response{Revision: 2, Result: &store.LeaseLeasesResult{}}, 0)
				s.revoked(2600)
			},
		},
		{
			name: "more left than there can be",
			make: func(s *leaseStory) {
				s.keepAlive(2010, 2020, 2, 6)
				s.renewed(2015, 1, 2)
				s.timeToLive(3100, 3101, 6, store.LeaseTimeToLiveResult{TTL: 1, GrantedTTL: 2, Keys: []string{"k"}})
				s.revoked(4100)
			},
			property: "answers", why: "After index 6 the answer to lease time-to-live 7 keys is at most 0s.",
		},
		{
			name: "less left than was promised",
			make: func(s *leaseStory) {
				s.keepAlive(2010, 2020, 2, 6)
				s.renewed(2015, 1, 2)
				s.timeToLive(2900, 2901, 6, store.LeaseTimeToLiveResult{TTL: 0, GrantedTTL: 2, Keys: []string{"k"}})
				s.revoked(4100)
			},
			property: "answers", why: "After index 6 the answer to lease time-to-live 7 keys is at least 1s.",
		},
		{
			name: "another TTL than was granted",
			make: func(s *leaseStory) {
				s.timeToLive(200, 210, 6, store.LeaseTimeToLiveResult{TTL: 1, GrantedTTL: 3, Keys: []string{"k"}})
				s.revoked(2600)
			},
			property: "answers", why: "After index 6 the answer to lease time-to-live 7 keys is 2s granted.",
		},
		{
			name: "other keys",
			make: func(s *leaseStory) {
				s.timeToLive(200, 210, 6, store.LeaseTimeToLiveResult{TTL: 1, GrantedTTL: 2})
				s.revoked(2600)
			},
			property: "answers", why: "After index 6 the answer to lease time-to-live 7 keys is keys [k].",
		},
		{
			name: "another list of leases",
			make: func(s *leaseStory) {
				s.op(2, 3, 300, 310, &store.LeaseLeasesRequest{}, store.Response{Revision: 2, Result: &store.LeaseLeasesResult{}}, 6)
				s.revoked(2600)
			},
			property: "answers", why: "After index 6 the answer to leases is [7].",
		},
		{
			name: "a leader that was replaced just now renews",
			make: func(s *leaseStory) {
				s.succeeded()
				s.beats(1500, 1)
				s.keepAlive(1500, 1600, 2, 6)
				s.renewed(1550, 1, 2)
				s.revoked(4100)
			},
		},
		{
			name: "a leader that was replaced just now renews, and its successor does not know",
			make: func(s *leaseStory) {
				s.succeeded()
				s.beats(1500, 1)
				s.keepAlive(1500, 1600, 2, 6)
				s.renewed(1550, 1, 2)
				s.at(1560, trace.Event{Kind: trace.LeaseRenewed, Member: 2, Term: 3, ID: 8, A: 2})
				s.renewed(1700, 2, 3)
				s.revoked(3499)
			},
		},
		{
			name: "a leader that nobody replaced renews, and ends it all the same",
			make: func(s *leaseStory) {
				s.beats(1500, 1)
				s.keepAlive(1500, 1600, 2, 6)
				s.renewed(1550, 1, 2)
				s.revoked(3499)
			},
			property: "kept", why: "n1 answered lease keep-alive 7 = 2s; so lease 7 lives until 3.500s at least. " +
				"Yet a member revoked it at 3.499s, at index 7.",
		},
		{
			name: "a leader that was replaced, and another one, both renew",
			make: func(s *leaseStory) {
				s.succeeded()
				s.beats(1500, 1)
				s.keepAlive(1500, 1600, 2, 6)
				s.renewed(1550, 1, 2)
				s.renewed(1560, 2, 3)
				s.revoked(3499)
			},
			property: "kept", why: "n1 answered lease keep-alive 7 = 2s; so lease 7 lives until 3.500s at least. " +
				"Yet a member revoked it at 3.499s, at index 7.",
		},
		{
			name: "a leader that was replaced long ago renews, and wakes up just before",
			make: func(s *leaseStory) { s.replaced(trace.MemberResume) },
		},
		{
			name: "a leader that was replaced long ago renews, and has just written its log",
			make: func(s *leaseStory) { s.replaced(trace.LogDurable) },
		},
		{
			name: "a leader that was replaced long ago renews, and has just written its state",
			make: func(s *leaseStory) { s.replaced(trace.StateDurable) },
		},
		{
			name:     "a leader that was replaced long ago renews, and has just heard something",
			make:     func(s *leaseStory) { s.replaced(trace.Deliver) },
			property: "one lessor", why: "n1 renewed lease 7 at 3.650s as the leader of term 2, though n2 had led term 3 since 1.000s.",
		},
		{
			name: "a leader that was replaced long ago renews, and nobody hears of it",
			make: func(s *leaseStory) {
				s.replaced(trace.Deliver)
				op := &s.Ops[len(s.Ops)-1]
				op.Outcome, op.Response = history.Unknown, store.Response{}
			},
		},
		{
			name: "a leader of the past has written that it is one, and answers from what it knew",
			make: func(s *leaseStory) {
				s.leads(2500, 2, 3)
				s.at(2650, trace.Event{Kind: trace.RoleChange, Member: 1, Term: 3})
				s.at(2660, trace.Event{Kind: trace.StateDurable, Member: 1, Term: 3})
				s.revoked(2600)
				s.Commits[2].Term = 3
				s.keepAlive(2700, 2800, 2, 6)
			},
			property: "answers",
			why:      "n1 answered from applied index 6, though lease revoke 7 had been committed at index 7 at 2.600s.",
		},
		{
			name: "a leader that was replaced long ago renews",
			make: func(s *leaseStory) {
				s.succeeded()
				s.beats(3249, 1)
				s.keepAlive(3600, 3700, 2, 6)
				s.renewed(3650, 1, 2)
				s.revoked(6000)
			},
			property: "one lessor", why: "n1 renewed lease 7 at 3.650s as the leader of term 2, though n2 had led term 3 since 1.000s.",
		},
		{
			name: "a leader that was replaced long ago renews, as its clock ticks and it hears late answers",
			make: func(s *leaseStory) {
				s.succeeded()
				s.beats(3250, 1)
				s.keepAlive(3600, 3700, 2, 6)
				s.renewed(3650, 1, 2)
				s.revoked(5651)
			},
		},
		{
			name: "a leader that was replaced renews for another member, without asking",
			make: func(s *leaseStory) {
				s.succeeded()
				s.keepAlive(3600, 3700, 2, 6)
				s.Ops[len(s.Ops)-1].Member = 3
				s.renewed(3650, 1, 2)
				s.revoked(5651)
			},
		},
		{
			name: "a leader that was replaced renews, since a quorum has just said that it leads",
			make: func(s *leaseStory) {
				s.succeeded()
				s.keepAlive(3600, 3700, 2, 6)
				s.at(3650, trace.Event{Kind: trace.ReadConfirm, Member: 1, Term: 2})
				s.renewed(3650, 1, 2)
				s.revoked(5651)
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newLeaseStory()
			tt.make(s)
			j := s.judge(t)
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
			v := j.Violations[0]
			if v.Property != "leases, "+tt.property || v.Why != tt.why {
				t.Errorf("%s: %s\nwant %s: %s", v.Property, v.Why, tt.property, tt.why)
			}
			if strings.Contains(j.Note, "first of") {
				t.Errorf("more was found than was planted: %s", j.Note)
			}
			if strings.Contains(v.Why, "was still there when") && len(v.Ops) != 2 {
				t.Errorf("want the grant and what came after the end, got %+v", v.Ops)
			}
		})
	}
}

// Without an account of who led when, a lease is bound by what clients were told, and
// its end may be as late as it will.
func TestLeasesWithoutLessors(t *testing.T) {
	s := newLeaseStory()
	s.goesOn(9000)
	s.keepAlive(9100, 9110, 2, 6)
	s.timeToLive(9200, 9210, 7, store.LeaseTimeToLiveResult{TTL: 9, GrantedTTL: 2, Keys: []string{"k"}})
	s.revoked(11_100)
	expect(t, judged(t, "leases", s.History, Options{}), "")
	s.Commits[3].At--
	expect(t, judged(t, "leases", s.History, Options{}), "n1 answered lease keep-alive 7 = 2s; so lease 7 lives until 11.100s at least. "+
		"Yet a member revoked it at 11.099s, at index 8.")
}
