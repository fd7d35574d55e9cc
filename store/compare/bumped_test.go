package compare

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"etcdsim/sim/cluster"
	"etcdsim/store"
	"etcdsim/store/saved"
)

// TestBumpedRevision lets a real etcd and a simulated member begin with what etcdutl makes
// of a file when it is to raise the revision ("snapshot restore --bump-revision 1000
// --mark-compacted"), as operators do who restore while clients remember revisions. Both
// must answer alike, checksums included, live on, and go through it a second time.
func TestBumpedRevision(t *testing.T) {
	etcds := newSpares(t.Context())
	defer etcds.close()
	done := 0
	for s := *seed; done < *swaps; s++ {
		err := bump(etcds, s)
		switch {
		case errors.Is(err, errExpired), errors.Is(err, errLocked):
			continue // another seed will do
		case err != nil:
			t.Fatalf("go test -C store/compare -run TestBumpedRevision -seed %d -swaps 1\n%v", s, err)
		}
		done++
	}
}

// bump is one life of an etcd, and two more of it and a member after its revision was raised.
func bump(etcds *spares, seed uint64) error {
	g := newGenerator(seed)
	e, err := etcds.take()
	if err != nil {
		return err
	}
	r := newReal(e)
	defer func() { r.close() }()
	for _, s := range append(withoutMembers(g.sequence(120)), step{Request: rootLogin}) {
		a, err := r.serve(s)
		if err != nil && !errors.Is(err, errDeadly) {
			return err
		}
		if s.Request == rootLogin && a.Err != nil && a.Err.Text != store.ErrAuthNotEnabled.Text {
			return errLocked
		}
	}
	for life := range 2 {
		file, _, err := save(r, nil)
		if err != nil {
			return err
		}
		raised, err := restoreReal(saved.Sealed(string(file)), &r.names, 1000)
		if err != nil {
			return err
		}
		r.close()
		r = raised
		m, err := newMember(func(c *cluster.Config) { c.From = r.began })
		if err != nil {
			return err
		}
		m.names = inherit(&r.names, 1)
		for _, sv := range []server{r, m} {
			if _, err := sv.serve(step{Request: rootLogin}); err != nil {
				return err
			}
		}
		if !r.began.Auth.Enabled { // or its clients would know no password
			if err := judgedFrom(r.began, seed); err != nil {
				return fmt.Errorf("a universe whose revision was raised: %w", err)
			}
		}
		after := withoutMembers(g.sequence(60))
		if g.auth { // of the life before, everything is there
			after = after[len(g.authBeginning()):]
		}
		shared := len(r.leases)
		err = sameChecksums(r, m)
		if err == nil {
			err = alike("etcd and our member", r, m)
		}
		if err == nil {
			_, err = live(r, m, after)
		}
		if err == nil && len(r.leases) == shared { // otherwise each chose IDs of its own
			err = sameChecksums(r, m)
		}
		if err != nil {
			return fmt.Errorf("raised for the %d. time: %w", life+1, err)
		}
	}
	return nil
}

// sameChecksums compares the checksums of two servers up to the newest and the oldest
// revisions that are left. The IDs of their leases must be the same.
func sameChecksums(r *real, m *member) error {
	theirs, ours := r.leases, m.leases
	r.leases, m.leases = nil, nil // or the sums are left out
	defer func() { r.leases, m.leases = theirs, ours }()
	var all []step
	for d := range int64(5) {
		for _, revision := range []int64{newest - d, compacted + d} {
			all = append(all, step{As: "root", Request: &store.HashKVRequest{Revision: revision}})
		}
	}
	_, err := live(r, m, append(all, step{As: "root", Request: &store.HashKVRequest{}}))
	return err
}

// fileOf returns what an etcd that was not started yet will begin with.
func (e *etcd) fileOf() (*saved.Snapshot, error) {
	file, err := os.ReadFile(filepath.Join(e.dir, "data", "member", "snap", "db"))
	if err != nil {
		return nil, err
	}
	return saved.Read(file)
}
