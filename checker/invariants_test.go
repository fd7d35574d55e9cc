package checker

import (
	"fmt"
	"testing"

	"etcdsim/sim"
	"etcdsim/sim/trace"
)

func TestInvariants(t *testing.T) {
	contrasts(t, committed, []variants{
		{
			name: "two leaders in one term", property: electionSafety,
			wrong: func(s *story) { s.state(3, 1, 3); s.role(3, trace.RoleLeader, 1) },
			right: func(s *story) { s.elect(2, 3, 2) },
			why:   "n3 became leader of term 1, which n1 leads already",
		},
		{
			name: "an old state", property: restartDurable,
			wrong: func(s *story) {
				s.batch(2, 1)
				s.batch(2, 2)
				s.settled(2, 2)
				s.crash(2)
				s.open(2, 1, 0)
			},
			right: func(s *story) { s.batch(2, 1); s.settled(2, 1); s.batch(2, 2); s.crash(2); s.open(2, 1, 0) },
			why:   "n2 restarted with its state at index 1, though that at index 2 was durable",
		},
		{
			name: "a state between two records", property: stateRecovered,
			wrong: func(s *story) { s.batch(2, 1); s.settled(2, 1); s.batch(2, 3); s.crash(2); s.open(2, 2, 100) },
			right: func(s *story) { s.batch(2, 1); s.settled(2, 1); s.batch(2, 2); s.crash(2); s.open(2, 2, 100) },
			why:   "n2 restarted with its state at index 2, where it never wrote one",
		},
		{
			name: "an index without its data", property: stateRecovered,
			wrong: func(s *story) { s.batch(2, 2); s.crash(2); s.open(2, 2, 99) },
			right: func(s *story) { s.batch(2, 2); s.crash(2); s.open(2, 2, 100) },
			why:   "n2 took the state that it found for that of index 2: the hash is 0000000000000063, n1 had 0000000000000064 there",
		},
		{
			name: "an index without its data, and one that nobody has applied", property: stateRecovered,
			wrong: func(s *story) { s.batch(2, 2); s.crash(2); s.open(2, 2, 99) },
			right: func(s *story) { s.batch(2, 3); s.crash(2); s.open(2, 3, 99) },
			why:   "n2 took the state that it found for that of index 2: the hash is 0000000000000063, n1 had 0000000000000064 there",
		},
		{
			name: "a state that goes back", property: stateRecovered,
			wrong: func(s *story) { s.batch(2, 2); s.batch(2, 1) },
			right: func(s *story) { s.batch(2, 2); s.batch(2, 2) },
			why:   "n2 wrote its state at index 1 after that at index 2",
		},
		{
			name: "durable and never written", property: stateRecovered,
			wrong: func(s *story) { s.batch(2, 1); s.settled(2, 2) },
			right: func(s *story) { s.batch(2, 2); s.settled(2, 2) },
			why:   "the state of n2 at index 2 became durable, but was never written",
		},
		{
			name: "a start from elsewhere", property: stateRecovered,
			wrong: func(s *story) { s.batch(2, 2); s.crash(2); s.open(2, 2, 100); s.start(2, 1, 2) },
			right: func(s *story) { s.batch(2, 1); s.crash(2); s.open(2, 1, 0); s.start(2, 1, 2) },
			why:   "n2 started at applied index 1, but its state is that of index 2",
		},
		{
			name: "an entry applied again", property: applyOrder,
			wrong: func(s *story) { s.crash(2); s.open(2, 1, 0); s.start(2, 1, 2); s.apply(2, 1, 1, 7) },
			right: func(s *story) { s.crash(2); s.open(2, 1, 0); s.start(2, 1, 2); s.apply(2, 2, 1, 100) },
			why:   "n2 applied index 1 after index 1",
		},
		{
			name: "a leader rewrites its log", property: leaderAppendOnly,
			wrong: func(s *story) { s.append(1, 3, 1, 1); s.append(1, 3, 1, 1) },
			right: func(s *story) { s.append(1, 3, 1, 1); s.append(1, 4, 1, 1) },
			why:   "n1, leader of term 1, wrote index 3 of a log that ended at 3",
		},
		{
			name: "a leader appends an old entry", property: leaderAppendOnly,
			wrong: func(s *story) { s.elect(2, 3, 5); s.append(2, 3, 5, 1); s.append(2, 4, 1, 5) },
			right: func(s *story) { s.elect(2, 3, 5); s.append(2, 3, 1, 1); s.append(2, 4, 5, 1) },
			why:   "n2, leader of term 5, appended an entry of term 1 at index 4",
		},
		{
			name: "one index and term, two entries", property: logMatching,
			wrong: func(s *story) {
				s.emit(trace.Event{Kind: trace.LogAppend, Member: 3, Term: 1, Index: 2, B: 7})
			},
			right: func(s *story) { s.append(3, 2, 1, 0) },
			why: fmt.Sprintf("index 2 of term 1 is one entry on n1 (after term 0, hash %016x) and another on n3 (after term 0, hash %016x)",
				hash(2, 1), 7),
		},
		{
			name: "one index and term, two predecessors", property: logMatching,
			wrong: func(s *story) { s.append(1, 3, 1, 1); s.append(3, 2, 9, 0); s.append(3, 3, 1, 9) },
			right: func(s *story) { s.append(1, 3, 1, 1); s.append(3, 2, 1, 0); s.append(3, 3, 1, 1) },
			why: fmt.Sprintf("index 3 of term 1 is one entry on n1 (after term 1, hash %016x) and another on n3 (after term 9, hash %016x)",
				hash(3, 1), hash(3, 1)),
		},
		{
			name: "an entry after another than it says", property: logMatching,
			wrong: func(s *story) { s.append(2, 3, 1, 4) },
			right: func(s *story) { s.append(2, 3, 1, 1) },
			why:   "n2 appended index 3 after an entry of term 4, though its entry 2 is of term 1",
		},
		{
			name: "an entry far beyond every log", property: logMatching,
			wrong: func(s *story) { s.append(2, 1<<40, 1, 0) },
			right: func(s *story) { s.append(2, 3, 1, 1) },
			why:   "n2 appended index 1099511627776, far beyond every log",
		},
		{
			name: "one index and an older term, two entries", property: logMatching,
			wrong: func(s *story) {
				s.append(1, 3, 1, 1)
				s.append(2, 3, 5, 1) // another leader's, at the same place
				s.emit(trace.Event{Kind: trace.LogAppend, Member: 3, Term: 5, Index: 3, A: 1, B: 7})
			},
			right: func(s *story) { s.append(1, 3, 1, 1); s.append(2, 3, 5, 1); s.append(3, 3, 5, 1) },
			why: fmt.Sprintf("index 3 of term 5 is one entry on n2 (after term 1, hash %016x) and another on n3 (after term 1, hash %016x)",
				hash(3, 5), 7),
		},
		{
			name: "an entry after a snapshot that ends in another term", property: logMatching,
			wrong: func(s *story) { s.install(3, 2); s.append(3, 3, 1, 9) },
			right: func(s *story) { s.install(3, 2); s.append(3, 3, 1, 1) },
			why:   "n3 appended index 3 after an entry of term 9, though its entry 2 is of term 1",
		},
		{
			name: "a hole that the snapshot does not fill", property: logMatching,
			wrong: func(s *story) { s.append(3, 4, 1, 0); s.durable(3, 4, 1); s.install(3, 2); s.ack(3, 1, 2, 1) },
			right: func(s *story) { s.append(3, 3, 1, 0); s.durable(3, 3, 1); s.install(3, 2); s.ack(3, 1, 2, 1) },
			why:   "n3 acknowledged a log in which the entries before index 4 are missing",
		},
		{
			name: "a hole in the log", property: logMatching,
			wrong: func(s *story) { s.append(3, 3, 1, 0); s.durable(3, 3, 1); s.ack(3, 1, 3, 1) },
			right: func(s *story) {
				s.append(3, 3, 1, 0)
				s.durable(3, 3, 1)
				s.emit(trace.Event{Kind: trace.SnapInstall, Member: 3, Index: 2, Term: 1, B: 100})
				s.ack(3, 1, 3, 1)
			},
			why: "n3 acknowledged a log in which the entries before index 3 are missing",
		},
		{
			name: "a leader without a committed entry", property: leaderCompleteness,
			wrong: func(s *story) { s.elect(3, 1, 2) },
			right: func(s *story) { s.elect(2, 3, 2) },
			why:   "n3 leads term 2 with a log that ends at index 1, though index 2 (term 1) was committed in term 1",
		},
		{
			// It wins its term when a later one has moved on, which it need not know of.
			name: "a leader without a committed entry, late", property: leaderCompleteness,
			wrong: func(s *story) { s.winsLate(3) },
			right: func(s *story) { s.write(3, 2, 1, 0); s.winsLate(3) },
			why:   "n3 leads term 2 with a log that ends at index 1, though index 2 (term 1) was committed in term 1",
		},
		{
			name: "a leader without the last committed entry, of which a follower lags", property: leaderCompleteness,
			wrong: func(s *story) { s.laggingCommit(); s.elect(3, 1, 2) },
			right: func(s *story) { s.laggingCommit(); s.elect(2, 3, 2) },
			why:   "n3 leads term 2 with a log that ends at index 2, though index 3 (term 1) was committed in term 1",
		},
		{
			name: "a leader with another entry", property: leaderCompleteness,
			wrong: func(s *story) { s.append(3, 2, 9, 0); s.elect(3, 1, 10) },
			right: func(s *story) { s.append(3, 2, 1, 0); s.elect(3, 1, 10) },
			why:   "n3 leads term 10 with an entry of term 9 at index 2, where an entry of term 1 was committed in term 1",
		},
		{
			name: "a committed entry is replaced", property: leaderCompleteness,
			wrong: func(s *story) { s.append(2, 2, 9, 0) },
			right: func(s *story) { s.append(2, 2, 1, 0); s.append(2, 3, 1, 1); s.append(2, 3, 9, 1) },
			why:   "n2 replaced index 2 (term 1), which was committed, by an entry of term 9",
		},
		{
			name: "an acknowledgement of what is not durable", property: appendDurable,
			wrong: func(s *story) { s.append(2, 3, 1, 1); s.ack(2, 1, 3, 1) },
			right: func(s *story) { s.append(2, 3, 1, 1); s.durable(2, 3, 1); s.ack(2, 1, 3, 1) },
			why:   "n2 acknowledged the log through index 3 to n1, though it was durable only through 2",
		},
		{
			name: "an acknowledgement of a replacement", property: appendDurable,
			wrong: func(s *story) { s.write(2, 3, 1, 1); s.append(2, 3, 2, 1); s.ack(2, 1, 3, 2) },
			right: func(s *story) { s.write(2, 3, 1, 1); s.write(2, 3, 2, 1); s.ack(2, 1, 3, 2) },
			why:   "n2 acknowledged the log through index 3 to n1, though it was durable only through 2",
		},
		{
			name: "an acknowledgement from before the replacement", property: appendDurable,
			wrong: func(s *story) { s.append(2, 3, 1, 1); s.append(2, 3, 2, 1); s.ack(2, 1, 3, 1) },
			right: func(s *story) { s.write(2, 3, 1, 1); s.append(2, 3, 2, 1); s.ack(2, 1, 3, 1) },
			why:   "n2 acknowledged the log through index 3 to n1, though it was durable only through 2",
		},
		{
			name: "an acknowledgement of what was replaced", property: appendDurable,
			wrong: func(s *story) {
				s.append(2, 3, 1, 1)
				s.append(2, 3, 2, 1)
				s.durable(2, 3, 1) // the write that was replaced
				s.ack(2, 1, 3, 2)
			},
			right: func(s *story) {
				s.append(2, 3, 1, 1)
				s.append(2, 3, 2, 1)
				s.durable(2, 3, 1)
				s.durable(2, 3, 2)
				s.ack(2, 1, 3, 2)
			},
			why: "n2 acknowledged the log through index 3 to n1, though it was durable only through 2",
		},
		{
			name: "figure 8", property: commitOwnTerm,
			wrong: func(s *story) {
				s.write(1, 3, 1, 1)
				s.write(2, 3, 1, 1)
				s.elect(2, 3, 2)
				s.commit(2, trace.RoleLeader, 3, 2)
			},
			right: func(s *story) {
				s.write(1, 3, 1, 1)
				s.write(2, 3, 1, 1)
				s.elect(2, 3, 2)
				s.write(2, 4, 2, 1)
				s.role(1, trace.RoleFollower, 2)
				s.write(1, 4, 2, 1)
				s.commit(2, trace.RoleLeader, 4, 2)
				s.commit(1, trace.RoleFollower, 3, 2) // which counts nothing
			},
			why: "n2, leader of term 2, committed index 3, an entry of term 1, by counting copies",
		},
		{
			name: "a commit without a majority", property: commitQuorum,
			wrong: func(s *story) { s.write(1, 3, 1, 1); s.append(2, 3, 1, 1); s.commit(1, trace.RoleLeader, 3, 1) },
			right: func(s *story) { s.write(1, 3, 1, 1); s.write(2, 3, 1, 1); s.commit(1, trace.RoleLeader, 3, 1) },
			why:   "n1 committed index 3 (term 1) when it was durable on 1 of 3 voters",
		},
		{
			name: "copies of another entry", property: commitQuorum,
			wrong: func(s *story) { s.write(1, 3, 1, 1); s.write(2, 3, 9, 1); s.commit(1, trace.RoleLeader, 3, 1) },
			right: func(s *story) { s.write(1, 3, 1, 1); s.write(2, 3, 1, 1); s.commit(1, trace.RoleLeader, 3, 1) },
			why:   "n1 committed index 3 (term 1) when it was durable on 1 of 3 voters",
		},
		{
			name: "a follower commits what nobody did", property: commitQuorum,
			wrong: func(s *story) { s.write(2, 3, 1, 1); s.commit(2, trace.RoleFollower, 3, 1) },
			right: func(s *story) { s.write(1, 3, 1, 1); s.write(2, 3, 1, 1); s.commit(2, trace.RoleFollower, 3, 1) },
			why:   "n2 committed index 3 (term 1) when it was durable on 1 of 3 voters",
		},
		{
			name: "an acknowledgement of what a snapshot has made void", property: appendDurable,
			wrong: func(s *story) { s.batchOf(3, 9, 2, 4); s.install(3, 2); s.ack(3, 1, 4, 1) },
			right: func(s *story) { s.batchOf(3, 9, 2, 4); s.install(3, 2); s.ack(3, 1, 2, 1) },
			why:   "n3 acknowledged the log through index 4 to n1, though it was durable only through 2",
		},
		{
			name: "an acknowledgement of what came with a snapshot, and more", property: appendDurable,
			wrong: func(s *story) { s.batchOf(3, 1, 3, 3); s.append(3, 4, 1, 1); s.install(3, 2); s.ack(3, 1, 4, 1) },
			right: func(s *story) { s.batchOf(3, 1, 3, 4); s.install(3, 2); s.ack(3, 1, 4, 1) },
			why:   "n3 acknowledged the log through index 4 to n1, though it was durable only through 2",
		},
		{
			name: "a commit index that goes back", property: commitMonotonic,
			wrong: func(s *story) { s.commit(2, trace.RoleFollower, 1, 1) },
			right: func(s *story) { s.crash(2); s.start(2, 1, 2); s.commit(2, trace.RoleFollower, 2, 1) },
			why:   "the commit index of n2 went from 2 to 1",
		},
		{
			name: "a commit index that a snapshot has covered", property: commitMonotonic,
			wrong: func(s *story) { s.install(3, 2); s.commit(3, trace.RoleFollower, 2, 1) },
			right: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1) },
			why:   "the commit index of n3 went from 2 to 2",
		},
		{
			name: "an entry that a snapshot has covered", property: applyOrder,
			wrong: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.install(3, 2); s.apply(3, 2, 1, 100) },
			right: func(s *story) {
				s.written(3)
				s.commit(1, trace.RoleLeader, 3, 1)
				s.install(3, 2)
				s.commit(3, trace.RoleFollower, 3, 1)
				s.apply(3, 3, 1, 101)
			},
			why: "n3 applied index 2 after index 2",
		},
		{
			name: "a disk that has another fault", property: restartDurable,
			wrong: func(s *story) {
				s.emit(trace.Event{Kind: trace.MemberFault, Aux: trace.FaultClockPace, Member: 2})
				s.crash(2)
				s.start(2, 1, 1)
			},
			right: func(s *story) { s.forgets(2); s.crash(2); s.start(2, 0, 1) },
			why:   "n2 restarted with a log that ends at index 1, though it was durable through 2",
		},
		{
			name: "a state that was durable, on a disk that forgets nothing", property: restartDurable,
			wrong: func(s *story) { s.batch(2, 1); s.batch(2, 2); s.settled(2, 2); s.crash(2); s.open(2, 1, 0) },
			right: func(s *story) {
				s.batch(2, 1)
				s.batch(2, 2)
				s.settled(2, 2)
				s.forgets(2)
				s.crash(2)
				s.open(2, 1, 0)
			},
			why: "n2 restarted with its state at index 1, though that at index 2 was durable",
		},
		{
			name: "a second vote, with a disk that forgets nothing", property: oneVote,
			wrong: func(s *story) { s.crash(2); s.start(2, 1, 2); s.state(2, 1, 3); s.grant(2, 3, 1) },
			right: func(s *story) { s.forgets(2); s.crash(2); s.start(2, 0, 1); s.state(2, 1, 3); s.grant(2, 3, 1) },
			why:   "n2 voted for n3 in term 1, after it had voted for n1",
		},
		{
			name: "a commit that counts on what a disk forgot before it held it", property: commitQuorum,
			wrong: func(s *story) {
				s.forgets(2)
				s.write(1, 3, 1, 1)
				s.append(2, 3, 1, 1)
				s.commit(1, trace.RoleLeader, 3, 1)
			},
			right: func(s *story) { s.written(3); s.forgets(2); s.commit(1, trace.RoleLeader, 3, 1) },
			why:   "n1 committed index 3 (term 1) when it was durable on 1 of 3 voters",
		},
		{
			name: "two entries at one index", property: stateMachineSafety,
			wrong: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 2, 9, 100) },
			right: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 2, 1, 100) },
			why:   "n3 applied request 2 at index 2 (term 9), where n1 had applied request 2 (term 1) at 0.016s",
		},
		{
			name: "equal entries, different stores", property: stateMachineSafety,
			wrong: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 2, 1, 101) },
			right: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 2, 1, 100) },
			why:   "after the same entry at index 2 the store of n3 has the hash 0000000000000065, that of n1 had 0000000000000064",
		},
		{
			name: "equal contents of another term", property: stateMachineSafety,
			wrong: func(s *story) {
				s.commit(3, trace.RoleFollower, 2, 1)
				s.emit(trace.Event{Kind: trace.Apply, Member: 3, Term: 9, Index: 2, A: hash(2, 1), B: 100})
			},
			right: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 2, 1, 100) },
			why:   "n3 applied an entry without a request at index 2 (term 9), where n1 had applied request 2 (term 1) at 0.016s",
		},
		{
			name: "other contents of one term", property: stateMachineSafety,
			wrong: func(s *story) {
				s.commit(3, trace.RoleFollower, 2, 1)
				s.emit(trace.Event{Kind: trace.Apply, Member: 3, Term: 1, Index: 2, A: 7, B: 100, ID: 3})
			},
			right: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 2, 1, 100) },
			why:   "n3 applied request 3 at index 2 (term 1), where n1 had applied request 2 (term 1) at 0.016s",
		},
		{
			name: "a snapshot of another store is saved", property: stateMachineSafety,
			wrong: func(s *story) { s.emit(trace.Event{Kind: trace.SnapSaved, Member: 2, Index: 2, Term: 1, B: 101}) },
			right: func(s *story) { s.emit(trace.Event{Kind: trace.SnapSaved, Member: 2, Index: 2, Term: 1, B: 100}) },
			why:   "the snapshot of n2 at index 2 has the store hash 0000000000000065, n1 had 0000000000000064 after that index",
		},
		{
			name: "a snapshot of another store is saved, and one of an index that nobody has applied", property: stateMachineSafety,
			wrong: func(s *story) { s.emit(trace.Event{Kind: trace.SnapSaved, Member: 1, Index: 2, Term: 1, B: 101}) },
			right: func(s *story) { s.emit(trace.Event{Kind: trace.SnapSaved, Member: 1, Index: 3, Term: 1, B: 101}) },
			why:   "the snapshot of n1 at index 2 has the store hash 0000000000000065, n1 had 0000000000000064 after that index",
		},
		{
			name: "a snapshot of another store", property: stateMachineSafety,
			wrong: func(s *story) {
				s.emit(trace.Event{Kind: trace.SnapInstall, Member: 3, Index: 2, Term: 1, B: 101})
			},
			right: func(s *story) {
				s.emit(trace.Event{Kind: trace.SnapInstall, Member: 3, Index: 2, Term: 1, B: 100})
			},
			why: "the snapshot of n3 at index 2 has the store hash 0000000000000065, n1 had 0000000000000064 after that index",
		},
		{
			name: "an entry is left out", property: applyOrder,
			wrong: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 3, 1, 100) },
			right: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 2, 1, 100) },
			why:   "n3 applied index 3 after index 1",
		},
		{
			name: "an entry is applied before it is committed", property: applyOrder,
			wrong: func(s *story) { s.apply(3, 2, 1, 100) },
			right: func(s *story) { s.commit(3, trace.RoleFollower, 2, 1); s.apply(3, 2, 1, 100) },
			why:   "n3 applied index 2, though its commit index is 1",
		},
		{
			name: "a restart without a durable entry", property: restartDurable,
			wrong: func(s *story) { s.crash(2); s.start(2, 1, 1) },
			right: func(s *story) { s.append(2, 3, 1, 1); s.crash(2); s.start(2, 1, 2) },
			why:   "n2 restarted with a log that ends at index 1, though it was durable through 2",
		},
		{
			name: "a restart without an entry that the last process had read", property: restartDurable,
			wrong: func(s *story) { s.append(2, 3, 1, 1); s.crash(2); s.start(2, 1, 3); s.crash(2); s.start(2, 1, 2) },
			right: func(s *story) { s.append(2, 3, 1, 1); s.crash(2); s.start(2, 1, 3); s.crash(2); s.start(2, 1, 3) },
			why:   "n2 restarted with a log that ends at index 2, though it was durable through 3",
		},
		{
			name: "a restart in a term before the one that the last process had read", property: restartDurable,
			wrong: func(s *story) { s.crash(2); s.start(2, 2, 2); s.grant(2, 1, 2); s.crash(2); s.start(2, 1, 2) },
			right: func(s *story) { s.crash(2); s.start(2, 2, 2); s.grant(2, 1, 2); s.crash(2); s.start(2, 2, 2) },
			why:   "n2 restarted in term 1, though term 2 was durable",
		},
		{
			name: "a second vote after the first was told from memory and lost", property: oneVote,
			wrong: func(s *story) {
				s.state(2, 2, 0)
				s.crash(2)
				s.start(2, 2, 2)
				s.grant(2, 1, 2)
				s.crash(2)
				s.start(2, 2, 2)
				s.grant(2, 3, 2)
			},
			right: func(s *story) {
				s.state(2, 2, 0)
				s.crash(2)
				s.start(2, 2, 2)
				s.grant(2, 1, 2)
				s.crash(2)
				s.start(2, 2, 2)
				s.grant(2, 1, 2)
			},
			why: "n2 voted for n3 in term 2, after it had voted for n1",
		},
		{
			name: "a restart in an older term", property: restartDurable,
			wrong: func(s *story) { s.crash(2); s.start(2, 0, 2) },
			right: func(s *story) { s.role(2, trace.RoleFollower, 5); s.crash(2); s.start(2, 1, 2) },
			why:   "n2 restarted in term 0, though term 1 was durable",
		},
	})
}

