package workload

import (
	"fmt"
	"strconv"
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

// choreNames lists the chores.
func choreNames() []string {
	names := make([]string, numChores)
	for i := range chores {
		names[i] = chores[i].name
	}
	return names
}

// parseChores reads "compact:3,defrag,transfer:2"; a chore without a weight has 1.
func parseChores(s string) (m ChoreMix, err error) {
	sum := uint64(0)
	for part := range strings.SplitSeq(s, ",") {
		name, weight, weighted := strings.Cut(part, ":")
		c := 0
		for c < len(chores) && chores[c].name != name {
			c++
		}
		if c == len(chores) {
			return ChoreMix{}, fmt.Errorf("unknown chore %q: expected %s", name, strings.Join(choreNames(), ", "))
		}
		n := uint64(1)
		if weighted {
			if n, err = strconv.ParseUint(weight, 10, 32); err != nil || n > maxWeight {
				return ChoreMix{}, fmt.Errorf("%s: %q is not a weight: expected 0 to %d", name, weight, maxWeight)
			}
		}
		m[c] += uint32(n)
		sum += n
	}
	if sum == 0 {
		return ChoreMix{}, fmt.Errorf("%q asks for nothing: expected a weight above 0", s)
	}
	return m, nil
}

// String prints the mix as parseChores reads it.
func (m ChoreMix) String() string {
	var parts []string
	for c, w := range m {
		if w > 0 {
			parts = append(parts, fmt.Sprintf("%s:%d", chores[c].name, w))
		}
	}
	return strings.Join(parts, ",")
}

// operator does one chore after another. What fails is not tried again: the next turn
// comes.
func (l *Load) operator(s *Session) {
	sum := uint32(0)
	for _, w := range l.cfg.Chores {
		sum += w
	}
	for l.more() {
		began := s.Now()
		draw, c := uint32(s.rand.Below(uint64(sum))), 0
		for draw >= l.cfg.Chores[c] {
			draw -= l.cfg.Chores[c]
			c++
		}
		for range s.rand.Intn(s.choice()) {
			s.reconnect()
		}
		chores[c].do(l, s)
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
