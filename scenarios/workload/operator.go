package workload

import (
	"slices"
	"time"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// An operator changes who the members are, as somebody does with etcdctl: looks
// at the list of members, asks for the change if it is still to be made, and
// looks again. So a change whose outcome is unknown is not asked for twice, and
// one that is refused for the time being (the cluster is not healthy, the learner
// is behind) is asked for again.

// operatorPause is the time between two attempts.
const operatorPause = 250 * time.Millisecond

// Administer repeats a request about members until it has been fulfilled, and
// returns the members then. It does not give up.
func (s *Session) Administer(req store.Request) []store.Member {
	for {
		if move, ok := req.(*store.MoveLeaderRequest); ok {
			if s.moveLeader(move) {
				return nil
			}
		} else if list, ok := s.members(); ok && fulfilled(req, list) {
			return list
		} else if ok {
			s.Do(KindOf(req), req)
			continue // look whether it is done
		}
		s.Sleep(operatorPause)
	}
}

// Ask sends a request about members until a member that can has said whether it
// was done, and returns that answer.
func (s *Session) Ask(req store.Request) history.Op {
	for asked := 1; ; asked++ {
		op := s.Do(KindOf(req), req)
		switch err := op.Response.Err; {
		case op.Outcome == history.Unknown, err == store.ErrConnectionRefused, err == store.ErrNotSupportedForLearner:
		case err == store.ErrNotLeader && asked < s.choice():
			s.reconnect()
		default:
			return op
		}
		s.Sleep(operatorPause)
	}
}

// members lists the members.
func (s *Session) members() ([]store.Member, bool) {
	op := s.Do(MemberList, &store.MemberListRequest{Linearizable: true})
	list, ok := op.Response.Result.(*store.MembersResult)
	if op.Outcome != history.OK || !ok {
		return nil, false
	}
	return list.Members, true
}

// moveLeader asks one member after another to hand over, for only the leader can.
func (s *Session) moveLeader(req *store.MoveLeaderRequest) bool {
	for range s.choice() {
		op := s.Do(MoveLeader, req)
		if op.Outcome == history.OK {
			return true
		}
		if op.Response.Err == store.ErrNotLeader {
			s.reconnect()
		}
	}
	return false
}

// fulfilled reports whether the members are as a request wants them.
func fulfilled(req store.Request, list []store.Member) bool {
	at := func(id uint64) int { return slices.IndexFunc(list, func(m store.Member) bool { return m.ID == id }) }
	switch req := req.(type) {
	case *store.MemberAddRequest:
		return Reached(list, req.PeerURLs) != 0
	case *store.MemberRemoveRequest:
		return at(req.ID) < 0
	case *store.MemberPromoteRequest:
		i := at(req.ID)
		return i >= 0 && !list[i].Learner
	case *store.MemberUpdateRequest:
		i := at(req.ID)
		return i >= 0 && slices.Equal(list[i].PeerURLs, req.PeerURLs)
	}
	return false
}

// Reached returns the ID of the member that is reached at one of the addresses,
// or 0.
func Reached(list []store.Member, urls []string) uint64 {
	for i := range list {
		if slices.ContainsFunc(list[i].PeerURLs, func(url string) bool { return slices.Contains(urls, url) }) {
			return list[i].ID
		}
	}
	return 0
}

// listing is the life of a client that lists the members all the time.
func (l *Load) listing(s *Session) {
	s.Sleep(s.rand.Between(time.Nanosecond, startSpread))
	for l.more() {
		began := s.Now()
		s.Do(MemberList, &store.MemberListRequest{Linearizable: !s.rand.Hit(l.cfg.Serializable)})
		if !l.stopped {
			s.Sleep(l.pause(s, began))
		}
	}
}
