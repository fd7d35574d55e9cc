package compare

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"etcdsim/store"
)

// step is one request of a sequence, and who asks.
type step struct {
	// As is the user whose newest token goes with the request. Without one, "", no
	// token is sent; that of a user who never got one is nonsense.
	As string
	// Stream is the watch stream that a request about watching belongs to. Streams
	// open with their first watcher, which also decides whose they are.
	Stream int
	// Request is nil in a step that reads all streams to their ends.
	Request store.Request
}

// restart is a request to the operator: to end the server's process and to begin a new
// one with the data of the old.
type restart struct{ store.Request }

// Numbers that the servers choose are written in a sequence as a distance from one
// of these.
const (
	// newest is the revision of the store.
	newest int64 = 1 << 40
	// compacted is that of the last compaction.
	compacted int64 = 1 << 41
	// chosen is the ID of the first lease that the server chose; chosen+1 that of the
	// second.
	chosen int64 = 1 << 42

	reach = 1 << 20
)

// relative reports whether a number is written relative to a base.
func relative(n, base int64) (distance int64, ok bool) {
	distance = n - base
	return distance, n > 0 && -reach < distance && distance < reach
}

// names is what one server calls things.
type names struct {
	newest, compacted int64
	leases            []int64
	// members are by number; 1 is the only one at the beginning.
	members []uint64
	tokens  map[string]string
}

func newNames(member uint64) names {
	return names{newest: 1, members: []uint64{member}, tokens: map[string]string{}}
}

// forgetTokens: a new process knows none.
func (n *names) forgetTokens() {
	for user := range n.tokens { // unordered: all alike
		n.tokens[user] = nonsense
	}
}

// nonsense is a token that no server gave out.
const nonsense = "nonsense.1"

func (n *names) token(user string) string {
	if text, ok := n.tokens[user]; ok || user == "" {
		return text
	}
	return nonsense
}

// resolve puts the server's numbers into a request.
func (n *names) resolve(req store.Request) store.Request {
	return rewrite(reflect.ValueOf(req), n.signed, n.unsigned).Interface().(store.Request)
}

func (n *names) signed(x int64) int64 {
	if d, ok := relative(x, newest); ok {
		return n.newest + d
	}
	if d, ok := relative(x, compacted); ok {
		return n.compacted + d
	}
	if d, ok := relative(x, chosen); ok && d >= 0 && int(d) < len(n.leases) {
		return n.leases[d]
	}
	return x
}

func (n *names) unsigned(x uint64) uint64 {
	if x >= 1 && x <= uint64(len(n.members)) {
		return n.members[x-1]
	}
	return x
}

// learn takes note of what an answer says about the server, and returns the answer
// with the numbers of the sequence in place of the server's.
func (n *names) learn(req store.Request, resp store.Response) store.Response {
	if resp.Err != nil {
		return store.Response{Err: &store.Error{Code: resp.Err.Code, Text: resp.Err.Text}}
	}
	n.newest = max(n.newest, resp.Revision)
	switch res := resp.Result.(type) {
	case *store.CompactionResult:
		n.compacted = req.(*store.CompactionRequest).Revision
	case *store.LeaseGrantResult:
		if req.(*store.LeaseGrantRequest).ID == 0 {
			n.leases = append(n.leases, res.ID)
		}
	case *store.MemberAddResult:
		n.members = append(n.members, res.Member.ID)
	case *store.AuthenticateResult:
		user := req.(*store.AuthenticateRequest).Name
		n.tokens[user] = res.Token
		resp.Result = &store.AuthenticateResult{Token: "of " + user}
		return resp
	case *store.HashKVResult:
		if len(n.leases) > 0 { // the servers chose other IDs, which are in what is hashed
			resp.Result = &store.HashKVResult{CompactRevision: res.CompactRevision, HashRevision: res.HashRevision}
			return resp
		}
	case nil:
		return resp
	}
	resp.Result = n.rename(resp.Result).(store.Result)
	return settle(resp)
}

