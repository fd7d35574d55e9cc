package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"etcdsim/store"
)

// generator draws sequences of steps. Each sequence has a subject of its own: some
// kinds of requests are frequent in it and others do not come at all, and its keys
// are few or many or strange. So rare things meet more often than if all sequences
// were alike.
type generator struct {
	rnd *rand.Rand
	// keys and values are drawn from these.
	keys, values []string
	weights      []int
	auth         bool
	// choosing lets the server choose IDs of leases. Then checksums differ.
	choosing bool
	// rewriting lets transactions delete what they put. After that etcd must not compact.
	rewriting bool
	streams   int // opened for watchers that begin in the future, or might be compacted
}

// kind is a kind of steps, drawn together.
type kind struct {
	name   string
	weight int // among all kinds; 0 for those of some sequences only
	draw   func(*generator) []step
}

func one(req store.Request) []step { return []step{{Request: req}} }

// kinds is filled at the start, since some of them draw others.
var kinds []kind

func init() {
	kinds = []kind{
		{"put", 30, func(g *generator) []step { return one(g.put()) }},
		{"range", 25, func(g *generator) []step { return one(g.rangeRequest()) }},
		{"stream", 4, func(g *generator) []step { return one(&store.RangeStreamRequest{Range: *g.rangeRequest()}) }},
		{"delete", 12, func(g *generator) []step { return one(g.deleteRange()) }},
		{"txn", 25, func(g *generator) []step { return one(g.txn(g.rnd.IntN(3))) }},
		{"compact", 3, func(g *generator) []step { return one(g.compaction()) }},
		{"hash", 4, func(g *generator) []step { return one(&store.HashKVRequest{Revision: g.revision()}) }},
		{"grant", 6, func(g *generator) []step { return g.grant() }},
		{"revoke", 4, func(g *generator) []step { return one(&store.LeaseRevokeRequest{ID: g.lease()}) }},
		{"renew", 2, func(g *generator) []step { return one(&store.LeaseKeepAliveRequest{ID: g.lease()}) }},
		{"left", 4, func(g *generator) []step {
			return one(&store.LeaseTimeToLiveRequest{ID: g.lease(), Keys: g.one(2)})
		}},
		{"leases", 2, func(*generator) []step { return one(&store.LeaseLeasesRequest{}) }},
		{"watch", 2, func(g *generator) []step { return []step{g.watch()} }},
		{"unwatch", 1, func(g *generator) []step { return []step{g.unwatch()} }},
		{"read", 1, func(*generator) []step { return []step{{}} }},
		{"alarm", 1, func(g *generator) []step { return g.alarm() }},
		{"status", 1, func(*generator) []step { return one(&store.StatusRequest{}) }},
		{"defragment", 1, func(g *generator) []step {
			if !g.one(4) {
				return one(&store.StatusRequest{})
			}
			return one(&store.DefragmentRequest{})
		}},
		{"member", 2, func(g *generator) []step { return one(g.memberRequest()) }},
		{"restart", 0, func(*generator) []step { return one(&restart{}) }},
		{"service", 0, func(g *generator) []step { return one(g.service()) }},
		{"auth", 0, func(g *generator) []step { return one(g.authRequest()) }},
	}
}

// newGenerator chooses the subject of a sequence.
func newGenerator(seed uint64) *generator {
	g := &generator{rnd: rand.New(rand.NewPCG(seed, 0x65746364))}
	g.keys = g.chooseKeys()
	g.values = []string{"", "v", "w", "x", "\x00", "\xff\x00", "longer value"}
	g.auth, g.choosing, g.rewriting = g.one(5), g.one(2), g.one(5)
	for _, k := range kinds {
		w := k.weight * 4
		if w > 0 {
			switch g.rnd.IntN(4) {
			case 0:
				w = 0
			case 1:
				w *= 4
			}
		}
		switch {
		case k.name == "auth" && g.auth:
			w = 150
		case k.name == "restart" && g.one(3):
			w = 10
		case k.name == "service" && g.one(5):
			w = 60
		}
		g.weights = append(g.weights, w)
	}
	if g.one(40) { // parts of streams adapt to their size
		g.keys = numbered("big", 40)
		g.values = []string{strings.Repeat("x", 400_000), strings.Repeat("y", 150_000), "small"}
		g.weights = make([]int, len(kinds))
		for i, name := range []string{"put", "stream", "delete"} {
			g.weights[slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })] = 20 / (i + 1)
		}
	}
	return g
}