// Who knows what stands in a log that a crash left open counts it as what it has to be.
func TestCommitOfWhatIsUnknown(t *testing.T) {
	for name, finish := range map[string]func(s *story){
		"the leader counts on it":   func(s *story) { s.commit(1, trace.RoleLeader, 3, 1) },
		"it is the first to commit": func(s *story) { s.commit(2, trace.RoleFollower, 3, 2) },
		"it leads when it is so far": func(s *story) {
			s.write(3, 2, 1, 0)
			s.write(3, 3, 1, 1)
			s.commit(1, trace.RoleLeader, 3, 1)
			s.elect(2, 3, 3)
		},
	} {
		s := committed()
		s.written(3)
		s.append(2, 3, 2, 1) // it did not get so far
		s.crash(2)
		s.start(2, 2, 3)
		finish(s)
		if v := s.inv.Violations(); len(v) > 0 {
			t.Errorf("%s: %s: %s", name, v[0].Property, v[0].Why)
		}
	}
}

// Of two entries at an index that of the later term stays; of one term none gives way.
func TestReplacements(t *testing.T) {
	for _, tt := range []struct {
		term uint64
		want int
	}{{1, 0}, {9, 1}} {
		s := committed()
		s.commit(3, trace.RoleFollower, 2, 1)
		s.emit(trace.Event{Kind: trace.Apply, Member: 3, Term: tt.term, Index: 2, A: 7, B: 100, ID: 3})
		if got := s.inv.replaced; len(got) != tt.want || s.inv.first[stateMachineSafety] == nil {
			t.Errorf("by one of term %d: %+v gave way, expected %d entries", tt.term, got, tt.want)
		}
	}
}

