package membership

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"etcdsim/sim/bug"
	"etcdsim/store"
)

// TestStories runs the scripts in testdata: changes, one after another, with
// their answers. -rewrite writes the files anew.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		var c *Cluster
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			var out strings.Builder
			for line := range strings.Lines(d.Input) {
				line = strings.TrimSpace(line)
				var answer store.Response
				switch verb, rest, _ := strings.Cut(line, " "); verb {
				case "found":
					var n uint64
					scan(t, d, rest, "%d", &n)
					ids := make([]uint64, n)
					for i := range ids {
						ids[i] = uint64(i + 1)
					}
					c = New(Config{MaxLearners: 1}, ids)
					answer.Result = &store.MembersResult{Members: c.Members()}
				case "ready":
					fmt.Fprintf(&out, "ready to add a voter: %v, to promote: %v, to remove:", c.ReadyToAddVoter(), c.ReadyToPromote())
					for _, m := range c.Members() {
						fmt.Fprintf(&out, " %s %v", store.MemberName(m.ID), c.ReadyToRemoveVoter(m.ID))
					}
					out.WriteByte('\n')
					continue
				case "again": // through a snapshot
					var err error
					if c, _, err = Decode(c.cfg, nil, c.Append(nil)); err != nil {
						t.Fatal(err)
					}
					answer.Result = &store.MembersResult{Members: c.Members()}
				default:
					answer = c.Apply(request(t, d, line))
				}
				fmt.Fprintf(&out, "%s: %s\n", line, text(answer))
			}
			return out.String()
		})
	})
}

func scan(t *testing.T, d *datadriven.TestData, text, format string, args ...any) {
	t.Helper()
	if _, err := fmt.Sscanf(text, format, args...); err != nil {
		t.Fatalf("%s: %q: %v", d.Pos, text, err)
	}
}

// request reads "add URL [learner]", "remove ID", "update ID URL", "promote ID"
// or "publish ID".
func request(t *testing.T, d *datadriven.TestData, line string) store.Request {
	words := strings.Fields(line)
	var id uint64
	if words[0] != "add" {
		scan(t, d, words[1], "n%d", &id)
	}
	switch words[0] {
	case "add":
		return &store.MemberAddRequest{PeerURLs: words[1:2], Learner: len(words) > 2}
	case "remove":
		return &store.MemberRemoveRequest{ID: id}
	case "update":
		return &store.MemberUpdateRequest{ID: id, PeerURLs: words[2:]}
	case "promote":
		return &store.MemberPromoteRequest{ID: id}
	case "publish":
		return &store.MemberPublishRequest{ID: id, Name: store.MemberName(id), ClientURLs: []string{store.ClientURL(id)}}
	}
	t.Fatalf("%s: unknown change %q", d.Pos, line)
	return nil
}

func text(r store.Response) string {
	var members []store.Member
	switch res := r.Result.(type) {
	case nil:
		return r.Err.Text
	case *store.MemberAddResult:
		members = res.Members
	case *store.MembersResult:
		members = res.Members
	default:
		return "done"
	}
	var parts []string
	for _, m := range members {
		s := fmt.Sprintf("n%d at %s", m.ID, strings.Join(m.PeerURLs, " "))
		if m.Learner {
			s += " learner"
		}
		if !m.Started() {
			s += " not started"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

// anyChange draws a change about few IDs and few addresses.
func anyChange(t *rapid.T) store.Request {
	id := rapid.Uint64Range(0, 7).Draw(t, "id")
	urls := rapid.SliceOfN(rapid.SampledFrom([]string{"http://n1:2380", "http://n4:2380", "http://x:1", "http://y:1"}), 0, 2).Draw(t, "urls")
	switch rapid.IntRange(0, 4).Draw(t, "change") {
	case 0:
		return &store.MemberAddRequest{PeerURLs: urls, Learner: rapid.Bool().Draw(t, "learner")}
	case 1:
		return &store.MemberRemoveRequest{ID: id}
	case 2:
		return &store.MemberUpdateRequest{ID: id, PeerURLs: urls}
	case 3:
		return &store.MemberPromoteRequest{ID: id}
	}
	return &store.MemberPublishRequest{ID: id, Name: store.MemberName(id)}
}

// A snapshot at any moment is indistinguishable from the original, now and after
// every later change; refusals change nothing; IDs and removals are for good.
func TestSnapshotsAtEveryChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{MaxLearners: rapid.Uint64Range(0, 2).Draw(t, "max learners")}
		founders := []uint64{1, 2, 3}
		c := New(cfg, founders)
		if c.Hash() != 0 || len(c.Append(nil)) != 0 {
			t.Fatal("founders as they began have a hash or bytes of their own")
		}
		gone := map[uint64]bool{}
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			other, rest, err := Decode(cfg, founders, append(c.Append(nil), "rest"...))
			if err != nil || string(rest) != "rest" {
				t.Fatalf("decode: %v, rest %q", err, rest)
			}
			before, request := c.Hash(), anyChange(t)
			answer := c.Apply(request)
			if again := other.Apply(request); store.HashResponse(answer) != store.HashResponse(again) || other.Hash() != c.Hash() {
				t.Fatalf("%s: the original answers %+v, its copy %+v", store.Describe(request), answer, again)
			}
			if answer.Err != nil && c.Hash() != before {
				t.Fatalf("%s was refused and changed something", store.Describe(request))
			}
			if r, ok := request.(*store.MemberRemoveRequest); ok && answer.Err == nil {
				gone[r.ID] = true
			}
			for _, m := range c.Members() {
				if gone[m.ID] || c.Removed(m.ID) || m.ID >= c.next {
					t.Fatalf("n%d is a member though it was removed or never joined", m.ID)
				}
			}
		}
	})
}