// sequence draws so many steps, or a few more.
func (g *generator) sequence(length int) []step {
	var steps []step
	if g.auth {
		steps = g.authBeginning()
	}
	total := 0
	for _, w := range g.weights {
		total += w
	}
	if total == 0 {
		return []step{{Request: &store.RangeRequest{Key: "nothing"}}}
	}
	for len(steps) < length {
		n := g.rnd.IntN(total)
		for i, w := range g.weights {
			if n -= w; n < 0 {
				burst := kinds[i].draw(g)
				if g.auth {
					for j := range burst {
						burst[j].As = g.user()
					}
				}
				steps = append(steps, burst...)
				break
			}
		}
	}
	return append(steps, step{}) // at last, all streams are read
}

// one is true once in n times.
func (g *generator) one(n int) bool { return g.rnd.IntN(n) == 0 }

func pick[T any](g *generator, list ...T) T { return list[g.rnd.IntN(len(list))] }

func numbered(prefix string, n int) []string {
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("%s%03d", prefix, i))
	}
	return keys
}

func (g *generator) chooseKeys() []string {
	switch g.rnd.IntN(6) {
	case 0:
		return []string{"a", "b"}
	case 1:
		return numbered("k", 150)
	case 2:
		return []string{"\x00", "\x00\x00", "a\x00", "a", "a\xff", "\xff", "\xff\xff", "\xfe"}
	}
	return []string{"a", "aa", "ab", "abc", "b", "ba", "c", "d"}
}

func (g *generator) key() string {
	if g.one(80) {
		return ""
	}
	return pick(g, g.keys...)
}

// end draws the end of a range that begins with key.
func (g *generator) end(key string) string {
	switch g.rnd.IntN(8) {
	case 0:
		return "\x00" // from key on
	case 1:
		return key + "\x00" // key alone
	case 2:
		if key != "" && key[len(key)-1] != 0xff { // all with this prefix
			return key[:len(key)-1] + string([]byte{key[len(key)-1] + 1})
		}
		return "\xff\xff\xff"
	case 3, 4:
		other := pick(g, g.keys...)
		if other < key && !g.one(4) {
			return key + "zz"
		}
		return other // it may be the key itself, or one before it
	}
	return ""
}

// revision draws a revision to look at.
func (g *generator) revision() int64 {
	switch g.rnd.IntN(12) {
	case 0, 1:
		return newest - g.rnd.Int64N(6)
	case 2:
		return newest - g.rnd.Int64N(40)
	case 3:
		return compacted + g.rnd.Int64N(3) - 1
	case 4:
		return newest + g.rnd.Int64N(3)
	case 5:
		return pick[int64](g, -1, 1, 2, math.MaxInt64, math.MinInt64, -5)
	}
	return 0
}

func (g *generator) rangeRequest() *store.RangeRequest {
	key := g.key()
	r := &store.RangeRequest{
		Key: key, RangeEnd: g.end(key), Revision: g.revision(),
		Serializable: g.one(4), KeysOnly: g.one(6), CountOnly: g.one(8),
	}
	if g.one(3) {
		r.Limit = pick[int64](g, 1, 2, 3, 10, 11, -1, math.MaxInt64, math.MinInt64)
	}
	if g.one(3) {
		r.SortOrder = pick(g, store.SortNone, store.SortAscend, store.SortDescend)
		r.SortTarget = store.SortTarget(g.rnd.IntN(5))
		if g.one(25) {
			r.SortOrder = pick[store.SortOrder](g, 3, -1)
		}
		if g.one(25) {
			r.SortTarget = pick[store.SortTarget](g, 5, -1)
		}
	}
	for _, filter := range []*int64{&r.MinModRevision, &r.MaxModRevision, &r.MinCreateRevision, &r.MaxCreateRevision} {
		if g.one(10) {
			*filter = g.revision()
		}
	}
	return r
}

func (g *generator) put() *store.PutRequest {
	r := &store.PutRequest{Key: g.key(), Value: pick(g, g.values...), PrevKV: g.one(4)}
	if g.one(3) {
		r.Lease = g.lease()
	}
	if g.one(12) {
		r.IgnoreValue = true
		if !g.one(6) {
			r.Value = ""
		}
	}
	if g.one(12) {
		r.IgnoreLease = true
		if !g.one(6) {
			r.Lease = 0
		}
	}
	if g.one(600) {
		r.Value = strings.Repeat("too large ", 160_000)
	}
	return r
}

