package cluster_test

import (
	"fmt"
	"testing"

	"etcdsim/node"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// ear hears answers.
type ear struct{ heard bool }

func (e *ear) Answer(node.Answer) { e.heard = true }
func (e *ear) Wake(uint64)        {}

// Members have not converged while one of them owes an answer: to a write, or to a read
// that waits for the others to confirm who leads.
func TestWhoOwesAnAnswerHasNotConverged(t *testing.T) {
	for name, request := range map[string]store.Request{
		"put":   &store.PutRequest{Key: "k", Value: "v"},
		"range": &store.RangeRequest{Key: "k"},
	} {
		for member := range uint64(3) {
			t.Run(fmt.Sprintf("%s, n%d", name, member+1), func(t *testing.T) {
				s := newStory(t, 5, nil)
				s.until("the members converge", s.Converged)
				var client ear
				s.Attach(trace.Client(0), &client)
				s.Call(trace.Client(0), member+1, s.NextOp(), request)
				owed := 0
				s.until("the request is answered", func() bool {
					if len(s.Node(member+1).Pending()) > 0 {
						owed++
						if s.Converged() {
							t.Fatalf("at %v n%d owes an answer, and the members have converged", s.Now(), member+1)
						}
					}
					return client.heard
				})
				if owed == 0 {
					t.Error("the request was never seen under way")
				}
			})
		}
	}
}
