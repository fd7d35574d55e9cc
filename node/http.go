package node

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/raft/v3"

	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
	v2store "etcdsim/store/v2"
)

// The older APIs as a member answers them: keys, with etcd's v2 and v1, and what a
// member tells of itself and of the others (etcd's api/v2http/client.go).

const (
	membersPath = "/v2/members"
	selfPath    = "/v2/stats/self"
	leaderPath  = "/v2/stats/leader"
)

// traffic counts what /v2/stats tells.
type traffic struct {
	started sim.Time
	// received and sent count messages with entries, to all the members; sentTo those
	// to each, by ID.
	received, sent uint64
	sentTo         []uint64
}

func (t *traffic) append(to uint64) {
	t.sent++
	for to >= uint64(len(t.sentTo)) {
		t.sentTo = append(t.sentTo, 0)
	}
	t.sentTo[to]++
}

// serveHTTP takes in a request of the older APIs.
func (n *Node) serveHTTP(c Call, r *store.HTTPRequest) {
	switch {
	case r.Path == membersPath, strings.HasPrefix(r.Path, membersPath+"/"):
		n.serveMembers(c, r)
		return
	case r.Path == selfPath:
		n.serveStats(c, r, n.selfStats)
		return
	case r.Path == leaderPath:
		n.serveStats(c, r, n.leaderStats)
		return
	}
	m := n.olderMember()
	asked := v2store.Parse(r, n.olderTime(), m)
	v1 := strings.HasPrefix(r.Path, "/v1/")
	switch {
	case asked.Kind == v2store.Propose && v1 && n.leader != n.id:
		n.redirect(c, r, &asked)
	case asked.Kind == v2store.Propose:
		n.proposeOlder(olderCall{c, asked})
	case asked.Kind == v2store.Wait:
		n.waitOlder(olderCall{c, asked}, v1)
	default:
		response, _ := asked.Serve(n.older.open(), n.olderTime(), m)
		n.reply(c, response)
	}
}

// redirect sends a write of v1 to the leader: in etcd 0.4 followers did not pass
// writes on, and clients were meant to follow (curl -L). v2 is that of etcd 3.4,
// where they do.
func (n *Node) redirect(c Call, r *store.HTTPRequest, asked *v2store.Call) {
	leader := n.members.Member(n.leader)
	if leader == nil || len(leader.ClientURLs) == 0 {
		n.reply(c, asked.Refuse(&v2store.Error{Code: v2store.RaftInternal, Index: n.older.open().Index()}, n.olderMember()))
		return
	}
	n.log.Hit(trace.ProbeOlderRedirected)
	location := leader.ClientURLs[0] + r.Path
	if r.Query != "" {
		location += "?" + r.Query
	}
	n.reply(c, store.HTTPResult{Status: 307, Header: []store.HTTPField{{Name: "Location", Value: location}}})
}

// olderMember is what this member knows of itself and of the cluster.
func (n *Node) olderMember() v2store.Member {
	m := v2store.Member{ClusterID: sim.Mix(n.seed.Origin()), RaftIndex: n.commit, RaftTerm: n.term}
	if n.older.store != nil {
		m.StoreIndex = n.older.store.Index()
	}
	if leader := n.members.Member(n.leader); leader != nil && len(leader.PeerURLs) > 0 {
		m.Leader = leader.PeerURLs[0]
	}
	for _, member := range n.members.Members() {
		m.Machines = append(m.Machines, member.ClientURLs...)
	}
	return m
}

// reply answers a request, or if there is more to come a part of it.
func (n *Node) reply(c Call, r store.HTTPResult) {
	if c.Streamed {
		n.tell(c.Client, c.Op, store.Response{Result: &r})
	} else {
		n.answer(c.Client, c.Op, store.Response{Result: &r}, n.applied)
	}
}

// replyJSON answers with a value as JSON.
func (n *Node) replyJSON(c Call, status int, value any, end string) {
	body, err := json.Marshal(value)
	if err != nil {
		panic("node: an answer does not marshal: " + err.Error())
	}
	n.reply(c, store.HTTPResult{
		Status: status, Header: []store.HTTPField{n.clusterField(), {Name: "Content-Type", Value: "application/json"}},
		Body: string(body) + end,
	})
}

