package compare

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
	"golang.org/x/crypto/bcrypt"

	"etcdsim/node"
	"etcdsim/scenarios"
	"etcdsim/sim/cluster"
	"etcdsim/store"
	"etcdsim/store/saved"
)

var swaps = flag.Int("swaps", 6, "how many times the servers take over each other's data")

// TestSavedAndRestored lets a real etcd and a simulated member live through the same
// requests, saves both, and lets a new etcd begin with the member's file and a new
// member with etcd's. Then all that can be asked about the data must have the same
// answers as before, and what comes after, too.
func TestSavedAndRestored(t *testing.T) {
	etcds := newSpares(t.Context())
	defer etcds.close()
	done := 0
	for s := *seed; done < *swaps; s++ {
		err := swap(t, etcds, s)
		switch {
		case errors.Is(err, errExpired), errors.Is(err, errLocked):
			continue // another seed will do
		case err != nil:
			t.Fatalf("go test -C store/compare -run TestSavedAndRestored -seed %d -swaps 1\n%v", s, err)
		}
		done++
	}
}

// errLocked: the requests have locked everybody out.
var errLocked = errors.New("nobody can authenticate as root")

// swap is one life, one change of places and another life.
func swap(t *testing.T, etcds *spares, seed uint64) error {
	g := newGenerator(seed)
	e, err := etcds.take()
	if err != nil {
		return err
	}
	r := newReal(e)
	defer r.close()
	m, err := newMember()
	if err != nil {
		return err
	}
	if _, err := live(r, m, withoutMembers(g.sequence(120))); err != nil {
		return err
	}
	for _, sv := range []server{r, m} {
		a, err := sv.serve(step{Request: rootLogin})
		if err != nil {
			return err
		}
		if a.Err != nil && a.Err.Text != store.ErrAuthNotEnabled.Text {
			return errLocked
		}
	}
	theirs, ours, err := save(r, m)
	if err != nil {
		return err
	}
	if err := genuine(t, ours, m); err != nil {
		return err
	}
	r2, err := restoreReal(ours, &m.names, 0)
	if err != nil {
		return err
	}
	defer r2.close()
	snap, err := saved.Read(theirs)
	if err != nil {
		return fmt.Errorf("etcd's file: %w", err)
	}
	for at := 0; at < len(theirs); at += 1 + len(theirs)/300 { // whatever is there, no panic
		damaged := bytes.Clone(theirs)
		damaged[at] ^= byte(1 + at%255)
		if _, err := saved.Read(damaged); err != nil && !errors.Is(err, saved.ErrCorrupt) {
			return fmt.Errorf("etcd's file with byte %d changed: %w", at, err)
		}
	}
	if !snap.Auth.Enabled { // or its clients would know no password
		if err := judgedFrom(snap, seed); err != nil {
			return fmt.Errorf("a universe that begins with etcd's file: %w", err)
		}
	}
	m2, err := newMember(func(c *cluster.Config) { c.From = snap })
	if err != nil {
		return err
	}
	m2.names = inherit(&r.names, 1)

	for _, sv := range []server{r2, m2} {
		if _, err := sv.serve(step{Request: rootLogin}); err != nil {
			return err
		}
	}
	if err := alike("what our member had, in etcd", m, r2); err != nil {
		return err
	}
	if err := alike("what etcd had, in our member", r, m2); err != nil {
		return err
	}
	after := g.sequence(80)
	if g.auth { // of the life before, everything is there
		after = after[len(g.authBeginning()):]
	}
	_, err = live(r2, m2, after)
	return err
}

// judgedFrom lets clients use and break what a real etcd saved, and has it judged.
func judgedFrom(snap *saved.Snapshot, seed uint64) error {
	f, err := scenarios.Parse("swapped.scn", `cluster nodes=3 from=etcd.db
wait    leader within=20s
load    w clients=3 keys=3 mix=put:4,get:4,past:2,delete:1
load    l life=lease clients=2 prefix=lease
watch   eyes clients=2 watchers=3 past=100%
wait    acked w >=40 within=20s
kill    leader
wait    leader within=20s
wait    acked w >=80 within=20s
`)
	if err != nil {
		return err
	}
	res, err := scenarios.Run(f, seed, scenarios.Options{Open: func(_, _ string) (*saved.Snapshot, error) { return snap, nil }})
	if err == nil && res.Outcome != scenarios.Pass {
		err = fmt.Errorf("seed %d: %v: %+v, %+v", seed, res.Outcome, res.Failure, res.Report.Violations())
	}
	return err
}

