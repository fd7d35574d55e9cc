package scenarios

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"etcdsim/scenarios/workload"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// Statements about users and rights. Each is the work of an administrator, a client
// of its own (see workload.Session.Arrange).

// maxUsers bounds the users that a scenario creates.
const maxUsers = 100

// AuthArgs switch authentication on or off.
type AuthArgs struct {
	On bool
	// Users is the number of users besides root, each with a role of its own.
	Users  uint64
	Within time.Duration
}

// String prints the arguments as they are written.
func (a AuthArgs) String() string {
	word := "off"
	if a.On {
		word = "on"
	}
	if a.Users > 0 {
		word += " users=" + strconv.FormatUint(a.Users, 10)
	}
	return word + " within=" + printDuration(a.Within)
}

func parseAuth(p *parser) AuthArgs {
	a := AuthArgs{On: p.accept("on")}
	if !a.On && !p.accept("off") {
		p.missing("on or off")
	}
	if o, found := p.option("users"); found {
		n, err := strconv.ParseUint(o.Value, 10, 64)
		switch {
		case !a.On:
			p.fail(o.Pos.Col, "users: expected only after on")
		case err != nil || n < 1 || n > maxUsers:
			p.fail(o.Pos.Col, "users: %q: expected 1 to %d", o.Value, maxUsers)
		}
		a.Users = n
	}
	a.Within = p.within()
	return a
}

// PermitArgs give a role a permission.
type PermitArgs struct {
	Role   string
	Perm   store.Permission
	Within time.Duration
}

// String prints the arguments as they are written.
func (a PermitArgs) String() string {
	return strings.Join(append([]string{a.Role, a.Perm.Type.String()}, keysAndTime(a.Perm, a.Within)...), " ")
}

func keysAndTime(p store.Permission, within time.Duration) []string {
	words := []string{p.Key}
	if p.RangeEnd != "" {
		words = append(words, p.RangeEnd)
	}
	return append(words, "within="+printDuration(within))
}

func parsePermit(p *parser) PermitArgs {
	a := PermitArgs{Role: p.name("a role such as r1")}
	switch {
	case p.accept("read"):
		a.Perm.Type = store.PermitRead
	case p.accept("write"):
		a.Perm.Type = store.PermitWrite
	case p.accept("readwrite"):
		a.Perm.Type = store.PermitReadWrite
	default:
		p.missing("read, write or readwrite")
	}
	p.permitted(&a.Perm)
	a.Within = p.within()
	return a
}

// permitted reads the keys of a permission.
func (p *parser) permitted(perm *store.Permission) {
	perm.Key = p.name("a key")
	if p.peek() != "" {
		at := p.at()
		if perm.RangeEnd = p.name("the end of the keys"); perm.RangeEnd <= perm.Key {
			p.fail(at, "%s does not follow %s: expected the first key that is not meant", perm.RangeEnd, perm.Key)
		}
	}
}

// ForbidArgs take a permission away from a role.
type ForbidArgs struct {
	Role   string
	Perm   store.Permission
	Within time.Duration
}

// String prints the arguments as they are written.
func (a ForbidArgs) String() string {
	return strings.Join(append([]string{a.Role}, keysAndTime(a.Perm, a.Within)...), " ")
}

func parseForbid(p *parser) ForbidArgs {
	a := ForbidArgs{Role: p.name("a role such as r1")}
	p.permitted(&a.Perm)
	a.Within = p.within()
	return a
}

func execAuth(r *run, st *Statement, a AuthArgs) *halt {
	if !a.On {
		return r.arrange(st, a.Within, &store.AuthDisableRequest{})
	}
	all := userRequests(store.Root, store.Root)
	for i := range int(a.Users) {
		role := workload.RoleName(i + 1)
		all = append(all, &store.RoleAddRequest{Name: role})
		all = append(all, userRequests(workload.UserName(i+1), role)...)
	}
	r.clients.Guard()
	return r.arrange(st, a.Within, append(all, &store.AuthEnableRequest{})...)
}

// userRequests create a user with a role.
func userRequests(name, role string) []store.Request {
	return []store.Request{
		&store.UserAddRequest{Name: name, Password: workload.PasswordOf(name)},
		&store.UserGrantRoleRequest{User: name, Role: role},
	}
}

func execPermit(r *run, st *Statement, a PermitArgs) *halt {
	return r.arrange(st, a.Within, &store.RoleGrantPermissionRequest{Name: a.Role, Perm: &a.Perm})
}

func execForbid(r *run, st *Statement, a ForbidArgs) *halt {
	return r.arrange(st, a.Within, &store.RoleRevokePermissionRequest{Role: a.Role, Key: a.Perm.Key, RangeEnd: a.Perm.RangeEnd})
}

// arrange has an administrator make requests, and waits until all are done.
func (r *run) arrange(st *Statement, within time.Duration, all ...store.Request) *halt {
	ended := false
	administrator := r.clients.Spawn("administrator", operatorTimeout, nil, func(s *workload.Session) {
		s.Arrange(all...)
		ended = true
	})
	began := r.now()
	over := watch{wakes: trace.AllKinds, holds: func() bool { return ended }}
	held, h := r.await(over, within)
	switch {
	case h != nil:
		return h
	case !held:
		administrator.Leave()
		return stuck(fmt.Sprintf("%s to be done", st), began, within, "it is not")
	}
	r.note("done: "+st.String(), false)
	return nil
}