func (n *Node) clusterField() store.HTTPField {
	return store.HTTPField{Name: "X-Etcd-Cluster-Id", Value: strconv.FormatUint(sim.Mix(n.seed.Origin()), 16)}
}

// replyMessage answers with etcd's HTTPError.
func (n *Node) replyMessage(c Call, status int, text string) {
	n.replyJSON(c, status, struct {
		Message string `json:"message"`
	}{text}, "")
}

func (n *Node) replyNotAllowed(c Call, allowed string) {
	n.reply(c, store.HTTPResult{
		Status: 405, Header: []store.HTTPField{
			{Name: "Allow", Value: allowed},
			{Name: "Content-Type", Value: "text/plain; charset=utf-8"},
			{Name: "X-Content-Type-Options", Value: "nosniff"},
		}, Body: "Method Not Allowed\n",
	})
}

// memberJSON is a member as v2 shows it.
type memberJSON struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	PeerURLs   []string `json:"peerURLs"`
	ClientURLs []string `json:"clientURLs"`
}

func asJSON(m *store.Member) memberJSON {
	return memberJSON{
		ID: hexID(m.ID), Name: m.Name,
		PeerURLs: append([]string{}, m.PeerURLs...), ClientURLs: append([]string{}, m.ClientURLs...),
	}
}

func hexID(id uint64) string { return strconv.FormatUint(id, 16) }

// serveMembers lists the members, from what this one has applied, and changes who
// they are.
func (n *Node) serveMembers(c Call, r *store.HTTPRequest) {
	name := strings.TrimPrefix(strings.TrimPrefix(r.Path, membersPath), "/")
	switch r.Method {
	case "GET":
		n.listMembersV2(c, name)
	case "POST":
		if urls, ok := n.peerURLs(c, r); ok {
			n.ask(&store.MemberAddRequest{PeerURLs: urls}, func(resp store.Response) { n.replyAdded(c, resp) })
		}
	case "PUT", "DELETE":
		id, err := strconv.ParseUint(name, 16, 64)
		switch {
		case name == "":
			n.replyMessage(c, 405, "Method Not Allowed")
		case err != nil:
			n.replyMessage(c, 404, "No such member: "+name)
		case r.Method == "DELETE":
			n.ask(&store.MemberRemoveRequest{ID: id}, func(resp store.Response) { n.replyChanged(c, id, resp) })
		default:
			if urls, ok := n.peerURLs(c, r); ok {
				n.ask(&store.MemberUpdateRequest{ID: id, PeerURLs: urls}, func(resp store.Response) { n.replyChanged(c, id, resp) })
			}
		}
	default:
		n.replyNotAllowed(c, "GET,POST,DELETE,PUT")
	}
}

func (n *Node) listMembersV2(c Call, name string) {
	switch name {
	case "":
		var all struct {
			Members []memberJSON `json:"members"`
		}
		all.Members = []memberJSON{}
		for _, m := range n.members.Members() {
			all.Members = append(all.Members, asJSON(&m))
		}
		n.replyJSON(c, 200, all, "\n")
	case "leader":
		if leader := n.members.Member(n.leader); leader != nil {
			n.replyJSON(c, 200, asJSON(leader), "\n")
		} else {
			n.replyMessage(c, 503, "During election")
		}
	default:
		n.replyMessage(c, 404, "Not found")
	}
}

// peerURLs reads the body of a change, or refuses it.
func (n *Node) peerURLs(c Call, r *store.HTTPRequest) (urls []string, ok bool) {
	var body struct {
		PeerURLs []string `json:"peerURLs"`
	}
	err := json.Unmarshal([]byte(r.Body), &body)
	if err == nil {
		if bad := store.Check(&store.MemberAddRequest{PeerURLs: body.PeerURLs}, 0); bad != nil {
			err = bad
		}
	}
	if err != nil {
		n.replyMessage(c, 400, err.Error())
		return nil, false
	}
	return body.PeerURLs, true
}

