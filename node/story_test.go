package node

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	pb "go.etcd.io/raft/v3/raftpb"

	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/disk"
)

// TestStories runs the scripts in testdata: one member alone, its peers played
// by the script. What it wants done is the story. -rewrite writes the files
// anew.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &stage{t: t, asked: map[uint64]store.Request{}}
		datadriven.RunTest(t, path, s.act)
	})
}

// stage is one member and the peers that the script plays.
type stage struct {
	t      *testing.T
	now    sim.Time
	disk   *disk.Disk
	node   *Node
	log    *trace.Log
	syncs  []disk.Ticket // under way, oldest first
	voters int
	cfg    Config
	bugs   bug.Set
	asked  map[uint64]store.Request
	timers []ringing
	// beat is the context of the last heartbeat, which its answers repeat.
	beat []byte
}

func (s *stage) act(t *testing.T, d *datadriven.TestData) string {
	var out strings.Builder
	times := 1
	if d.HasArg("times") {
		d.ScanArgs(t, "times", &times)
	}
	switch d.Cmd {
	case "start": // a new member 1 of n voters
		s.voters, s.cfg, s.bugs = 3, DefaultConfig(), 0
		if d.HasArg("voters") {
			d.ScanArgs(t, "voters", &s.voters)
		}
		if d.HasArg("snapshot") {
			d.ScanArgs(t, "snapshot", &s.cfg.SnapshotEntries)
			s.cfg.SnapshotCatchUp = 2
		}
		if d.HasArg("lease-checkpoint") {
			var every string
			d.ScanArgs(t, "lease-checkpoint", &every)
			s.cfg.LeaseCheckpoint = true
			s.cfg.LeaseCheckpointInterval = s.duration(every)
		}
		if d.HasArg("bug") {
			var name string
			d.ScanArgs(t, "bug", &name)
			s.bugs, _ = bug.Parse(name)
		}
		s.log = trace.NewLog()
		s.disk = disk.New(1, disk.Default(), 1, s.log)
		s.begin(&out)
	case "crash": // and start again from the disk
		s.disk.Crash()
		s.syncs, s.timers = nil, nil
		s.begin(&out)
	case "tick":
		for range times {
			s.now += sim.Time(s.cfg.Tick)
			s.step(&out, Input{Kind: Tick})
		}
	case "synced": // the oldest sync completes, or the newest
		for range times {
			if len(s.syncs) == 0 {
				return "no sync is under way\n"
			}
			i := 0
			if d.HasArg("newest") {
				i = len(s.syncs) - 1
			}
			ticket := s.syncs[i]
			s.syncs = slices.Delete(s.syncs, i, i+1)
			s.now += sim.Time(time.Millisecond)
			s.step(&out, Input{Kind: Synced, Ticket: ticket.ID})
		}
	case "receive":
		s.step(&out, Input{Kind: Receive, Message: s.message(d)})
	case "put", "get":
		var key, value string
		var op uint64
		d.ScanArgs(t, "op", &op)
		d.ScanArgs(t, "key", &key)
		var r store.Request = &store.RangeRequest{Key: key, Serializable: d.HasArg("serializable")}
		if d.Cmd == "put" {
			d.ScanArgs(t, "value", &value)
			r = &store.PutRequest{Key: key, Value: value}
		}
		s.asked[op] = r
		s.step(&out, Input{Kind: Request, Call: &Call{Client: trace.Client(0), Op: op, Request: r}})
	case "abandon": // the client of a request waits no longer
		var op uint64
		d.ScanArgs(t, "op", &op)
		s.step(&out, Input{Kind: Request, Call: &Call{Client: trace.Client(0), Op: op, Request: &store.StreamCloseRequest{}}})
	case "state":
		v := s.node.View()
		fmt.Fprintf(&out, "term %d %s leader %d commit %d applied %d last %d revision %d\n",
			v.Term, roles[v.Role], v.Leader, v.Commit, v.Applied, v.LastIndex, v.Revision)
	default:
		if !s.actInTime(d, &out) {
			t.Fatalf("%s: unknown command %s", d.Pos, d.Cmd)
		}
	}
	if out.Len() == 0 {
		return "nothing\n"
	}
	return out.String()
}

var roles = [...]string{"follower", "candidate", "leader", "pre-candidate"}