func TestDamagedSnapshots(t *testing.T) {
	c := New(Config{MaxLearners: 1}, []uint64{1, 2, 3})
	c.Apply(&store.MemberAddRequest{PeerURLs: []string{"http://x:1"}, Learner: true})
	c.Apply(&store.MemberRemoveRequest{ID: 2})
	data := c.Append(nil)
	for n := len(format); n < len(data); n++ {
		if _, _, err := Decode(c.cfg, nil, data[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: error %v, want one", n, len(data), err)
		}
	}
	removed := []byte(string(data))
	removed[header+1] |= 1 << 3 // n3 is a member, and now removed as well
	if _, _, err := Decode(c.cfg, nil, removed); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("a member that was removed: error %v, want one", err)
	}
}

func FuzzDecode(f *testing.F) {
	c := New(Config{MaxLearners: 1}, []uint64{1, 2, 3})
	c.Apply(&store.MemberAddRequest{PeerURLs: []string{"http://x:1"}, Learner: true})
	f.Add(c.Append(nil))
	f.Add([]byte(format))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, rest, err := Decode(Config{MaxLearners: 1}, nil, data)
		if err == nil && c.changed && string(append(c.Append(nil), rest...)) != string(data) {
			t.Errorf("%q decodes and encodes to %q", data, c.Append(nil))
		}
	})
}

func TestNextIDsAreLimited(t *testing.T) {
	c := New(Config{}, []uint64{1})
	for id := uint64(2); id <= store.MaxMembers; id++ {
		if r := c.Apply(&store.MemberAddRequest{PeerURLs: []string{store.PeerURL(id)}}); r.Err != nil {
			t.Fatalf("n%d: %v", id, r.Err)
		}
		if r := c.Apply(&store.MemberRemoveRequest{ID: id}); r.Err != nil {
			t.Fatalf("n%d: %v", id, r.Err)
		}
	}
	if r := c.Apply(&store.MemberAddRequest{PeerURLs: []string{"http://x:1"}}); r.Err != store.ErrTooManyMembers {
		t.Errorf("one more: got %v, want %v", r.Err, store.ErrTooManyMembers)
	}
}

// The planted defects do what etcd's did.
func TestDefects(t *testing.T) {
	c := New(Config{MaxLearners: 1, Bugs: bug.Set(0).With(bug.LearnerNotPersisted)}, []uint64{1})
	c.Apply(&store.MemberAddRequest{PeerURLs: []string{"http://x:1"}, Learner: true})
	c.Apply(&store.MemberPromoteRequest{ID: 2})
	again, _, err := Decode(c.cfg, nil, c.Append(nil))
	if err != nil || c.Member(2).Learner || !again.Member(2).Learner || again.Hash() == c.Hash() {
		t.Errorf("learner-not-persisted: before %+v, from the snapshot %+v (%v)", c.Member(2), again.Member(2), err)
	}
	c = New(Config{MaxLearners: 1, Bugs: bug.Set(0).With(bug.MemberUpdateLearner)}, []uint64{1})
	c.Apply(&store.MemberAddRequest{PeerURLs: []string{"http://x:1"}, Learner: true})
	c.Apply(&store.MemberUpdateRequest{ID: 2, PeerURLs: []string{"http://y:1"}})
	if r := c.Apply(&store.MemberPromoteRequest{ID: 2}); r.Err != store.ErrMemberNotLearner {
		t.Errorf("member-update-learner: promotion answers %v, want %v", r.Err, store.ErrMemberNotLearner)
	}
}