func (g *generator) deleteRange() *store.DeleteRangeRequest {
	key := g.key()
	return &store.DeleteRangeRequest{Key: key, RangeEnd: g.end(key), PrevKV: g.one(3)}
}

func (g *generator) txn(depth int) *store.TxnRequest {
	r := new(store.TxnRequest)
	for range g.rnd.IntN(3) {
		r.Compare = append(r.Compare, g.compare())
	}
	r.Success, r.Failure = g.ops(depth), g.ops(depth)
	if g.one(60) { // at and over the limit
		op := pick[store.Op](g, &store.RangeRequest{Key: "a"}, &store.PutRequest{Key: "a"}, r)
		many := make([]store.Op, maxTxnOps+g.rnd.IntN(3)-1)
		for i := range many {
			many[i] = &store.RangeRequest{Key: "a"}
		}
		many[0] = op
		return &store.TxnRequest{Success: many}
	}
	return r
}

func (g *generator) ops(depth int) []store.Op {
	var ops []store.Op
	for range g.rnd.IntN(4) {
		ops = append(ops, g.op(depth))
	}
	return ops
}

func (g *generator) op(depth int) store.Op {
	switch n := g.rnd.IntN(20); {
	case n < 7:
		r := g.rangeRequest()
		if g.one(2) {
			r.Revision = 0 // most others are refused
		}
		return r
	case n < 13:
		return g.put()
	case n < 17:
		r := g.deleteRange()
		if r.RangeEnd == "\x00" && !g.rewriting {
			r.RangeEnd = "\xff\xff\xff"
		}
		return r
	case depth > 0:
		return g.txn(depth - 1)
	case g.one(8):
		return nil
	}
	return &store.RangeRequest{Key: pick(g, g.keys...), RangeEnd: "\x00"}
}

func (g *generator) compare() store.Compare {
	key := g.key()
	c := store.Compare{Key: key, Result: store.CompareResult(g.rnd.IntN(4)), Target: store.CompareTarget(g.rnd.IntN(5))}
	if g.one(4) {
		c.RangeEnd = g.end(key)
	}
	if g.one(40) {
		c.Result = pick[store.CompareResult](g, 4, -1)
	}
	switch c.Target {
	case store.CompareVersion:
		c.Num = pick[int64](g, 0, 0, 1, 2, 3, -1)
	case store.CompareValue:
		c.Value = pick(g, g.values...)
	case store.CompareLease:
		c.Num = pick(g, 0, g.lease())
	default:
		c.Num = g.revision()
	}
	if g.one(40) {
		c.Target, c.Num, c.Value = pick[store.CompareTarget](g, 5, -1), 0, ""
	}
	return c
}

func (g *generator) compaction() *store.CompactionRequest {
	r := &store.CompactionRequest{Revision: newest - g.rnd.Int64N(25), Physical: g.one(2)}
	if g.one(4) {
		r.Revision = pick(g, 0, -1, compacted, compacted-1, compacted+1, newest+1, newest, 1, 2, math.MaxInt64, math.MinInt64)
	}
	return r
}

// lease draws the ID of a lease, which may exist.
func (g *generator) lease() int64 {
	if g.one(20) {
		return pick[int64](g, 0, -1, 77, math.MaxInt64, math.MinInt64)
	}
	if g.choosing && g.one(3) {
		return chosen + g.rnd.Int64N(4)
	}
	return 1 + g.rnd.Int64N(4)
}

func (g *generator) grant() []step {
	r := &store.LeaseGrantRequest{ID: 1 + g.rnd.Int64N(4), TTL: 100 + g.rnd.Int64N(10_000)}
	switch g.rnd.IntN(12) {
	case 0:
		r.ID = pick[int64](g, -1, math.MaxInt64, math.MinInt64)
	case 1, 2, 3:
		if g.choosing {
			r.ID = 0
		}
	case 4:
		r.TTL = pick[int64](g, 9_000_000_000, 9_000_000_001, math.MaxInt64)
	case 5:
		if g.auth {
			break
		}
		// A short one would expire by itself, so it is revoked at once, which nobody
		// must forbid.
		r.ID = 50 + g.rnd.Int64N(3)
		r.TTL = pick[int64](g, 0, -1, 1, 2, math.MinInt64)
		steps := one(r)
		if g.one(2) {
			steps = append(steps, step{Request: &store.PutRequest{Key: g.key(), Lease: r.ID}}, step{Request: &store.LeaseKeepAliveRequest{ID: r.ID}})
		}
		return append(steps, step{Request: &store.LeaseTimeToLiveRequest{ID: r.ID}}, step{Request: &store.LeaseRevokeRequest{ID: r.ID}})
	}
	return one(r)
}