var rootLogin = &store.AuthenticateRequest{Name: "root", Password: "r"}

// withoutMembers leaves out the steps that are about members.
func withoutMembers(steps []step) []step { return slices.DeleteFunc(steps, concernsMembers) }

// concernsMembers reports whether a step is about members: those of the new clusters
// are others.
func concernsMembers(s step) bool {
	switch q := s.Request.(type) {
	case *store.MemberAddRequest, *store.MemberRemoveRequest, *store.MemberUpdateRequest, *store.MemberPromoteRequest,
		*store.MoveLeaderRequest, *restart:
		return true
	case *store.AlarmRequest:
		return q.Action == store.AlarmActivate
	}
	return false
}

// live lets both servers serve the same steps, and compares.
func live(r *real, m *member, steps []step) (answered int, err error) {
	for i, s := range steps {
		want, err := r.serve(s)
		if errors.Is(err, errDeadly) {
			continue
		}
		if err != nil {
			return i, fmt.Errorf("step %d: %w", i, err)
		}
		s.Request = hashed(s.Request)
		got, err := m.serve(s)
		if err != nil {
			return i, fmt.Errorf("step %d: member: %w", i, err)
		}
		if got.text(0) != want.text(0) {
			return i, fmt.Errorf("step %d: %v\n  etcd  %s\n  ours  %s", i, s, want.text(600), got.text(600))
		}
	}
	return len(steps), nil
}

// hashed gives a request its hash of bcrypt, as the gRPC server of a simulated member
// does.
func hashed(req store.Request) store.Request {
	hash := func(password string) string {
		text, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			panic(err)
		}
		return string(text)
	}
	switch q := req.(type) {
	case *store.UserAddRequest:
		if !q.NoPassword {
			return &store.UserAddRequest{Name: q.Name, HashedPassword: hash(q.Password)}
		}
	case *store.UserChangePasswordRequest:
		if q.Password != "" {
			return &store.UserChangePasswordRequest{Name: q.Name, HashedPassword: hash(q.Password)}
		}
	}
	return req
}

// save returns the files of both, or of etcd alone.
func save(r *real, m *member) (theirs, ours []byte, err error) {
	s := r.etcd.etcd.Server.Backend().Snapshot()
	defer s.Close()
	var buf bytes.Buffer
	if _, err := s.WriteTo(&buf); err != nil {
		return nil, nil, err
	}
	if m != nil {
		ours, err = m.save()
	}
	return buf.Bytes(), ours, err
}

// save takes a snapshot of the member as a client does.
func (m *member) save() (file []byte, err error) {
	op := m.NextOp()
	var parts []node.Answer
	m.parts[op] = &parts
	m.StreamAs(self, 1, op, store.Credential{Token: m.token("root")}, &store.SnapshotRequest{})
	whole := func() bool {
		n := len(parts)
		return n > 0 && parts[n-1].Err != nil ||
			n > 1 && parts[n-2].Result.(*store.SnapshotResult).RemainingBytes == 0
	}
	if err := m.until("a snapshot is sent", whole); err != nil {
		return nil, err
	}
	for _, a := range parts {
		if a.Err != nil {
			return nil, a.Err
		}
		file = append(file, a.Result.(*store.SnapshotResult).Blob...)
	}
	m.HangUp(op)
	return file, nil
}

// genuine lets etcdutl look at a member's file: whether bbolt finds it sound, and
// whether it tells the same of it as the member.
func genuine(t *testing.T, file []byte, m *member) error {
	path := filepath.Join(t.TempDir(), "saved")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return err
	}
	status, err := snapshot.NewV3(zap.NewNop()).Status(path)
	if err != nil {
		return fmt.Errorf("etcdutl snapshot status: %w", err)
	}
	keys, err := m.serve(step{As: "root", Request: &store.RangeRequest{Key: "\x00", RangeEnd: "\x00", CountOnly: true}})
	if err != nil {
		return err
	}
	count := keys.Result.(*store.RangeResult).Count
	revision := keys.Revision
	if count == 0 && status.Revision == 0 {
		revision = 0 // etcdutl says so of an empty store
	}
	if int64(status.TotalKey) != count || status.Revision != revision || status.Version != store.StorageVersion {
		return fmt.Errorf("etcdutl tells %+v of a member that has %d keys at revision %d", status, count, keys.Revision)
	}
	return nil
}