// Events at the very end of what the account holds, and far behind it, are followed as
// far as may be.
func TestEndsOfTheAccount(t *testing.T) {
	s := committed()
	s.append(2, 1<<40, 1, 0) // out of reach: the log ends there now
	s.commit(2, trace.RoleFollower, uint64(len(s.inv.members[2].terms)), 1)
	s.open(1, uint64(len(s.inv.applied)), 1)
	s.emit(trace.Event{Kind: trace.SnapSaved, Member: 1, Index: uint64(len(s.inv.applied)), Term: 1, B: 1})
	if v := s.inv.Violations(); len(v) != 1 || v[0].Property != invariantNames[logMatching] {
		t.Errorf("%+v", v)
	}
}

// Entries that came with a snapshot and were written together with it are kept.
func TestSnapshotWithEntries(t *testing.T) {
	s := committed()
	s.write(1, 3, 1, 1)
	s.append(3, 3, 1, 0)
	s.durable(3, 3, 1)
	s.emit(trace.Event{Kind: trace.SnapInstall, Member: 3, Index: 2, Term: 1, B: 100})
	s.ack(3, 1, 3, 1)
	s.commit(1, trace.RoleLeader, 3, 1) // counts on it
	s.legal(t)
	if now := s.log.Now; !s.inv.installedWithin(3, 0, now) || s.inv.installedWithin(1, 0, now) {
		t.Error("n3 has installed a snapshot, and n1 has not")
	}
}

