package etcdtest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"etcdsim/sim/live/etcdtest"
)

// A lease of a minute expires when the clock is turned; a watcher hears of it.
func Example_lease() {
	cluster, err := etcdtest.New(etcdtest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	client, ctx := cluster.Client(), context.Background()

	lease, err := client.Grant(ctx, 60)
	if err != nil {
		log.Fatal(err)
	}
	put, err := client.Put(ctx, "session/7", "here", clientv3.WithLease(lease.ID))
	if err != nil {
		log.Fatal(err)
	}
	events := client.Watch(ctx, "session/", clientv3.WithPrefix(), clientv3.WithRev(put.Header.Revision+1))

	cluster.Advance(62 * time.Second)

	for _, e := range (<-events).Events {
		fmt.Println(e.Type, string(e.Kv.Key))
	}
	// Output: DELETE session/7
}

// Who holds a lock and is not heard of any more loses it to the next.
func Example_lock() {
	cluster, err := etcdtest.New(etcdtest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	ctx := context.Background()

	lock := func(name string, ttl int) *concurrency.Mutex {
		session, err := concurrency.NewSession(cluster.Client(), concurrency.WithTTL(ttl))
		if err != nil {
			log.Fatal(err)
		}
		session.Orphan() // nobody renews its lease
		mutex := concurrency.NewMutex(session, "lock")
		if err := mutex.Lock(ctx); err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, "holds the lock")
		return mutex
	}
	first := lock("the first", 60)
	done := make(chan struct{})
	go func() {
		lock("the second", 3600)
		close(done)
	}()
	cluster.Advance(70 * time.Second)
	<-done
	_, err = cluster.Client().Txn(ctx).If(first.IsOwner()).Then(clientv3.OpPut("k", "v")).Commit()
	fmt.Println("the first may still try:", err == nil)
	// Output:
	// the first holds the lock
	// the second holds the lock
	// the first may still try: true
}

// The leader dies while clients write, and nothing is lost.
func Example_faults() {
	cluster, err := etcdtest.New(etcdtest.Options{Nodes: 5, Settings: []string{"node.tick=10ms"}})
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	client, ctx := cluster.Client(), context.Background()

	if _, err := client.Put(ctx, "k", "before"); err != nil {
		log.Fatal(err)
	}
	cluster.Do("kill leader")
	cluster.Do("wait leader within=5s")
	got, err := client.Get(ctx, "k")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(got.Kvs[0].Value))

	cluster.Do("partition n1 n2 | n3 n4 n5")
	cluster.Do("heal")
	cluster.Do("restart all")
	cluster.Do("wait converged within=10s")
	// Output: before
}