// watch draws a watcher. One that begins in the future, or whose beginning may be
// compacted, keeps its stream from telling its progress, and gets one of its own.
func (g *generator) watch() step {
	key := g.key()
	r := &store.WatchRequest{
		Key: key, RangeEnd: g.end(key),
		ProgressNotify: g.one(8), NoPut: g.one(8), NoDelete: g.one(8), PrevKV: g.one(3), Fragment: g.one(8),
	}
	if g.one(3) {
		r.WatchID = pick[int64](g, 1, 2, 5, -1, -2, math.MaxInt64)
	}
	s := step{Request: r, Stream: 1 + g.rnd.IntN(3)}
	switch g.rnd.IntN(10) {
	case 0, 1:
		r.StartRevision = newest - g.rnd.Int64N(30)
	case 2:
		r.StartRevision = pick(g, compacted-1, compacted, compacted+1, newest, 1)
	case 3:
		r.StartRevision = newest + 1 + g.rnd.Int64N(4)
	case 4:
		r.StartRevision = pick[int64](g, -1, math.MinInt64)
	}
	if r.StartRevision > 0 {
		g.streams++
		s.Stream = 10 + g.streams%4
	}
	return s
}

func (g *generator) unwatch() step {
	number := pick(g, 1, 2, 3, 10, 11, 12, 13)
	if number >= 10 || g.one(4) {
		return step{Stream: number, Request: &store.StreamCloseRequest{}}
	}
	return step{Stream: number, Request: &store.WatchCancelRequest{WatchID: pick[int64](g, 0, 1, 2, 3, 5, -1)}}
}

// alarm draws an alarm, what may be done under it, and mostly its end.
func (g *generator) alarm() []step {
	alarm := store.Alarm{MemberID: pick[uint64](g, 0, 1, 1, 99), Type: pick(g, store.AlarmNoSpace, store.AlarmCorrupt, store.AlarmNone, 7)}
	request := func(action store.AlarmAction) step {
		return step{Request: &store.AlarmRequest{Action: action, Alarm: alarm}}
	}
	steps := []step{request(store.AlarmActivate), request(store.AlarmGet)}
	for range g.rnd.IntN(6) {
		k := pick(g, kinds[:12]...)
		steps = append(steps, k.draw(g)...)
	}
	if g.one(2) {
		steps = append(steps, step{Request: &store.AlarmRequest{}}, step{Request: &store.StatusRequest{}})
	}
	return append(steps, request(store.AlarmDeactivate), step{Request: &store.AlarmRequest{Alarm: store.Alarm{Type: alarm.Type}}})
}

// memberRequest draws a request about members. A second voter would never start,
// and etcd stand still: voters are only added where that must be refused.
func (g *generator) memberRequest() store.Request {
	id := pick[uint64](g, 0, 1, 2, 2, 3, 99)
	urls := [][]string{nil, {}, {"http://10.0.0.1:2380"}, {"http://10.0.0.2:2380", "https://10.0.0.3:2380"}, {store.PeerURL(1)}}
	malformed := [][]string{
		nil,
		{""},
		{"10.0.0.1:2380"},
		{"http://10.0.0.1"},
		{"http://10.0.0.1:2380/path"},
		{"ftp://10.0.0.1:21"},
		{"http://[::1]:2380", "x"},
		{"http://10.0.0.1:port"},
		{"http://10.0.0.1:2380", ""},
		{" http://10.0.0.1:2380"},
	}
	switch g.rnd.IntN(10) {
	case 0, 1:
		return &store.MemberAddRequest{PeerURLs: pick(g, urls[2:]...), Learner: true}
	case 2:
		return &store.MemberAddRequest{PeerURLs: pick(g, malformed...), Learner: g.one(2)}
	case 3:
		return &store.MemberAddRequest{PeerURLs: []string{store.PeerURL(1)}}
	case 4:
		return &store.MemberRemoveRequest{ID: id}
	case 5:
		return &store.MemberUpdateRequest{ID: id, PeerURLs: pick(g, urls[2:]...)}
	case 6:
		return &store.MemberPromoteRequest{ID: id}
	case 7:
		return &store.MoveLeaderRequest{Target: id}
	}
	return &store.MemberListRequest{Linearizable: g.one(2)}
}