// However a leader ends, it leads nobody any more: others may campaign.
func TestEndsOfALeader(t *testing.T) {
	for _, end := range []trace.Kind{trace.MemberCrash, trace.MemberStop, trace.MemberPanic, trace.MemberRemoved} {
		s := committed()
		s.healthy()
		s.emit(trace.Event{Kind: end, Member: 1})
		s.role(3, trace.RoleCandidate, 2)
		s.legal(t)
		if !s.inv.restarted(1, 0, s.log.Now) || s.inv.restarted(2, 0, s.log.Now) {
			t.Errorf("%v: n1 has stopped, and n2 has not", end)
		}
	}
}

// Clients are no members, whatever is said of them, and nobody is none. Packets count
// whoever hands them over.
func TestOnlyMembersAreJudged(t *testing.T) {
	s := committed()
	members := len(s.inv.members)
	client := trace.Client(0)
	for _, e := range []trace.Event{
		{Kind: trace.RoleChange, Aux: trace.RoleLeader, Member: client, Term: 1},
		{Kind: trace.RoleChange, Aux: trace.RoleLeader, Term: 1},
		{Kind: trace.Send, Aux: msgAppResp, Member: client, Peer: 1, Term: 1, Index: 9},
		{Kind: trace.Send, Aux: msgAppResp, Peer: 1, Term: 1, Index: 9},
		{Kind: trace.Send, Aux: msgAppResp, Member: 3, Peer: client, Term: 1, Index: 9},
	} {
		s.inv.Observe(&e)
	}
	s.legal(t)
	if len(s.inv.members) != members || s.inv.members[0].role != trace.RoleFollower {
		t.Errorf("%d members, and nobody is %+v", len(s.inv.members), s.inv.members[0])
	}
	if j := s.inv.judgement(); uint64(j.Judged) != uint64(s.log.Now/1e6)+5 {
		t.Errorf("%d events were judged, want all %d", j.Judged, s.log.Now/1e6+5)
	}
	s.inv.Observe(&trace.Event{Kind: trace.Send, Aux: msgAppResp, Member: 3, Peer: 1, Term: 1, Index: 9})
	if s.inv.first[appendDurable] == nil {
		t.Error("an acknowledgement that was handed over with the other events is not judged")
	}
}

