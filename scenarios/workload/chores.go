package workload

import (
	"fmt"
	"strings"

	"etcdsim/store"
)

// Chore is something that an operator does now and then while everybody else works.
type Chore uint8

// The chores.
const (
	ChoreCompact  Chore = iota // compacts the history
	ChoreDefrag                // has a member write its data anew
	ChoreTransfer              // has the leader hand over to another voter
	ChoreList                  // lists the members
	ChoreAlarms                // asks which alarms are on
	numChores                  // keep last
)

var chores = [numChores]struct {
	name string
	do   func(*Load, *Session)
}{
	ChoreCompact:  {"compact", (*Load).compactSome},
	ChoreDefrag:   {"defrag", (*Load).defragmentOne},
	ChoreTransfer: {"transfer", (*Load).transferOnce},
	ChoreList: {"list", func(_ *Load, s *Session) {
		s.Do(MemberList, &store.MemberListRequest{Linearizable: true})
	}},
	ChoreAlarms: {"alarms", func(_ *Load, s *Session) {
		s.Do(Alarm, &store.AlarmRequest{Action: store.AlarmGet})
	}},
}

// ChoreMix is how often each chore is drawn, relative to the sum of all.
type ChoreMix [numChores]uint32

// parseChores reads "compact:3,defrag,transfer:2"; a chore without a weight counts once.
func parseChores(s string) (ChoreMix, error) {
	var m ChoreMix
	err := parseWeights(s, m[:], func(name string) (int, error) {
		names := make([]string, numChores)
		for i := range chores {
			if chores[i].name == name {
				return i, nil
			}
			names[i] = chores[i].name
		}
		return 0, fmt.Errorf("unknown chore %q: expected %s", name, strings.Join(names, ", "))
	})
	if err != nil {
		return ChoreMix{}, err
	}
	return m, nil
}

// String prints the mix so that parseChores reads it back.
func (m ChoreMix) String() string {
	return formatWeights(m[:], func(i int) string { return chores[i].name })
}

// operator does one chore after another. What fails is not tried again: the next turn
// comes.
func (l *Load) operator(s *Session) {
	for l.more() {
		began := s.Now()
		chore := draw(l.cfg.Chores[:], &s.rand)
		for range s.rand.Intn(s.choice()) { // any member is asked
			s.reconnect()
		}
		chores[chore].do(l, s)
		if !l.stopped {
			s.Sleep(l.pause(s, began))
		}
	}
}

// keepRevisions bounds how many of the newest revisions an operator spares.
const keepRevisions = 50

// compactSome compacts the history, all but some of the newest revisions.
func (l *Load) compactSome(s *Session) {
	newest := s.Do(Get, &store.RangeRequest{Key: l.keys[0]}).Response.Revision
	if revision := newest - int64(s.rand.Intn(keepRevisions)); revision > 0 {
		s.Do(Compact, &store.CompactionRequest{Revision: revision})
	}
}

func (l *Load) defragmentOne(s *Session) { s.Do(Defragment, &store.DefragmentRequest{}) }

// transferOnce has the leader hand over to a voter, which may be the leader itself.
func (l *Load) transferOnce(s *Session) {
	members, ok := s.members()
	if !ok {
		return
	}
	var voters []uint64
	for i := range members {
		if !members[i].Learner {
			voters = append(voters, members[i].ID)
		}
	}
	s.moveLeader(&store.MoveLeaderRequest{Target: voters[s.rand.Intn(len(voters))]})
}
