package outside

import (
	"testing"

	"etcdsim/checker/history"
	"etcdsim/node"
	"etcdsim/sim"
	"etcdsim/store"
)

// noting returns notes that keep, and whose clients are numbered from 10.
func noting() *notes {
	next := 9
	reserve := func() int { next++; return next }
	n := newNotes(true, reserve(), reserve)
	return &n
}

// What is not certain is unknown: whether a write that was refused has happened. What
// changes nothing, and what nobody took in, has failed.
func TestOutcomes(t *testing.T) {
	put, lock := &store.PutRequest{Key: "k"}, &store.LockRequest{Name: "l"}
	for _, tt := range []struct {
		name    string
		request store.Request
		err     *store.Error
		want    history.Outcome
	}{
		{"an answer", put, nil, history.OK},
		{"a write, refused", put, store.ErrPermissionDenied, history.Failed},
		{"a write that took too long", put, store.ErrTimeout, history.Unknown},
		{"a write to a dead member", put, store.ErrConnectionRefused, history.Failed},
		{"a read, refused", &store.RangeRequest{Key: "k"}, store.ErrPermissionDenied, history.Failed},
		{"a read that took too long", &store.RangeRequest{Key: "k"}, store.ErrTimeout, history.Failed},
		{"a lock, refused: it may stand in the queue", lock, store.ErrPermissionDenied, history.Unknown},
		{"a lock of a dead member", lock, store.ErrConnectionRefused, history.Failed},
	} {
		n := noting()
		n.invoked(&Input{Op: 1, Kind: Ask, Request: tt.request}, 5)
		told := 0
		n.answered(&node.Answer{Op: 1, Response: store.Response{Err: tt.err}}, 7, func(op *history.Op) {
			told++
			if op.Outcome != tt.want || op.Return != 7 {
				t.Errorf("%s: %v at %v, want %v", tt.name, op.Outcome, op.Return, tt.want)
			}
		})
		if told != 1 || n.kept[0].Outcome != tt.want {
			t.Errorf("%s: told %d times, kept as %v", tt.name, told, n.kept[0].Outcome)
		}
		n.answered(&node.Answer{Op: 1}, 9, func(*history.Op) { t.Errorf("%s: told again", tt.name) })
	}
}

// An operation that nobody waits for any more stays unknown.
func TestGivenUp(t *testing.T) {
	n := noting()
	n.invoked(&Input{Op: 1, Kind: Ask, Request: &store.PutRequest{Key: "k"}}, 5)
	if got := n.kept[0]; got.Outcome != history.Unknown || got.Return != sim.Forever {
		t.Errorf("under way it is %+v", got)
	}
	n.hungUp(1, 6, nil)
	if got := n.kept[0]; got.Outcome != history.Unknown || got.Return != 6 {
		t.Errorf("given up it is %+v", got)
	}
}

// As many clients stand for the outside as have operations at a time; streams that are
// no operation take none.
func TestClients(t *testing.T) {
	n := noting()
	ask := func(id uint64, want int) {
		t.Helper()
		n.invoked(&Input{Op: id, Kind: Ask, Request: &store.PutRequest{Key: "k"}}, 5)
		if got := n.under[id].Client; got != want {
			t.Errorf("operation %d is of client %d, want %d", id, got, want)
		}
	}
	ask(1, 10)
	n.invoked(&Input{Op: 2, Kind: Open, Request: &store.StreamOpenRequest{}}, 5)
	ask(3, 11)
	n.hungUp(1, 6, nil)
	ask(4, 10)
	ask(5, 12)
	if len(n.kept) != 4 {
		t.Errorf("%d operations are kept", len(n.kept))
	}
}

// In whose name a client asks is what its token says, whoever made it, or else its
// certificate.
func TestUsers(t *testing.T) {
	n := noting()
	n.invoked(&Input{Op: 1, Kind: Ask, Request: &store.AuthenticateRequest{Name: "alice", Password: "a"}}, 5)
	n.answered(&node.Answer{Op: 1, Response: store.Response{Result: &store.AuthenticateResult{Token: "letters.7"}}}, 6, nil)
	for id, tt := range map[uint64]struct {
		as   store.Credential
		want string
	}{
		2: {store.Credential{Token: "letters.7"}, "alice"},
		3: {store.Credential{Token: "letters.8"}, ""},
		4: {store.Credential{Token: store.Claims{User: "bob b", Revision: 3}.String()}, "bob b"},
		5: {store.Credential{Certified: true, Name: "carol"}, "carol"},
		6: {store.Credential{Token: "letters.7", Certified: true, Name: "carol"}, "alice"},
		7: {store.Credential{}, ""},
	} {
		n.invoked(&Input{Op: id, Kind: Ask, As: tt.as, Request: &store.PutRequest{Key: "k"}}, 7)
		if got := n.under[id].User; got != tt.want {
			t.Errorf("%+v is %q, want %q", tt.as, got, tt.want)
		}
	}
}