// A violation says what the member believed.
func TestBelief(t *testing.T) {
	for _, tt := range []struct {
		make func(s *story)
		want string
	}{
		{
			func(s *story) { s.append(1, 2, 1, 0) },
			"n1 leads term 1; its log goes to index 2, is durable to 2, committed to 2 and applied to 2.",
		},
		{
			func(s *story) { s.role(2, trace.RoleFollower, 0) },
			"n2 follows in term 1; its log goes to index 2, is durable to 2, committed to 2 and applied to 2; " +
				"it last answered a leader, n1, at 0.013s.",
		},
		{
			func(s *story) { s.role(3, trace.RoleCandidate, 2); s.grant(3, 2, 2) },
			"n3 campaigns in term 2; its log goes to index 1, is durable to 1, committed to 1 and applied to 1.",
		},
		{
			func(s *story) {
				s.role(3, trace.RolePreCandidate, 0)
				s.role(3, trace.RoleCandidate, 2)
				s.grant(3, 2, 2)
			},
			"n3 campaigns in term 2; its log goes to index 1, is durable to 1, committed to 1 and applied to 1.",
		},
		{func(s *story) { s.grant(4, 2, 2) }, ""},
	} {
		s := committed()
		tt.make(s)
		v := s.inv.Violations()
		if len(v) == 0 || v[0].Belief != tt.want {
			t.Errorf("got  %+v\nwant %s", v, tt.want)
		}
	}
}

