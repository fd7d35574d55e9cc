package etcdtest_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"etcdsim/sim/live/etcdtest"
)

// Users are known by their certificates.
func Example_certificates() {
	cluster, err := etcdtest.New(etcdtest.Options{Security: etcdtest.MutualTLS})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	root, ctx := cluster.Client(), context.Background()
	for _, user := range []string{"root", "alice"} {
		if _, err := root.UserAddWithOptions(ctx, user, "", &clientv3.UserAddOptions{NoPassword: true}); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := root.UserGrantRole(ctx, "root", "root"); err != nil {
		log.Fatal(err)
	}
	if _, err := root.AuthEnable(ctx); err != nil {
		log.Fatal(err)
	}

	alice := cluster.ClientWith(clientv3.Config{Endpoints: cluster.Endpoints(), TLS: cluster.TLS("alice")})
	_, err = alice.Put(ctx, "key", "value")
	fmt.Println(err)
	_, err = root.Put(ctx, "key", "value")
	fmt.Println(err)
	// Output:
	// etcdserver: permission denied
	// <nil>
}

// Faults and turns of the clock are the same under TLS.
func TestServerTLS(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Security: etcdtest.ServerTLS, Seed: 5})
	client := cluster.Client()
	cluster.Do("kill leader")
	cluster.Do("wait leader within=5s")
	if _, err := client.Put(t.Context(), "k", "v"); err != nil {
		t.Error(err)
	}
}

// etcd's own settings have their names.
func TestFlags(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Flags: map[string]string{"max-txn-ops": "1"}, Seed: 5})
	_, err := cluster.Client().Txn(t.Context()).Then(clientv3.OpGet("a"), clientv3.OpGet("b")).Commit()
	if err == nil || !strings.Contains(err.Error(), "too many operations in txn request") {
		t.Errorf("two operations where one is allowed: %v", err)
	}
	_, err = etcdtest.New(etcdtest.Options{Flags: map[string]string{"max-txn": "1"}})
	if err == nil || !strings.Contains(err.Error(), "--max-txn: ") {
		t.Errorf("a flag that etcd does not have: %v", err)
	}
	_, err = etcdtest.New(etcdtest.Options{Flags: map[string]string{"listen-client-urls": "http://127.0.0.1:2379"}})
	if err == nil || !strings.Contains(err.Error(), "--listen-client-urls: ") {
		t.Errorf("where members listen: %v", err)
	}
	two := etcdtest.Start(t, etcdtest.Options{Flags: map[string]string{"initial-cluster": "a=http://a:1,b=http://b:1"}})
	if n := len(two.Endpoints()); n != 2 {
		t.Errorf("%d members, want those of initial-cluster", n)
	}
}