// rename puts the numbers of the sequence in place of the server's.
func (n *names) rename(v any) any {
	signed := func(x int64) int64 {
		if i := slices.Index(n.leases, x); i >= 0 {
			return chosen + int64(i)
		}
		return x
	}
	unsigned := func(x uint64) uint64 {
		if i := slices.Index(n.members, x); i >= 0 {
			return uint64(i + 1)
		}
		return x
	}
	renamed := rewrite(reflect.ValueOf(v), signed, unsigned).Interface()
	if status, ok := renamed.(*store.StatusResult); ok { // alarms are told in words
		for i, text := range status.Errors {
			for j, id := range n.members {
				text = strings.ReplaceAll(text, fmt.Sprintf("memberID:%d ", id), fmt.Sprintf("memberID:%d ", j+1))
			}
			status.Errors[i] = text
		}
	}
	return renamed
}

// settle leaves out of an answer what may differ between two runs of one server.
func settle(resp store.Response) store.Response {
	byID := func(a, b store.Member) int { return int(a.ID) - int(b.ID) }
	switch res := resp.Result.(type) {
	case *store.LeaseTimeToLiveResult:
		if passed := res.GrantedTTL - res.TTL; passed >= 0 && passed < 60 {
			res.TTL = res.GrantedTTL
		}
	case *store.LeaseLeasesResult:
		slices.Sort(res.Leases) // etcd's order is that of expiry, of real time
	case *store.StatusResult:
		// Sizes and indexes are the backend's and the log's own business, and etcd
		// finds out some time after its start which version its storage has.
		res.StorageVersion, res.DBSize, res.DBSizeInUse, res.RaftIndex, res.RaftTerm, res.RaftAppliedIndex = "", 0, 0, 0, 0, 0
		slices.Sort(res.Errors)
	case *store.AlarmResult:
		slices.SortFunc(res.Alarms, func(a, b store.Alarm) int { // etcd's order is that of a map
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.MemberID, b.MemberID))
		})
	case *store.MembersResult:
		slices.SortFunc(res.Members, byID) // etcd's IDs are hashes
	case *store.MemberAddResult:
		slices.SortFunc(res.Members, byID)
	}
	return resp
}

// rewrite copies a value and all it refers to, with other numbers in it.
func rewrite(v reflect.Value, signed func(int64) int64, unsigned func(uint64) uint64) reflect.Value {
	fresh := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			fresh.Set(reflect.New(v.Type().Elem()))
			fresh.Elem().Set(rewrite(v.Elem(), signed, unsigned))
		}
	case reflect.Interface:
		if !v.IsNil() {
			fresh.Set(rewrite(v.Elem(), signed, unsigned))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fresh.Field(i).Set(rewrite(v.Field(i), signed, unsigned))
		}
	case reflect.Slice:
		if !v.IsNil() {
			fresh.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				fresh.Index(i).Set(rewrite(v.Index(i), signed, unsigned))
			}
		}
	case reflect.Int64:
		fresh.SetInt(signed(v.Int()))
	case reflect.Uint64:
		fresh.SetUint(unsigned(v.Uint()))
	default:
		fresh.Set(v)
	}
	return fresh
}

// print shows a value in one line, without the fields that are zero. Long strings
// are cut after so many bytes; 0 cuts none.
func print(v any, cut int) string {
	var b strings.Builder
	show(&b, reflect.ValueOf(v), cut)
	return b.String()
}