// The first violation of an invariant is kept, and none makes the account
// panic, whatever the events hold.
func TestObservesAnything(t *testing.T) {
	r := sim.NewRand(1, "events")
	s := newStory(3)
	for range 200_000 {
		e := trace.Event{
			Kind: trace.Kind(1 + r.Intn(50)), Aux: uint16(r.Intn(8)), Member: trace.Addr(r.Intn(9)), Peer: trace.Addr(r.Intn(9)),
			Term: r.Below(5), Index: r.Below(40), A: r.Below(5), B: r.Below(5), ID: r.Below(9),
		}
		if r.Hit(sim.Percent(1)) {
			e.Index, e.Term = r.Uint64(), r.Uint64()
		}
		s.log.Now++
		e.At = s.log.Now
		s.inv.Observe(&e)
	}
	all := s.inv.Violations()
	if len(all) < 10 {
		t.Errorf("only %d invariants were violated by whatever comes", len(all))
	}
	for i := 1; i < len(all); i++ {
		if all[i].At < all[i-1].At {
			t.Errorf("%v comes after %v", all[i-1].At, all[i].At)
		}
	}
}

// One entry on its way through three members: written, durable, acknowledged,
// committed, applied.
func BenchmarkInvariants(b *testing.B) {
	s := newStory(3)
	s.elect(1, 2, 1)
	const perEntry = 3*4 + 8
	index := uint64(1)
	observe := func(e trace.Event) { s.inv.Observe(&e) }
	for b.Loop() {
		index++
		for m := trace.Addr(1); m <= 3; m++ {
			observe(trace.Event{Kind: trace.LogAppend, Member: m, Term: 1, Index: index, A: 1, B: index})
			observe(trace.Event{Kind: trace.LogDurable, Member: m, Term: 1, Index: index, A: index})
		}
		for range 4 {
			observe(trace.Event{Kind: trace.Send, Aux: 3, Member: 1, Peer: 2, Term: 1, Index: index})
		}
		for range 2 {
			observe(trace.Event{Kind: trace.Send, Aux: msgAppResp, Member: 2, Peer: 1, Term: 1, Index: index})
			observe(trace.Event{Kind: trace.Send, Aux: msgAppResp, Member: 3, Peer: 1, Term: 1, Index: index})
		}
		for m := trace.Addr(1); m <= 3; m++ {
			role := trace.RoleFollower
			if m == 1 {
				role = trace.RoleLeader
			}
			observe(trace.Event{Kind: trace.CommitMoved, Aux: role, Member: m, Term: 1, Index: index})
			observe(trace.Event{Kind: trace.Apply, Member: m, Term: 1, Index: index, A: index, B: index})
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/perEntry, "ns/event")
	if v := s.inv.Violations(); len(v) > 0 {
		b.Fatal(v[0].Why)
	}
}
