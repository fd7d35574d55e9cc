package node

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/bug"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// Authentication, after etcd's auth store, and its checks in v3rpc and v3_server.go.
//
// A client shows a password once and gets a token. The token is made by the member
// that checked the password, and goes through the log, so that every member knows
// it: its second part is the index of its entry, and a member that has not applied
// so much waits before it judges. A token lives as long as somebody uses it at this
// member, and no longer than the process: after a restart its clients must show
// their passwords again.
//
// Tokens that say themselves who asks (Config.JWT) are in no log and in no memory:
// every member believes them until their time is over by its wall clock, after a
// restart as before. They carry the auth revision of the login, so that each change
// of users or roles makes all of them worthless.
//
// Who asks, and the auth revision of the moment, go into each proposal. The rules in
// force when it is applied decide, and refuse what was taken in under older ones
// (etcd #5739). Reads are checked in the step in which they are served. Only what
// etcd checks nowhere else is refused on arrival.

// tokens is what a process knows of tokens beyond what its store does.
type tokens struct {
	// ends is when each token loses its force, unless it is used before. A token
	// that is missing came to the store with its data, not to this process.
	ends map[string]sim.Time
	rand *sim.Rand // nil until there is something to draw
	// early are calls by tokens whose entries this member has not applied, in the
	// order of their arrival.
	early []earlyCall
	// logins are the calls that ask for a token and have no answer.
	logins []Call
}

type earlyCall struct {
	Call
	arrived sim.Time
}