// inherit returns the names of a new server with the data of another.
func inherit(from *names, member uint64) names {
	n := newNames(member)
	n.newest, n.compacted, n.leases = from.newest, from.compacted, slices.Clone(from.leases)
	for user := range from.tokens { // unordered: all alike
		n.tokens[user] = nonsense
	}
	return n
}

// restoreReal starts a real etcd with what etcdutl restores from a file. The revision is
// raised by so much; anything but 0 makes all of the history before it compacted.
func restoreReal(file []byte, from *names, raise uint64) (*real, error) {
	dir, err := os.MkdirTemp("", "etcd")
	if err != nil {
		return nil, err
	}
	e := &etcd{dir: dir}
	path, peer := filepath.Join(dir, "saved"), "unix://"+filepath.Join(dir, "peer")
	if err = os.WriteFile(path, file, 0o600); err == nil {
		err = snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
			SnapshotPath: path, Name: "n1", OutputDataDir: filepath.Join(dir, "data"),
			PeerURLs: []string{peer}, InitialCluster: "n1=" + peer, InitialClusterToken: "restored",
			RevisionBump: raise, MarkCompacted: raise > 0,
		})
	}
	var began *saved.Snapshot
	if err == nil {
		began, err = e.fileOf()
	}
	if err == nil {
		err = e.start()
	}
	if err != nil {
		e.close()
		return nil, fmt.Errorf("restored: %w", err)
	}
	r := newReal(e)
	r.names = inherit(from, r.members[0])
	if r.began = began; raise > 0 {
		r.newest, r.compacted = began.Revision, began.Revision
	}
	return r, nil
}

// alike asks two servers, the second with the data of the first, everything there is
// to ask.
func alike(what string, before, now server) error {
	ask := func(req store.Request) (old, young answer, err error) {
		if old, err = before.serve(step{As: "root", Request: req}); err == nil {
			young, err = now.serve(step{As: "root", Request: req})
		}
		if err == nil && old.text(0) != young.text(0) {
			err = fmt.Errorf("%s: %s\n  before  %s\n  now     %s", what, print(req, 60), old.text(2000), young.text(2000))
		}
		return old, young, err
	}
	questions := []store.Request{
		&store.LeaseLeasesRequest{}, &store.AuthStatusRequest{}, &store.UserListRequest{}, &store.RoleListRequest{},
		&store.AlarmRequest{}, &store.RangeRequest{Key: "\x00", RangeEnd: "\x00"},
	}
	for d := range int64(40) {
		questions = append(questions, &store.RangeRequest{Key: "\x00", RangeEnd: "\x00", Revision: newest - d})
	}
	for _, q := range questions {
		old, _, err := ask(q)
		if err != nil {
			return err
		}
		var more []store.Request
		switch res := old.Result.(type) {
		case *store.LeaseLeasesResult:
			for _, id := range res.Leases {
				more = append(more, &store.LeaseTimeToLiveRequest{ID: id, Keys: true})
			}
		case *store.UserListResult:
			for _, name := range res.Users {
				more = append(more, &store.UserGetRequest{Name: name})
			}
		case *store.RoleListResult:
			for _, name := range res.Roles {
				more = append(more, &store.RoleGetRequest{Role: name})
			}
		}
		for _, q := range more {
			if _, _, err := ask(q); err != nil {
				return err
			}
		}
	}
	return sameChecksum(what, before, now)
}

// sameChecksum compares the checksums of servers that have the very same data, leases
// with IDs of the server's choice included. They are taken after one more write: of a
// revision that was compacted, a process may remember the checksum from before.
func sameChecksum(what string, before, now server) error {
	var sums [2]*store.HashKVResult
	for i, sv := range []server{before, now} {
		var n *names
		switch sv := sv.(type) {
		case *real:
			n = &sv.names
		case *member:
			n = &sv.names
		}
		if _, err := sv.serve(step{As: "root", Request: &store.PutRequest{Key: "one more"}}); err != nil {
			return err
		}
		leases := n.leases
		n.leases = nil // or the sum is left out
		a, err := sv.serve(step{As: "root", Request: &store.HashKVRequest{Revision: newest}})
		n.leases = leases
		if err = cmp.Or(err, errorOf(a)); err != nil {
			return err
		}
		sums[i] = a.Result.(*store.HashKVResult)
	}
	if *sums[0] != *sums[1] {
		return fmt.Errorf("%s: the checksum before %+v, now %+v", what, *sums[0], *sums[1])
	}
	return nil
}

func errorOf(a answer) error {
	if a.Err != nil {
		return a.Err
	}
	return nil
}