func (n *Node) replyAdded(c Call, r store.Response) {
	if added, ok := r.Result.(*store.MemberAddResult); ok {
		n.replyJSON(c, 201, asJSON(&added.Member), "\n")
		return
	}
	n.replyRefused(c, r.Err)
}

func (n *Node) replyChanged(c Call, id uint64, r store.Response) {
	switch {
	case r.Err == nil:
		n.reply(c, store.HTTPResult{Status: 204, Header: []store.HTTPField{n.clusterField()}})
	case r.Err == store.ErrMemberNotFound && n.members.Removed(id):
		n.replyMessage(c, 410, "Member permanently removed: "+hexID(id))
	case r.Err == store.ErrMemberNotFound:
		n.replyMessage(c, 404, "No such member: "+hexID(id))
	default:
		n.replyRefused(c, r.Err)
	}
}

// replyRefused answers with the refusal of a change. etcd does not give away any
// other reason than a conflict.
func (n *Node) replyRefused(c Call, err *store.Error) {
	if err == store.ErrPeerURLExists {
		n.replyMessage(c, 409, err.Text)
		return
	}
	n.replyMessage(c, 500, "Internal Server Error")
}

func (n *Node) serveStats(c Call, r *store.HTTPRequest, serve func(Call)) {
	if r.Method != "GET" {
		n.replyNotAllowed(c, "GET")
		return
	}
	serve(c)
}

// selfStats tells what the member does. Rates are left out, as by an etcd that has
// not measured any.
func (n *Node) selfStats(c Call) {
	var st struct {
		Name       string `json:"name"`
		ID         string `json:"id"`
		State      string `json:"state"`
		StartTime  string `json:"startTime"`
		LeaderInfo struct {
			Leader    string `json:"leader"`
			Uptime    string `json:"uptime"`
			StartTime string `json:"startTime"`
		} `json:"leaderInfo"`
		Received uint64 `json:"recvAppendRequestCnt"`
		Sent     uint64 `json:"sendAppendRequestCnt"`
	}
	st.Name, st.ID, st.State = store.MemberName(n.id), hexID(n.id), raft.StateFollower.String()
	if n.role == trace.RoleLeader {
		st.State = raft.StateLeader.String()
	}
	since := n.traffic.started
	if n.leader != raft.None {
		st.LeaderInfo.Leader, since = hexID(n.leader), n.leaderSince
	}
	st.StartTime, st.LeaderInfo.StartTime = instant(n.traffic.started), instant(since)
	st.LeaderInfo.Uptime = n.now.Sub(since).String()
	st.Received, st.Sent = n.traffic.received, n.traffic.sent
	n.replyJSON(c, 200, st, "")
}

// instant prints a time of the simulation as encoding/json prints a time.
func instant(t sim.Time) string {
	return time.Unix(0, int64(v2store.Epoch)+int64(t)).UTC().Format(time.RFC3339Nano)
}

// leaderStats tells what the leader has sent to each of its followers. Writing to a
// connection takes no time in the simulation, so there is no latency to show.
func (n *Node) leaderStats(c Call) {
	if n.role != trace.RoleLeader {
		n.replyMessage(c, 403, "not current leader")
		return
	}
	type follower struct {
		Latency struct {
			Current           int64 `json:"current"`
			Average           int64 `json:"average"`
			StandardDeviation int64 `json:"standardDeviation"`
			Minimum           int64 `json:"minimum"`
			Maximum           int64 `json:"maximum"`
		} `json:"latency"`
		Counts struct {
			Fail    uint64 `json:"fail"`
			Success uint64 `json:"success"`
		} `json:"counts"`
	}
	st := struct {
		Leader    string              `json:"leader"`
		Followers map[string]follower `json:"followers"`
	}{hexID(n.id), map[string]follower{}}
	for _, m := range n.members.Members() {
		if m.ID == n.id {
			continue
		}
		var f follower
		if m.ID < uint64(len(n.traffic.sentTo)) {
			f.Counts.Success = n.traffic.sentTo[m.ID]
		}
		st.Followers[hexID(m.ID)] = f
	}
	n.replyJSON(c, 200, st, "")
}
