package compare

import (
	"flag"
	"os"
	"testing"

	"etcdsim/sim/cluster"
	"etcdsim/store"
	"etcdsim/store/saved"
)

var makeExample = flag.Bool("make-example", false, "write the snapshot that the documents show, of the real etcd")

// orders is the snapshot of the documents, orders.scn the scenario that begins with it.
const orders = "../../docs/orders.db"

// ordered is the life of an etcd that has a shop's orders: changed, cancelled,
// compacted, one held by a worker's lease; and users who may not read everything.
func ordered() []step {
	put := func(key, value string) step { return step{Request: &store.PutRequest{Key: key, Value: value}} }
	may := func(key, end string, t store.PermissionType) step {
		return step{Request: &store.RoleGrantPermissionRequest{Name: "clerks", Perm: &store.Permission{Type: t, Key: key, RangeEnd: end}}}
	}
	return []step{
		put("settings/currency", "EUR"),
		put("orders/0", "2 lamps"), put("orders/1", "1 table"), put("orders/0", "3 lamps"), put("orders/2", "4 chairs"),
		{Request: &store.DeleteRangeRequest{Key: "orders/1"}},
		{Request: &store.CompactionRequest{Revision: 7, Physical: true}},
		put("orders/1", "2 tables"),
		{Request: &store.LeaseGrantRequest{ID: 0x0d0e, TTL: 600}},
		{Request: &store.PutRequest{Key: "workers/ada", Value: "orders/0", Lease: 0x0d0e}},
		{Request: &store.TxnRequest{
			Compare: []store.Compare{{Key: "orders/2", Target: store.CompareValue, Value: "4 chairs"}},
			Success: []store.Op{&store.PutRequest{Key: "orders/2", Value: "6 chairs"}, &store.PutRequest{Key: "log/1", Value: "2 more chairs"}},
		}},
		{Request: &store.UserAddRequest{Name: "root", Password: "r"}},
		{Request: &store.UserAddRequest{Name: "carla", Password: "c"}},
		{Request: &store.RoleAddRequest{Name: "clerks"}},
		may("orders/", "orders0", store.PermitReadWrite), may("settings/", "settings0", store.PermitRead),
		{Request: &store.UserGrantRoleRequest{User: "carla", Role: "clerks"}},
		{Request: &store.UserGrantRoleRequest{User: "root", Role: "root"}},
	}
}

// TestExample: the snapshot of the documents is one of a real etcd with that life, and
// members that begin with it answer as a real etcd does that etcdutl restored from it.
func TestExample(t *testing.T) {
	if *makeExample {
		e, err := startEtcd()
		if err != nil {
			t.Fatal(err)
		}
		r := newReal(e)
		defer r.close()
		for _, s := range ordered() {
			if a, err := r.serve(s); err != nil || a.Err != nil {
				t.Fatal(s, err, a.Err)
			}
		}
		file, _, err := save(r, nil)
		if err == nil {
			err = os.WriteFile(orders, saved.Sealed(string(file)), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(orders)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := saved.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMember(func(c *cluster.Config) { c.From = snap })
	if err != nil {
		t.Fatal(err)
	}
	m.newest = snap.Revision
	r, err := restoreReal(file, &m.names, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := alike("the example in etcd and in our member", r, m); err != nil {
		t.Error(err)
	}
}