const (
	// tokenBeat is how often etcd looks for tokens whose time is over.
	tokenBeat = time.Second
	// tokenLetters is the length of what is drawn of a token.
	tokenLetters = 16
	letters      = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// identify finds out who makes a call. Without a token it is nobody, which is no
// error here.
func (n *Node) identify(c *Call) (who mvcc.Identity, err *store.Error) {
	switch {
	case !n.kv.AuthEnabled():
		return who, nil
	case c.self:
		return mvcc.Identity{User: store.Root, Revision: n.kv.AuthRevision()}, nil
	case c.As.Token == "" && c.As.Certified:
		return mvcc.Identity{User: c.As.Name, Revision: n.kv.AuthRevision()}, nil
	case c.As.Token == "":
		return who, nil
	case n.cfg.JWT:
		who, err = n.believe(c.As.Token)
	default:
		who, err = n.remember(c.As.Token)
	}
	if err != nil {
		n.log.Hit(trace.ProbeTokenUnknown)
	}
	return who, err
}

// remember finds out who got a token, and lets it live on.
func (n *Node) remember(token string) (who mvcc.Identity, err *store.Error) {
	if end, known := n.tokens.ends[token]; !known || n.now >= end {
		return who, store.ErrInvalidAuthToken
	}
	if who, err = n.kv.Identify(token); err == nil {
		n.tokens.ends[token] = n.tokenEnd()
	}
	return who, err
}

// believe reads who asks from the token itself.
func (n *Node) believe(token string) (who mvcc.Identity, err *store.Error) {
	claims, ok := store.ParseClaims(token)
	if !ok || !claims.ValidAt(int64(n.wall())) {
		return who, store.ErrInvalidAuthToken
	}
	return mvcc.Identity{User: claims.User, Revision: claims.Revision}, nil
}

// claim returns a token for a user whose password was checked under the given auth
// revision. Its end is in whole seconds, as in etcd.
func (n *Node) claim(user string, revision uint64) string {
	end := n.wall().Add(n.cfg.TokenTTL)
	return store.Claims{User: user, Revision: revision, Expires: int64(end - end%sim.Time(time.Second))}.String()
}

// tokenEnd returns when a token that is used now will have lost its force: at the
// first look for such tokens after its time.
func (n *Node) tokenEnd() sim.Time {
	end := n.now.Add(n.cfg.TokenTTL)
	phase := sim.Mix(n.seed.Origin()^n.id) % uint64(tokenBeat)
	return end.Add(tokenBeat - time.Duration((uint64(end)+phase)%uint64(tokenBeat)))
}

// authorize refuses what etcd refuses before it goes on with a client's request.
func (n *Node) authorize(c *Call) *store.Error {
	if !n.kv.AuthEnabled() || !c.Client.IsClient() {
		return nil
	}
	switch c.Request.(type) {
	case *store.CompactionRequest, *store.HashKVRequest, *store.AlarmRequest,
		*store.LeaseGrantRequest, *store.LeaseRevokeRequest, *store.LeaseKeepAliveRequest, *store.LeaseTimeToLiveRequest,
		*store.LeaseLeasesRequest,
		*store.MemberAddRequest, *store.MemberRemoveRequest, *store.MemberUpdateRequest, *store.MemberPromoteRequest,
		*store.MemberListRequest, *store.MoveLeaderRequest,
		*store.StatusRequest, *store.DefragmentRequest, *store.BackendHashRequest, *store.SnapshotRequest:
	default:
		return nil
	}
	who, err := n.identify(c)
	if err != nil {
		return err
	}
	if _, revoke := c.Request.(*store.LeaseRevokeRequest); revoke {
		if who.User == "" {
			return store.ErrUserEmpty
		}
		return nil // whether he may is seen when it is applied
	}
	return n.kv.Admit(who, c.Request)
}

// mayRead refuses a read that the rules forbid now, when it is served.
func (n *Node) mayRead(c *Call) *store.Error {
	switch c.Request.(type) {
	case *store.RangeRequest, *store.RangeStreamRequest, *store.TxnRequest, *store.WatchRequest:
	default:
		return nil // it was checked on arrival, or needs no right
	}
	who, err := n.identify(c)
	if err != nil {
		return err
	}
	return n.kv.Admit(who, c.Request)
}

// sign writes into a proposal who asks.
func (n *Node) sign(p *store.Proposal, c *Call) *store.Error {
	if _, login := c.Request.(*store.AuthenticateRequest); login {
		return nil
	}
	who, err := n.identify(c)
	if err != nil {
		return err
	}
	if n.bugs.Has(bug.AuthTOCTOU) {
		if err := n.kv.Admit(who, c.Request); err != nil {
			return err
		}
	}
	p.User, p.AuthRevision = who.User, who.Revision
	return nil
}

// refuseWatch tells a client that it may not watch, in etcd's words.
func (s *stream) refuseWatch(err *store.Error) {
	switch err {
	case store.ErrInvalidAuthToken, store.ErrAuthOldRevision, store.ErrUserEmpty:
	default:
		err = store.ErrPermissionDenied
	}
	s.Refuse(fmt.Sprintf("rpc error: code = %v desc = %s", err.Code, err.Text))
}

// hold keeps a call by a token that this member cannot know yet. What follows on the
// same stream has the same token, and waits behind it.
func (n *Node) hold(c *Call) bool {
	if c.As.Token == "" || n.cfg.JWT || !n.kv.AuthEnabled() || tokenIndex(c.As.Token) <= n.applied {
		return false
	}
	n.log.Hit(trace.ProbeTokenEarly)
	n.tokens.early = append(n.tokens.early, earlyCall{*c, n.now})
	return true
}

// tokenIndex returns the index of the entry that made a token, or 0.
func tokenIndex(token string) uint64 {
	_, text, _ := strings.Cut(token, ".")
	index, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return index
}

// takeEarly goes on with the calls that waited for the entries of their tokens, and
// refuses those that waited too long. It reports whether there were any.
func (n *Node) takeEarly() bool {
	waiting := n.tokens.early
	n.tokens.early = nil
	for _, c := range waiting {
		switch {
		case tokenIndex(c.As.Token) <= n.applied:
			n.request(c.Call)
		case n.now.Sub(c.arrived) < n.cfg.RequestTimeout():
			n.tokens.early = append(n.tokens.early, c)
		case c.Streamed:
			n.endStream(c.Client, c.Op, store.ErrInvalidAuthToken)
		default:
			n.answer(c.Client, c.Op, store.Response{Err: store.ErrInvalidAuthToken}, n.applied)
		}
	}
	return len(n.tokens.early) < len(waiting)
}

// authenticate takes in a request for a token. The password is checked here, and
// does not go into the log; if users or roles changed before the token was made, it
// may be a new one by now, and everything begins anew.
func (n *Node) authenticate(c Call, r *store.AuthenticateRequest) {
	n.tokens.logins = append(n.tokens.logins, c)
	n.confirm(func(confirmed store.Response) {
		if confirmed.Err != nil {
			n.answerLogin(c, confirmed)
			return
		}
		n.makeToken(c, r)
	})
}

func (n *Node) makeToken(c Call, r *store.AuthenticateRequest) {
	if err := n.kv.CheckPassword(r.Name, r.Password); err != nil {
		n.answerLogin(c, store.Response{Err: err})
		return
	}
	checked := n.kv.AuthRevision()
	proposal := &store.AuthenticateRequest{Name: r.Name}
	if !n.cfg.JWT {
		proposal.TokenPrefix = n.drawLetters()
	}
	n.ask(proposal, func(made store.Response) {
		switch {
		case made.Err == nil && n.kv.AuthRevision() != checked:
			n.log.Hit(trace.ProbeLoginAgain)
			n.makeToken(c, r)
			return
		case made.Err == nil && n.cfg.JWT:
			made.Result = &store.AuthenticateResult{Token: n.claim(r.Name, checked)}
		}
		n.answerLogin(c, made)
	})
}

func (n *Node) answerLogin(c Call, r store.Response) {
	n.tokens.logins = slices.DeleteFunc(n.tokens.logins, func(other Call) bool { return other.Op == c.Op })
	n.answer(c.Client, c.Op, r, n.applied)
}

// drawLetters draws what makes a token or a salt unlike others.
func (n *Node) drawLetters() string {
	if n.tokens.rand == nil {
		r := n.seed.Stream(fmt.Sprintf("auth/%d/%d", n.id, n.now))
		n.tokens.rand = &r
	}
	drawn := make([]byte, tokenLetters)
	for i := range drawn {
		drawn[i] = letters[n.tokens.rand.Intn(len(letters))]
	}
	return string(drawn)
}

// withHash returns the request with a hash in place of the password. One that there is
// already was made outside of the simulation, where bcrypt can draw its salt.
func (n *Node) withHash(r store.Request) store.Request {
	switch r := r.(type) {
	case *store.UserAddRequest:
		if r.NoPassword {
			return &store.UserAddRequest{Name: r.Name, NoPassword: true}
		}
		if r.HashedPassword == "" {
			return &store.UserAddRequest{Name: r.Name, HashedPassword: store.HashPassword(r.Password, n.drawLetters())}
		}
	case *store.UserChangePasswordRequest:
		if r.HashedPassword == "" {
			return &store.UserChangePasswordRequest{Name: r.Name, HashedPassword: store.HashPassword(r.Password, n.drawLetters())}
		}
	}
	return r
}

// authApplied follows what the log does to tokens.
func (n *Node) authApplied(r store.Request, resp store.Response) {
	t := &n.tokens
	switch r.(type) {
	case *store.AuthDisableRequest:
		if resp.Err == nil {
			clear(t.ends)
		}
	case *store.AuthenticateRequest:
		made, ok := resp.Result.(*store.AuthenticateResult)
		if !ok || made.Token == "" {
			return
		}
		if t.ends == nil {
			t.ends = make(map[string]sim.Time)
		}
		for token, end := range t.ends { // unordered: each is looked at by itself
			if end <= n.now {
				delete(t.ends, token)
			}
		}
		t.ends[made.Token] = n.tokenEnd()
	}
}
