package playground

import (
	"encoding/json"
	"fmt"
	"time"

	"etcdsim/scenarios/report/chronicle"
	"etcdsim/scenarios/report/page"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store/saved"
)

// Request asks a session for something. Times are nanoseconds of virtual time.
type Request struct {
	// Do is open, advance (by For), step, say (Text at At), packet (Text is done to Packet
	// at At), back (to At), end.
	Do   string   `json:"do"`
	Open *Open    `json:"open,omitempty"`
	For  int64    `json:"for,omitempty"`
	At   sim.Time `json:"at,omitempty"`
	Text string   `json:"text,omitempty"`
	// Packet is a place in the list of all packets that frames told of.
	Packet int `json:"packet,omitempty"`
}

// Frame is an answer: what happened since the frame before.
type Frame struct {
	// Error says why nothing was done; empty if it was.
	Error string `json:"error,omitempty"`
	// Reset: everything from the beginning; what was there before is gone.
	Reset bool     `json:"reset,omitempty"`
	Now   sim.Time `json:"now"`
	// Judged is until when the judges have looked.
	Judged sim.Time `json:"judged"`
	Meta   meta     `json:"meta"`

	Packets [][]any     `json:"packets,omitempty"`
	Ended   [][3]int64  `json:"ended,omitempty"` // packet, when, fate: of packets of earlier frames
	Notes   [][]any     `json:"notes,omitempty"`
	Changes [][5]int64  `json:"changes,omitempty"`
	Entries [][4]uint64 `json:"entries,omitempty"`
	Commits [][]any     `json:"commits,omitempty"`
	// Ops are new operations, and those of earlier frames that have ended.
	Ops []page.Op `json:"ops,omitempty"`

	// What was seen of members, where it changed: at, member, ticks without a leader,
	// ticks until it wants an election; at, leader, member, match, next; and at, member,
	// key, value, revision, which is 0 where the key is gone.
	Patience [][4]int64 `json:"patience,omitempty"`
	Peers    [][5]int64 `json:"peers,omitempty"`
	Keys     [][]any    `json:"keys,omitempty"`

	Story   []told        `json:"story"`
	Finding *page.Finding `json:"finding,omitempty"`
	// Lesson is what is taught, in the frame that answers open.
	Lesson *page.Lesson `json:"lesson,omitempty"`
	// Failure is why the universe has come to its end, or empty.
	Failure string `json:"failure,omitempty"`
	// Over: the universe does not go on, for its failure or because it was played to its
	// end.
	Over bool `json:"over,omitempty"`
	// Ended by end: what etcdsim run prints of the story, its digest, and the story.
	Report   string `json:"report,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Scenario string `json:"scenario,omitempty"`
}

type meta struct {
	Name    string `json:"name"`
	Seed    uint64 `json:"seed,string"`
	Bugs    string `json:"bugs,omitempty"`
	Members int    `json:"members"`
	Clients int    `json:"clients"`
	Tick    int64  `json:"tick"` // ns
}

type told struct {
	Text string   `json:"text"`
	From sim.Time `json:"from"`
	To   sim.Time `json:"to"`
}

// sent is how much of everything earlier frames held.
type sent struct {
	any                                       bool
	packets, notes, changes, entries, commits int
	patience, peers, keys                     int
	ops                                       int
	open                                      []int // operations that had not ended
}

// Player takes requests as JSON, and holds the session that they are about. The zero
// value has none yet.
type Player struct {
	// Snapshot is that of [Open], for every session.
	Snapshot *saved.Snapshot

	session *Session
}

// Do answers a request. It never fails: errors are in the frame.
func (p *Player) Do(request []byte) []byte {
	var r Request
	frame := &Frame{}
	if err := json.Unmarshal(request, &r); err != nil {
		frame.Error = err.Error()
	} else {
		frame = p.do(&r)
	}
	answer, err := json.Marshal(frame)
	if err != nil {
		answer, _ = json.Marshal(&Frame{Error: err.Error()})
	}
	return answer
}

func (p *Player) do(r *Request) *Frame {
	if r.Do == "open" {
		o := Open{Seed: 1}
		if r.Open != nil {
			o = *r.Open
		}
		o.Snapshot = p.Snapshot
		s, err := New(o)
		if err != nil {
			return &Frame{Error: err.Error()}
		}
		if p.session != nil {
			p.session.Close()
		}
		p.session = s
		f := s.frame(nil)
		if s.course != nil {
			f.Lesson = page.LessonOf(s.course)
		}
		return f
	}
	if p.session == nil {
		return &Frame{Error: "no session: expected open first"}
	}
	return p.session.Do(r)
}

// mostAdvance bounds what one request may let pass.
const mostAdvance = 10 * time.Second

// Do answers a request about this session.
func (s *Session) Do(r *Request) *Frame {
	var err error
	switch r.Do {
	case "advance":
		if r.For <= 0 || r.For > int64(mostAdvance) {
			err = fmt.Errorf("advance: %d ns: expected up to %s", r.For, mostAdvance)
			break
		}
		err = s.advance(time.Duration(r.For))
	case "step":
		err = s.step()
	case "say":
		err = s.statement(r.At, r.Text)
	case "packet":
		err = s.packet(r.At, r.Packet, r.Text)
	case "back":
		err = s.branch(r.At)
	case "end":
		f := s.frame(nil)
		f.Report, f.Digest, err = s.End()
		f.Scenario = s.Story()
		if err != nil {
			f.Error = err.Error()
		}
		return f
	default:
		err = fmt.Errorf("%q: expected open, advance, step, say, packet, back or end", r.Do)
	}
	return s.frame(err)
}

// frame tells what happened since the frame before.
func (s *Session) frame(err error) *Frame {
	s.judge()
	c, was := s.live, &s.sent
	f := &Frame{
		Reset: !was.any, Now: s.Now(), Judged: s.judged,
		Meta: meta{s.name, s.open.Seed, s.opts.Bugs.String(), c.Members, c.Clients, int64(s.play.Tick())},
	}
	if err != nil {
		f.Error = err.Error()
	}
	for _, i := range c.Ended() {
		if i < was.packets {
			p := &c.Packets[i]
			f.Ended = append(f.Ended, [3]int64{int64(i), int64(p.Ended), int64(p.Fate)})
		}
	}
	for i := was.packets; i < len(c.Packets); i++ {
		f.Packets = append(f.Packets, page.PacketRow(&c.Packets[i]))
	}
	for i := was.notes; i < len(c.Notes); i++ {
		f.Notes = append(f.Notes, page.NoteRow(&c.Notes[i], s.tell(&c.Notes[i])))
	}
	for i := was.changes; i < len(c.Changes); i++ {
		f.Changes = append(f.Changes, page.ChangeRow(c.Changes[i]))
	}
	for i := was.entries; i < len(c.Entries); i++ {
		f.Entries = append(f.Entries, page.EntryRow(c.Entries[i]))
	}
	was.packets, was.notes, was.changes, was.entries = len(c.Packets), len(c.Notes), len(c.Changes), len(c.Entries)
	commits := s.play.Cluster().Commits()
	for i := was.commits; i < len(commits); i++ {
		f.Commits = append(f.Commits, page.CommitRow(&commits[i]))
	}
	was.commits = len(commits)
	l := s.looks
	f.Patience, f.Peers, f.Keys = l.patience[was.patience:], l.peers[was.peers:], l.keys[was.keys:]
	was.patience, was.peers, was.keys = len(l.patience), len(l.peers), len(l.keys)
	s.operations(f)
	was.any = true
	s.present(f)
	return f
}

// operations adds operations that are new, and those that have ended.
func (s *Session) operations(f *Frame) {
	ops := s.play.Ops()
	var open []int
	show := func(i int) {
		f.Ops = append(f.Ops, page.OpOf(&ops[i]))
		if ops[i].Return == sim.Forever {
			open = append(open, i)
		}
	}
	for _, i := range s.sent.open {
		if ops[i].Return == sim.Forever {
			open = append(open, i)
			continue
		}
		f.Ops = append(f.Ops, page.OpOf(&ops[i]))
	}
	for i := s.sent.ops; i < len(ops); i++ {
		show(i)
	}
	s.sent.ops, s.sent.open = len(ops), open
}

// present adds how things stand.
func (s *Session) present(f *Frame) {
	for i := range s.story {
		if l := &s.story[i]; l.parsed.Statement != nil || l.parsed.Phase != nil {
			f.Story = append(f.Story, told{l.text, l.from, l.to})
		}
	}
	if fail := s.play.Failure(); fail != nil {
		f.Failure = fmt.Sprintf("%s: %s", fail.Outcome, fail.Why)
	}
	f.Over = s.ended || f.Failure != ""
	if len(s.found) > 0 {
		f.Finding = &s.found[0]
	}
}

// tell says a note in words, with those of the story.
func (s *Session) tell(e *trace.Event) string {
	if e.Kind == trace.Action {
		n := uint64(0)
		for i := range s.story {
			if st := s.story[i].parsed.Statement; st != nil {
				if st.Number == 0 {
					continue
				}
				if n++; n == e.ID || uint64(st.Number) == e.ID {
					return st.String()
				}
			}
		}
	}
	return chronicle.Tell(e)
}