func (s *stage) begin(out *strings.Builder) {
	voters := make([]uint64, s.voters)
	for i := range voters {
		voters[i] = uint64(i + 1)
	}
	n, err := Start(1, voters, s.cfg, s.disk, s.log.Now, sim.NewSeed(1), s.bugs, s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	n.serving = true // but for the story of publishing, it has published its name
	s.node = n
	v := n.View()
	fmt.Fprintf(out, "member 1 starts: term %d, applied %d, last %d\n", v.Term, v.Applied, v.LastIndex)
}

// step lets the input happen and tells what the member wants.
func (s *stage) step(out *strings.Builder, in Input) {
	o := s.node.Step(s.now, &in)
	for _, m := range o.Messages {
		fmt.Fprintf(out, "send %s\n", describe(m))
		if m.GetType() == pb.MsgHeartbeat {
			s.beat = m.GetContext()
		}
	}
	for _, a := range o.Applied {
		fmt.Fprintf(out, "apply %d: %s\n", a.Index, store.Describe(a.Proposal.Request))
	}
	for _, t := range o.Syncs {
		fmt.Fprintf(out, "sync\n")
		s.syncs = append(s.syncs, t)
	}
	for _, timer := range o.Timers {
		s.timers = append(s.timers, ringing{s.now.Add(timer.After), timer.Token})
	}
	for _, c := range o.Calls {
		fmt.Fprintf(out, "call n%d: %s\n", c.To, store.Describe(c.Request))
	}
	for _, a := range o.Answers {
		fmt.Fprintf(out, "answer op %d: %s\n", a.Op, store.DescribeAnswered(s.asked[a.Op], a.Response))
	}
}

func describe(m *pb.Message) string {
	s := fmt.Sprintf("%s to %d term %d", strings.TrimPrefix(m.GetType().String(), "Msg"), m.GetTo(), m.GetTerm())
	switch m.GetType() {
	case pb.MsgApp:
		s += fmt.Sprintf(" after %d/%d, %d entries, commit %d", m.GetLogTerm(), m.GetIndex(), len(m.GetEntries()), m.GetCommit())
	case pb.MsgAppResp:
		s += fmt.Sprintf(" index %d", m.GetIndex())
	case pb.MsgSnap:
		s += fmt.Sprintf(" index %d", m.GetSnapshot().GetMetadata().GetIndex())
	}
	if m.GetReject() {
		s += " rejected"
	}
	return s
}

// message builds a raft message from type=, from=, term= and so on.
func (s *stage) message(d *datadriven.TestData) *pb.Message {
	var kind string
	d.ScanArgs(s.t, "type", &kind)
	value, ok := pb.MessageType_value["Msg"+kind]
	if !ok {
		s.t.Fatalf("%s: no raft message Msg%s", d.Pos, kind)
	}
	m := &pb.Message{Type: pb.MessageType(value).Enum(), To: new(uint64(1))}
	for name, field := range map[string]**uint64{
		"from": &m.From, "term": &m.Term, "index": &m.Index, "logterm": &m.LogTerm, "commit": &m.Commit,
	} {
		if d.HasArg(name) {
			*field = new(uint64)
			d.ScanArgs(s.t, name, *field)
		}
	}
	if m.GetType() == pb.MsgHeartbeatResp {
		m.Context = s.beat
	}
	if d.HasArg("reject") {
		m.Reject = new(true)
	}
	if d.HasArg("entries") { // term:op:key=value, ...
		var entries []string
		for _, a := range d.CmdArgs {
			if a.Key == "entries" {
				entries = a.Vals
			}
		}
		for i, text := range entries {
			var term, op uint64
			var kv string
			if _, err := fmt.Sscanf(text, "%d:%d:%s", &term, &op, &kv); err != nil {
				s.t.Fatalf("%s: entry %q: %v", d.Pos, text, err)
			}
			key, value, _ := strings.Cut(kv, "/")
			m.Entries = append(m.Entries, &pb.Entry{
				Term: new(term), Index: new(m.GetIndex() + uint64(i) + 1), Type: pb.EntryNormal.Enum(),
				Data: store.AppendProposal(nil, &store.Proposal{ID: op, Request: &store.PutRequest{Key: key, Value: value}}),
			})
		}
	}
	return m
}