// service draws a request about a lock or an election. Each lease has its own, so that
// none waits for another.
func (g *generator) service() store.Request {
	id := 1 + g.rnd.Int64N(5)
	name := fmt.Sprintf("l%d", id)
	leader := &store.LeaderKey{Name: name, Key: store.QueueKey(name, id), Rev: newest - g.rnd.Int64N(8), Lease: id}
	switch g.rnd.IntN(12) {
	case 0:
		leader.Rev = pick[int64](g, 0, -1, 1, math.MaxInt64)
	case 1:
		leader.Key = pick(g, "", "a", "l1/1")
	case 2:
		leader = nil
	}
	switch g.rnd.IntN(8) {
	case 0, 1:
		return &store.LockRequest{Name: name, Lease: id}
	case 2:
		return &store.UnlockRequest{Key: pick(g, store.QueueKey(name, id), store.QueueKey(name, id), "", "a")}
	case 3:
		return &store.ProclaimRequest{Leader: leader, Value: pick(g, g.values...)}
	case 4:
		return &store.ResignRequest{Leader: leader}
	case 5:
		return &store.LeaderRequest{Name: pick(g, name, "", "nobody's")}
	}
	return &store.CampaignRequest{Name: name, Value: pick(g, g.values...), Lease: id}
}

// user draws who asks: mostly somebody with rights.
func (g *generator) user() string {
	return pick(g, "root", "root", "root", "u1", "u1", "u2", "", "nobody")
}

func (g *generator) authBeginning() []step {
	steps := []step{
		{Request: &store.UserAddRequest{Name: "root", Password: "r"}},
		{Request: &store.UserAddRequest{Name: "u1", Password: "1"}},
		{Request: &store.RoleAddRequest{Name: "r1"}},
		{Request: &store.UserGrantRoleRequest{User: "u1", Role: "r1"}},
		{Request: &store.UserGrantRoleRequest{User: "root", Role: "root"}},
	}
	for range g.rnd.IntN(4) {
		steps = append(steps, step{Request: &store.RoleGrantPermissionRequest{Name: "r1", Perm: g.permission()}})
	}
	return append(steps,
		step{Request: &store.AuthEnableRequest{}},
		step{Request: &store.AuthenticateRequest{Name: "root", Password: "r"}},
		step{Request: &store.AuthenticateRequest{Name: "u1", Password: "1"}})
}

func (g *generator) permission() *store.Permission {
	key := g.key()
	p := &store.Permission{Type: pick(g, store.PermitRead, store.PermitWrite, store.PermitReadWrite), Key: key, RangeEnd: g.end(key)}
	if g.one(30) {
		p.Type = pick[store.PermissionType](g, 3, -1)
	}
	return p
}

func (g *generator) authRequest() store.Request {
	name := pick(g, "root", "u1", "u1", "u2", "u2", "", "x")
	password := map[string]string{"root": "r", "u1": "1", "u2": "2"}[name]
	if g.one(8) {
		password = pick(g, "", "1", "wrong")
	}
	role := pick(g, "r1", "r1", "r2", "r2", "root", "", "x")
	switch g.rnd.IntN(26) {
	case 0:
		return &store.AuthEnableRequest{}
	case 1:
		if g.one(3) {
			return &store.AuthDisableRequest{}
		}
		return &store.AuthStatusRequest{}
	case 2, 3, 4, 5, 6, 7, 8:
		return &store.AuthenticateRequest{Name: name, Password: password}
	case 9, 10:
		return &store.UserAddRequest{Name: name, Password: password, NoPassword: g.one(8)}
	case 11:
		return &store.UserDeleteRequest{Name: name}
	case 12:
		return &store.UserChangePasswordRequest{Name: name, Password: password}
	case 13, 14:
		return &store.UserGrantRoleRequest{User: name, Role: role}
	case 15:
		return &store.UserRevokeRoleRequest{Name: name, Role: role}
	case 16:
		return &store.UserGetRequest{Name: name}
	case 17:
		return &store.UserListRequest{}
	case 18:
		return &store.RoleAddRequest{Name: role}
	case 19:
		return &store.RoleDeleteRequest{Role: role}
	case 20:
		return &store.RoleGetRequest{Role: role}
	case 21:
		return &store.RoleListRequest{}
	case 22, 23, 24:
		if g.one(30) {
			return &store.RoleGrantPermissionRequest{Name: role}
		}
		return &store.RoleGrantPermissionRequest{Name: role, Perm: g.permission()}
	}
	p := g.permission()
	return &store.RoleRevokePermissionRequest{Role: role, Key: p.Key, RangeEnd: p.RangeEnd}
}
