package playground

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"etcdsim/sim"
	"etcdsim/store"
)

// seen is what frames told of one member.
type seen struct {
	patience [2]int64
	peers    map[int64][2]int64
	keys     map[string]int64 // revisions
}

// Whoever keeps all rows that frames tell knows what members are like, and no row says
// what was known, or comes sooner than members are looked at.
func TestLooks(t *testing.T) {
	s, err := New(Open{Seed: 5, Text: "cluster nodes=3\nload w clients=4 keys=6 mix=put:3,delete:1\nwait leader within=5s"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	members := make([]seen, 3)
	for i := range members {
		members[i] = seen{peers: map[int64][2]int64{}, keys: map[string]int64{}}
	}
	rows, gone := [3]int{}, 0
	looked := map[string]int64{} // when a member was looked at last
	look := func(what string, id, now int64) {
		name := fmt.Sprintf("%s of n%d", what, id)
		if last, ok := looked[name]; ok && now != last && now < last+int64(lookEvery) {
			t.Errorf("%s: looked at %v, and again at %v", name, sim.Time(last), sim.Time(now))
		}
		looked[name] = now
	}
	take := func(f *Frame) {
		for _, r := range f.Patience {
			look("patience", r[1], r[0])
			rows[0]++
			m := &members[r[1]-1]
			if now := [2]int64{r[2], r[3]}; now == m.patience {
				t.Errorf("patience %v is told again", r)
			} else {
				m.patience = now
			}
		}
		for _, r := range f.Peers {
			look("peers", r[1], r[0])
			rows[1]++
			m := &members[r[1]-1]
			if now := [2]int64{r[3], r[4]}; now == m.peers[r[2]] {
				t.Errorf("peer %v is told again", r)
			} else {
				m.peers[r[2]] = now
			}
		}
		for _, r := range f.Keys {
			look("keys", r[1].(int64), r[0].(int64))
			rows[2]++
			keys, key := members[r[1].(int64)-1].keys, r[2].(string)
			revision, there := r[4].(int64)
			switch {
			case !there && keys[key] == 0:
				t.Errorf("key %v is gone and was not there", r)
			case !there:
				delete(keys, key)
				gone++
			case keys[key] == revision:
				t.Errorf("key %v is told again", r)
			default:
				keys[key] = revision
			}
		}
	}
	take(s.frame(nil))
	for _, text := range []string{"", "unload w"} {
		if text != "" {
			take(s.Do(&Request{Do: "say", At: s.Now(), Text: text}))
		}
		for range 30 {
			f := s.Do(&Request{Do: "advance", For: int64(100 * time.Millisecond)})
			if f.Reset || f.Error != "" {
				t.Fatalf("reset %v: %s", f.Reset, f.Error)
			}
			take(f)
		}
	}
	if rows[0] < 100 || rows[1] < 20 || rows[2] < 20 || gone == 0 {
		t.Errorf("%v rows of patience, peers and keys, %d keys that went", rows, gone)
	}
	c := s.play.Cluster()
	for i := range members {
		m, id := &members[i], uint64(i+1)
		n := c.Node(id)
		res := n.Store().Read(&store.RangeRequest{Key: "\x00", RangeEnd: "\x00"}).Result.(*store.RangeResult)
		want := map[string]int64{}
		for _, kv := range res.KVs {
			want[store.Text(kv.Key)] = kv.ModRevision
		}
		if !maps.Equal(m.keys, want) {
			t.Errorf("n%d has the keys %v, frames told %v", id, want, m.keys)
		}
		if _, timeout := n.Patience(); m.patience[1] != int64(timeout) {
			t.Errorf("n%d waits for %d ticks, frames told %d", id, timeout, m.patience[1])
		}
		if c.Leader() != id {
			continue
		}
		for _, p := range n.Peers() {
			if got := m.peers[int64(p.ID)]; got != [2]int64{int64(p.Match), int64(p.Next)} {
				t.Errorf("the leader knows %+v of n%d, frames told %v", p, p.ID, got)
			}
		}
	}
}