func show(b *strings.Builder, v reflect.Value, cut int) {
	switch v.Kind() {
	case reflect.Invalid:
		b.WriteString("nothing")
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nothing")
			return
		}
		show(b, v.Elem(), cut)
	case reflect.Struct:
		b.WriteString(v.Type().Name())
		b.WriteByte('{')
		separate := ""
		for i := range v.NumField() {
			if v.Field(i).IsZero() || v.Field(i).Kind() == reflect.Slice && v.Field(i).Len() == 0 {
				continue
			}
			b.WriteString(separate)
			b.WriteString(v.Type().Field(i).Name)
			b.WriteString(": ")
			show(b, v.Field(i), cut)
			separate = ", "
		}
		b.WriteByte('}')
	case reflect.Slice:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			show(b, v.Index(i), cut)
		}
		b.WriteByte(']')
	case reflect.String:
		text := v.String()
		if cut > 0 && len(text) > cut {
			fmt.Fprintf(b, "%q... of %d bytes", text[:cut], len(text))
			return
		}
		b.WriteString(strconv.Quote(text))
	case reflect.Int64:
		b.WriteString(number(v.Int()))
	case reflect.Bool:
		b.WriteString(strconv.FormatBool(v.Bool()))
	default: // enumerations are numbers here: they may be undefined
		if v.CanInt() {
			b.WriteString(strconv.FormatInt(v.Int(), 10))
		} else {
			b.WriteString(strconv.FormatUint(v.Uint(), 10))
		}
	}
}

// number shows a number, and a relative one as such.
func number(x int64) string {
	for base, name := range bases {
		if d, ok := relative(x, base); ok {
			if d == 0 {
				return name
			}
			return fmt.Sprintf("%s%+d", name, d)
		}
	}
	return strconv.FormatInt(x, 10)
}

var bases = map[int64]string{newest: "newest", compacted: "compacted", chosen: "chosen"}

// String shows the step as a person wants to read it.
func (s step) String() string {
	var b strings.Builder
	if s.Request == nil {
		return "read all streams"
	}
	if _, ok := s.Request.(*restart); ok {
		return "restart"
	}
	b.WriteString(print(s.Request, 40))
	if s.Stream != 0 {
		fmt.Fprintf(&b, " on stream %d", s.Stream)
	}
	if s.As != "" {
		fmt.Fprintf(&b, " as %q", s.As)
	}
	return b.String()
}

// answer is what a server made of a step.
type answer struct {
	store.Response
	// Seen is what the streams told since the last reading.
	Seen []seen
	// Unserved says that the server under test has no such request.
	Unserved bool
}

// seen is what a watcher was told, with batching removed.
type seen struct {
	Stream int64
	// ID is the watcher's, or store.NoWatcher for what concerns all of a stream.
	ID     int64
	Events []store.Event
	// Compacted is what a compaction cancelled the watcher with.
	Compacted *store.WatchResponse
	// Progress is the revision up to which the whole stream has been served, or 0 if
	// the server would not say.
	Progress int64
}

func (a *answer) text(cut int) string {
	switch {
	case a.Unserved:
		return "not served"
	case a.Err != nil:
		return fmt.Sprintf("%v %q", a.Err.Code, a.Err.Text)
	case a.Seen != nil:
		return print(a.Seen, cut)
	}
	return fmt.Sprintf("revision %d, %s", a.Revision, print(a.Result, cut))
}

// sightings gathers what the watchers of one stream are told.
type sightings struct {
	byID map[int64]*seen
}

// take notes a response that is not the answer to a request on the stream.
func (s *sightings) take(stream int, resp *store.WatchResponse) {
	w := s.of(stream, resp.WatchID)
	w.Events = append(w.Events, resp.Events...)
	if resp.CompactRevision != 0 {
		w.Compacted = resp
	}
}

func (s *sightings) of(stream int, id int64) *seen {
	if s.byID == nil {
		s.byID = map[int64]*seen{}
	}
	if s.byID[id] == nil {
		s.byID[id] = &seen{Stream: int64(stream), ID: id}
	}
	return s.byID[id]
}

// report returns what was seen and forgets it.
func (s *sightings) report() []seen {
	list := []seen{}
	for _, id := range slices.Sorted(maps.Keys(s.byID)) {
		list = append(list, *s.byID[id])
	}
	s.byID = nil
	return list
}
