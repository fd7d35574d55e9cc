package etcdtest_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const (
	accounts = 5
	funds    = 100 // of each account at the beginning
)

func account(i int) string { return fmt.Sprintf("account/%d", i) }

// Transactions of the genuine library's software transactional memory, at each level
// of isolation, while leaders die. A transaction whose fate is unknown is looked up
// by the mark that it writes, and made again if it did not happen; so the counter is
// exactly the number of transactions, and no money is lost or made.
//
// ReadCommitted promises less: what a transaction read may have changed when it is
// committed. Its writes are still seen together or not at all.
func TestSTMUnderLeaderKills(t *testing.T) {
	t.Parallel()
	for level, name := range map[concurrency.Isolation]string{ // unordered: they are independent
		concurrency.SerializableSnapshot: "SerializableSnapshot",
		concurrency.Serializable:         "Serializable",
		concurrency.RepeatableReads:      "RepeatableReads",
		concurrency.ReadCommitted:        "ReadCommitted",
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); testSTM(t, level) })
	}
}

func testSTM(t *testing.T, level concurrency.Isolation) {
	s := newStress(t)
	first := s.Client()
	for i := range accounts {
		if _, err := first.Put(t.Context(), account(i), strconv.Itoa(funds)); err != nil {
			t.Fatal(err)
		}
	}
	var commits, unknown atomic.Int64
	for worker := range 4 {
		c := s.Client()
		s.Go(func() {
			for n := 0; s.over.Err() == nil; n++ {
				mark := fmt.Sprintf("done/%d/%d", worker, n)
				unknown.Add(int64(ask(t, func(ctx context.Context) error { return transfer(ctx, c, level, mark, worker+n) })))
				commits.Add(1)
				s.done.Add(1)
			}
		})
	}
	s.Go(func() {
		c := s.Client()
		for s.over.Err() == nil {
			ask(t, func(ctx context.Context) error { return audit(ctx, t, c, level) })
		}
	})
	s.killLeaders(2)
	s.finish()
	got, err := s.Client().Get(t.Context(), "counter")
	if err != nil {
		t.Fatal(err)
	}
	counter, done := 0, int(commits.Load())
	if len(got.Kvs) > 0 {
		counter, _ = strconv.Atoi(string(got.Kvs[0].Value))
	}
	if done == 0 || counter > done || level != concurrency.ReadCommitted && counter != done {
		t.Errorf("%d transactions, and the counter is %d", done, counter)
	}
	t.Logf("%d transactions, %d attempts with an unknown end", done, unknown.Load())
	s.judge()
}

// transfer moves money from one account to the next, counts, and writes its mark. If
// the mark is there, it has happened.
func transfer(ctx context.Context, c *clientv3.Client, level concurrency.Isolation, mark string, from int) error {
	_, err := concurrency.NewSTM(c, func(stm concurrency.STM) error {
		if stm.Get(mark) != "" {
			return nil
		}
		stm.Put(mark, mark)
		n, _ := strconv.Atoi(stm.Get("counter"))
		stm.Put("counter", strconv.Itoa(n+1))
		stm.Put("counter/again", strconv.Itoa(n+1))
		a, b := account(from%accounts), account((from+1)%accounts)
		left, _ := strconv.Atoi(stm.Get(a))
		right, _ := strconv.Atoi(stm.Get(b))
		if left > 0 {
			stm.Put(a, strconv.Itoa(left-1))
			stm.Put(b, strconv.Itoa(right+1))
		}
		return nil
	}, concurrency.WithIsolation(level), concurrency.WithAbortContext(ctx))
	return err
}

// audit looks at everything at one moment.
func audit(ctx context.Context, t *testing.T, c *clientv3.Client, level concurrency.Isolation) error {
	got, err := c.Txn(ctx).Then(clientv3.OpGet("counter", clientv3.WithPrefix()), clientv3.OpGet("account/", clientv3.WithPrefix())).Commit()
	if err != nil {
		return err
	}
	counters, books := got.Responses[0].GetResponseRange().Kvs, got.Responses[1].GetResponseRange().Kvs
	if len(counters) > 0 && string(counters[0].Value) != string(counters[1].Value) {
		t.Errorf("a transaction is seen in part: %v", counters)
	}
	sum := 0
	for _, kv := range books {
		n, _ := strconv.Atoi(string(kv.Value))
		sum += n
	}
	if level != concurrency.ReadCommitted && sum != accounts*funds {
		t.Errorf("there is money of %d, want %d: %v", sum, accounts*funds, books)
	}
	return nil
}
