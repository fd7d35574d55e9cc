package store

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Member is one member of a cluster, as the members themselves agree on it.
type Member struct {
	// ID is its raft ID: 1, 2, 3... in the order in which members joined. etcd's
	// own IDs are hashes of 64 bits; only what speaks etcd's protocols needs those.
	ID uint64
	// Name and ClientURLs are what the member says of itself once it runs. An empty
	// name means that it was announced and has not started.
	Name       string
	ClientURLs []string
	// PeerURLs are where the other members reach it.
	PeerURLs []string
	// Learner: it receives the log and does not vote (Raft thesis, 4.2.1).
	Learner bool
}

// Started reports whether the member has told its name.
func (m *Member) Started() bool { return m.Name != "" }

// MemberName is the name of the member with an ID: n1, n2, n3...
func MemberName(id uint64) string { return "n" + strconv.FormatUint(id, 10) }

// PeerURL and ClientURL are the addresses under which the member with an ID
// listens, for members and for clients.
func PeerURL(id uint64) string { return "http://" + MemberName(id) + ":2380" }

// ClientURL is the address for clients.
func ClientURL(id uint64) string { return "http://" + MemberName(id) + ":2379" }

// MemberListRequest asks who the members are.
type MemberListRequest struct {
	// Linearizable confirms the answer with a quorum; otherwise it is what the
	// member asked has applied.
	Linearizable bool
}

// MemberAddRequest announces a new member, which is then started elsewhere. It
// gets the next ID that no member ever had.
type MemberAddRequest struct {
	PeerURLs []string
	// Learner adds it without a vote.
	Learner bool
}

// MemberRemoveRequest removes a member for good.
type MemberRemoveRequest struct{ ID uint64 }

// MemberUpdateRequest changes where a member is reached.
type MemberUpdateRequest struct {
	ID       uint64
	PeerURLs []string
}

// MemberPromoteRequest gives a learner its vote.
type MemberPromoteRequest struct{ ID uint64 }

// MemberPublishRequest is what a member says of itself through the log once it
// runs. Clients do not send it.
type MemberPublishRequest struct {
	ID         uint64
	Name       string
	ClientURLs []string
}

// MoveLeaderRequest asks the leader to hand over to a member.
type MoveLeaderRequest struct{ Target uint64 }

// MembersResult answers every request about members that has no result of its
// own: the members after it, in the order of their IDs.
type MembersResult struct{ Members []Member }

// MemberAddResult answers a MemberAddRequest.
type MemberAddResult struct {
	// Member is the new one, Members are all.
	Member  Member
	Members []Member
}

// MemberPublishResult answers a MemberPublishRequest.
type MemberPublishResult struct{}

// MoveLeaderResult answers a MoveLeaderRequest.
type MoveLeaderResult struct{}

func (*MemberListRequest) isRequest()    {}
func (*MemberAddRequest) isRequest()     {}
func (*MemberRemoveRequest) isRequest()  {}
func (*MemberUpdateRequest) isRequest()  {}
func (*MemberPromoteRequest) isRequest() {}
func (*MemberPublishRequest) isRequest() {}
func (*MoveLeaderRequest) isRequest()    {}

func (*MembersResult) isResult()       {}
func (*MemberAddResult) isResult()     {}
func (*MemberPublishResult) isResult() {}
func (*MoveLeaderResult) isResult()    {}

// Errors of requests about members. ErrMemberExists is etcd's answer to an ID
// that is taken; IDs that are counted never are.
var (
	ErrMemberNotFound        = &Error{NotFound, "etcdserver: member not found"}
	ErrPeerURLExists         = &Error{FailedPrecondition, "etcdserver: Peer URLs already exists"}
	ErrMemberBadURLs         = &Error{InvalidArgument, "etcdserver: given member URLs are invalid"}
	ErrMemberNotLearner      = &Error{FailedPrecondition, "etcdserver: can only promote a learner member"}
	ErrLearnerNotReady       = &Error{FailedPrecondition, "etcdserver: can only promote a learner member which is in sync with leader"}
	ErrTooManyLearners       = &Error{FailedPrecondition, "etcdserver: too many learner members in cluster"}
	ErrUnhealthy             = &Error{Unavailable, "etcdserver: unhealthy cluster"}
	ErrNotEnoughStarted      = &Error{Unknown, "etcdserver: re-configuration failed due to not enough started members"}
	ErrBadLeaderTransferee   = &Error{FailedPrecondition, "etcdserver: bad leader transferee"}
	ErrTimeoutLeaderTransfer = &Error{Unknown, "etcdserver: request timed out, leader transfer took too long"}
	// ErrTooManyMembers is a limit of the simulation, not of etcd.
	ErrTooManyMembers = &Error{ResourceExhausted, "etcdsim: no more than 63 members can join in one run, removed ones included"}
)

// MaxMembers is how many members may ever join a cluster of the simulation.
const MaxMembers = 63

// Reconfigures reports whether a request changes who the members are, so that
// it goes through the log as a configuration change.
func Reconfigures(req Request) bool {
	switch req.(type) {
	case *MemberAddRequest, *MemberRemoveRequest, *MemberUpdateRequest, *MemberPromoteRequest:
		return true
	}
	return false
}

// ForLearners reports whether a learner serves the request: only what asks for
// its own state (etcd's isRPCSupportedForLearner).
func ForLearners(req Request) bool {
	switch r := req.(type) {
	case *StatusRequest, *SnapshotRequest, *HTTPRequest:
		return true
	case *RangeRequest:
		return r.Serializable
	}
	return false
}

// checkMemberAdd wants the URLs of a member as etcd's types.NewURLs does: at
// least one, each with a scheme, a host and a port, and no path.
func checkMemberAdd(req *MemberAddRequest) *Error {
	if len(req.PeerURLs) == 0 || slices.ContainsFunc(req.PeerURLs, func(text string) bool { return !isMemberURL(text) }) {
		return ErrMemberBadURLs
	}
	return nil
}

// Normal returns the request with its URLs as etcd keeps them: without spaces
// around them, as its URL type prints them, and sorted. They must have passed Check.
func (r *MemberAddRequest) Normal() *MemberAddRequest {
	normal := &MemberAddRequest{Learner: r.Learner}
	for _, text := range r.PeerURLs {
		if u, err := url.Parse(strings.TrimSpace(text)); err == nil {
			normal.PeerURLs = append(normal.PeerURLs, u.String())
		}
	}
	slices.Sort(normal.PeerURLs)
	return normal
}

func isMemberURL(text string) bool {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "http", "https":
		return hasPort(u.Host) && u.Path == ""
	case "unix", "unixs":
		return true
	}
	return false
}

// hasPort reports whether a host, as url.Parse lets it through, has the form
// host:port; addresses with colons of their own stand in brackets.
func hasPort(host string) bool {
	if bracketed := strings.LastIndexByte(host, ']'); bracketed >= 0 {
		return strings.HasPrefix(host[bracketed+1:], ":")
	}
	return strings.Count(host, ":") == 1
}

func describeMember(b *strings.Builder, m *Member) {
	b.WriteString(MemberName(m.ID))
	if m.Learner {
		b.WriteString(" (learner)")
	}
}

func describeMembers(b *strings.Builder, members []Member) {
	for i := range members {
		b.WriteString(separator(i, " = "))
		describeMember(b, &members[i])
	}
}
