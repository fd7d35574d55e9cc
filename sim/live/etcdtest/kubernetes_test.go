package etcdtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"etcdsim/sim/live/etcdtest"
)

// A client of the kind that Kubernetes' API server is (k8s.io/apiserver,
// storage/etcd3 and storage/cacher): objects that change by transactions on their mod
// revision, lists in pages at one revision, and a cache that is filled by a list,
// kept up by a watch, and moved on by bookmarks, so that it can answer lists as fresh
// as etcd's own.

const registry = "/registry/"

// object is what is stored under a key. Generations counts what each writer has done
// to it, so that a writer sees whether a write with an unknown end has happened.
type object struct {
	Generations map[string]int `json:"generations"`
}

// storage stores objects.
type storage struct{ *clientv3.Client }

// errConflict: the object is not as the caller knew it.
var errConflict = errors.New("the object has changed")

// update changes an object, unless change finds nothing to do. What the caller knows
// of it may be old: then change is called again with what it is.
func (s storage) update(ctx context.Context, key string, known *clientv3.GetResponse, change func(*object) bool) error {
	for {
		var o object
		rev := int64(0)
		if len(known.Kvs) > 0 {
			rev = known.Kvs[0].ModRevision
			if err := json.Unmarshal(known.Kvs[0].Value, &o); err != nil {
				return err
			}
		}
		if !change(&o) {
			return nil
		}
		value, err := json.Marshal(o)
		if err != nil {
			return err
		}
		res, err := s.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", rev)).
			Then(clientv3.OpPut(key, string(value))).Else(clientv3.OpGet(key)).Commit()
		if err != nil || res.Succeeded {
			return err
		}
		known = (*clientv3.GetResponse)(res.Responses[0].GetResponseRange())
	}
}

// remove deletes an object that is as the caller knows it.
func (s storage) remove(ctx context.Context, key string, rev int64) error {
	res, err := s.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", rev)).
		Then(clientv3.OpDelete(key)).Else(clientv3.OpGet(key)).Commit()
	if err == nil && !res.Succeeded {
		err = errConflict
	}
	return err
}

// page is a part of a list: what Kubernetes keeps in a continue token.
type page struct {
	from string // the key to go on with
	rev  int64  // 0 means now
}

// list returns all objects at one revision, in pages of so many. A list whose revision
// is compacted away between two pages begins again, and again counts it.
func (s storage) list(ctx context.Context, prefix string, limit int64, again func()) (map[string]int64, int64, error) {
	for {
		objects, next := map[string]int64{}, &page{from: prefix}
		var rev int64
		var err error
		for next != nil && err == nil {
			next, err = s.page(ctx, prefix, *next, limit, objects)
			if next != nil {
				rev = next.rev
				next = next.orEnd()
			}
		}
		if !errors.Is(err, rpctypes.ErrCompacted) {
			return objects, rev, err
		}
		again()
	}
}

// orEnd returns nil for the page after the last one.
func (p *page) orEnd() *page {
	if p.from == "" {
		return nil
	}
	return p
}

// page adds a page to the objects and returns the next, whose key is empty after the
// last one.
func (s storage) page(ctx context.Context, prefix string, p page, limit int64, objects map[string]int64) (*page, error) {
	got, err := s.Get(ctx, p.from, clientv3.WithRange(clientv3.GetPrefixRangeEnd(prefix)), clientv3.WithLimit(limit), clientv3.WithRev(p.rev))
	if err != nil {
		return nil, err
	}
	next := &page{rev: p.rev}
	if next.rev == 0 {
		next.rev = got.Header.Revision
	}
	for _, kv := range got.Kvs {
		objects[string(kv.Key)] = kv.ModRevision
	}
	if got.More {
		next.from = string(got.Kvs[len(got.Kvs)-1].Key) + "\x00"
	}
	return next, nil
}

// cache is what a list and a watch since then say that there is.
type cache struct {
	storage
	t *testing.T

	mu      sync.Mutex
	moved   *sync.Cond
	objects map[string]int64 // mod revisions by key
	rev     int64            // up to which it is complete
	// stream is the context of the present watch, on which progress can be asked for.
	stream context.Context //nolint:containedctx // the client library knows a stream by it

	lists, bookmarks, events int
}

func newCache(t *testing.T, c *clientv3.Client) *cache {
	k := &cache{storage: storage{c}, t: t}
	k.moved = sync.NewCond(&k.mu)
	return k
}

// run fills the cache and keeps it up, until the context ends.
func (k *cache) run(ctx context.Context) {
	for ctx.Err() == nil {
		k.mu.Lock()
		rev := k.rev
		k.mu.Unlock()
		if rev == 0 {
			k.fill(ctx)
			continue
		}
		if err := k.watch(ctx, rev); errors.Is(err, rpctypes.ErrCompacted) {
			k.fill(ctx)
		}
	}
}

// fill replaces what there is by a list.
func (k *cache) fill(ctx context.Context) {
	objects, rev, err := k.list(ctx, registry, 3, func() {})
	if err != nil {
		return // later again
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lists++
	k.objects = objects
	k.move(rev)
}

// move sets the revision, which never goes back.
func (k *cache) move(rev int64) {
	if rev < k.rev {
		k.t.Errorf("the cache goes back from revision %d to %d", k.rev, rev)
	}
	k.rev = rev
	k.moved.Broadcast()
}

// watch follows the events after a revision until the watch ends, and returns why.
func (k *cache) watch(ctx context.Context, rev int64) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	k.mu.Lock()
	k.stream = ctx
	k.mu.Unlock()
	events := k.Client.Watch(ctx, registry, clientv3.WithPrefix(), clientv3.WithRev(rev+1), clientv3.WithPrevKV(),
		clientv3.WithProgressNotify())
	for w := range events {
		if err := w.Err(); err != nil {
			return err
		}
		k.mu.Lock()
		rev := k.rev
		for _, e := range w.Events {
			k.happened(e)
			rev = e.Kv.ModRevision // more events of a later one may follow
		}
		if w.IsProgressNotify() {
			k.bookmarks++
			rev = w.Header.Revision // nothing before it follows
		}
		k.move(rev)
		k.mu.Unlock()
	}
	return ctx.Err()
}

// happened takes an event in. What it says was there before must be what the cache
// holds; it says nothing if a compaction came before the event was sent.
func (k *cache) happened(e *clientv3.Event) {
	key := string(e.Kv.Key)
	before, known := k.objects[key], e.PrevKv != nil
	k.events++
	if e.Kv.ModRevision <= k.rev {
		k.t.Errorf("an event of revision %d after revision %d: %v", e.Kv.ModRevision, k.rev, e)
	}
	if known && e.PrevKv.ModRevision != before || !known && e.IsCreate() == (before != 0) {
		k.t.Errorf("the cache holds revision %d of %s before %v", before, key, e)
	}
	if e.Type == clientv3.EventTypeDelete {
		delete(k.objects, key)
		return
	}
	k.objects[key] = e.Kv.ModRevision
}

// consistent returns what the cache holds once it is as new as the store is now: etcd
// is asked for its revision alone, and for progress, until the cache has come so far.
func (k *cache) consistent(ctx context.Context) (objects map[string]int64, rev int64, err error) {
	got, err := k.Get(ctx, registry, clientv3.WithLimit(1), clientv3.WithKeysOnly())
	if err != nil {
		return nil, 0, err
	}
	defer context.AfterFunc(ctx, k.moved.Broadcast)()
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.rev < got.Header.Revision {
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		stream := k.stream
		k.mu.Unlock()
		if stream != nil {
			_ = k.RequestProgress(stream)
		}
		time.Sleep(5 * time.Millisecond)
		k.mu.Lock()
	}
	return maps.Clone(k.objects), k.rev, nil
}

// Writers, pages, caches and leases as Kubernetes has them, while leaders die, members
// are cut off and the history is compacted. At the end every cache equals a fresh
// list, and each writer's count is what it did.
func TestKubernetesUnderFaults(t *testing.T) {
	t.Parallel()
	s := newStress(t)
	watching, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	var caches []*cache
	for i := range 3 { // one is at a single member, the others go where they can
		endpoints := s.Endpoints()
		if i == 0 {
			endpoints = endpoints[:1]
		}
		k := newCache(t, s.ClientWith(clientv3.Config{Endpoints: endpoints}))
		caches = append(caches, k)
		following.Go(func() { k.run(watching) })
	}
	counts := make([]map[string]int, 3)
	for i := range counts {
		counts[i] = map[string]int{}
		c := s.Client()
		s.Go(func() { write(s, c, fmt.Sprintf("w%d", i), counts[i]) })
	}
	var relists, lists, fresh atomic.Int64
	lister, compacter, deleter := s.Client(), s.Client(), s.Client()
	s.Go(func() {
		for s.over.Err() == nil {
			ask(t, func(ctx context.Context) error {
				_, _, err := storage{lister}.list(ctx, registry, 2, func() { relists.Add(1) })
				return err
			})
			lists.Add(1)
		}
	})
	s.Go(func() { compact(s, compacter) })
	s.Go(func() { remove(s, deleter) })
	s.Go(func() {
		for s.over.Err() == nil {
			if compare(t, caches[1]) {
				fresh.Add(1)
			}
		}
	})

	s.killLeaders(2)
	s.faults("partition n1 | rest", "wait leader in=rest within=10s", "heal", "wait leader within=10s")
	s.killLeaders(1)
	s.faults("partition n1 n2 | rest", "wait leader in=rest within=10s")
	s.progress()
	s.Do("heal")
	s.finish()
	for i, k := range caches {
		for !compare(t, k) {
			time.Sleep(time.Millisecond)
		}
		k.mu.Lock()
		t.Logf("cache %d: %d lists, %d events, %d bookmarks, revision %d", i, k.lists, k.events, k.bookmarks, k.rev)
		if k.events == 0 {
			t.Errorf("cache %d has heard of nothing", i)
		}
		k.mu.Unlock()
	}
	t.Logf("%d lists, begun again %d times; %d consistent ones from the cache", lists.Load(), relists.Load(), fresh.Load())
	counted(t, s, counts)
	stop()
	following.Wait()
	s.judge()
}

// write changes objects until the faults are over, and counts what it did to each.
func write(s *stress, c *clientv3.Client, name string, counts map[string]int) {
	for n := 0; s.over.Err() == nil; n++ {
		key := fmt.Sprintf("%spods/%d", registry, n%7)
		want := counts[key] + 1
		known := &clientv3.GetResponse{} // as one that believes the object to be new
		ask(s.t, func(ctx context.Context) error {
			return storage{c}.update(ctx, key, known, func(o *object) bool {
				if o.Generations[name] == want {
					return false // an earlier attempt has happened
				}
				if o.Generations == nil {
					o.Generations = map[string]int{}
				}
				o.Generations[name]++
				return true
			})
		})
		counts[key] = want
		s.done.Add(1)
	}
}

// compact compacts the history to a little before now, as the compactor of an API
// server does: whoever moves the key first may.
func compact(s *stress, c *clientv3.Client) {
	const key = "compact_rev_key"
	version := int64(0)
	for s.over.Err() == nil {
		ask(s.t, func(ctx context.Context) error {
			res, err := c.Txn(ctx).If(clientv3.Compare(clientv3.Version(key), "=", version)).
				Then(clientv3.OpPut(key, fmt.Sprint(version))).Else(clientv3.OpGet(key)).Commit()
			if err != nil {
				return err
			}
			version++
			if !res.Succeeded {
				version = res.Responses[0].GetResponseRange().Kvs[0].Version
			}
			_, err = c.Compact(ctx, res.Header.Revision)
			if errors.Is(err, rpctypes.ErrCompacted) {
				err = nil // an earlier attempt
			}
			return err
		})
		time.Sleep(20 * time.Millisecond)
	}
}

// remove makes and deletes objects of a kind of their own.
func remove(s *stress, c *clientv3.Client) {
	for n := 0; s.over.Err() == nil; n++ {
		key := fmt.Sprintf("%sjobs/%d", registry, n%3)
		ask(s.t, func(ctx context.Context) error {
			return storage{c}.update(ctx, key, &clientv3.GetResponse{}, func(*object) bool { return true })
		})
		ask(s.t, func(ctx context.Context) error {
			got, err := c.Get(ctx, key)
			if err != nil || len(got.Kvs) == 0 {
				return err
			}
			return storage{c}.remove(ctx, key, got.Kvs[0].ModRevision)
		})
	}
}

// compare asks a cache for a consistent list, and the store for the same revision; it
// reports whether both answered. They must agree.
func compare(t *testing.T, k *cache) bool {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	have, rev, err := k.consistent(ctx)
	if err != nil {
		return false
	}
	want := map[string]int64{}
	next := &page{from: registry, rev: rev}
	for next != nil {
		if next, err = k.page(ctx, registry, *next, 100, want); err != nil {
			return false // compacted, or nobody answers
		}
		next = next.orEnd()
	}
	if !maps.Equal(have, want) {
		t.Errorf("at revision %d the cache holds %v, the store %v", rev, have, want)
	}
	return true
}

// counted compares what writers did with what there is.
func counted(t *testing.T, s *stress, counts []map[string]int) {
	got, err := s.Client().Get(t.Context(), registry+"pods/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, kv := range got.Kvs {
		var o object
		if err := json.Unmarshal(kv.Value, &o); err != nil {
			t.Fatal(err)
		}
		for i, count := range counts {
			if have, want := o.Generations[fmt.Sprintf("w%d", i)], count[string(kv.Key)]; have != want {
				t.Errorf("%s has changed %d times by w%d, which did it %d times", kv.Key, have, i, want)
			}
			total += count[string(kv.Key)]
		}
	}
	if total < 20 {
		t.Errorf("only %d updates", total)
	}
	t.Logf("%d updates", total)
}

// Events of Kubernetes live for an hour, on leases that many share. They go when the
// clock is turned, and a cache hears of each; bookmarks move it on where nothing else
// happens.
func TestKubernetesEventsExpire(t *testing.T) {
	cluster := etcdtest.Start(t, etcdtest.Options{Settings: []string{"node.watch-progress=1m"}})
	client := cluster.Client()
	k := newCache(t, client)
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { k.run(ctx) })
	lease, err := client.Grant(ctx, 3600)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := client.Put(ctx, fmt.Sprintf("%sevents/%d", registry, i), "{}", clientv3.WithLease(lease.ID)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Put(ctx, registry+"pods/1", "{}"); err != nil {
		t.Fatal(err)
	}
	objects := func(wait func() bool) []string {
		t.Helper()
		k.mu.Lock()
		defer k.mu.Unlock()
		defer context.AfterFunc(soon(t), k.moved.Broadcast)()
		for deadline := time.Now().Add(10 * time.Second); !wait(); k.moved.Wait() {
			if time.Now().After(deadline) {
				t.Fatalf("the cache stays at revision %d with %v", k.rev, k.objects)
			}
		}
		return slices.Sorted(maps.Keys(k.objects))
	}
	if got := objects(func() bool { return len(k.objects) == 11 }); len(got) != 11 {
		t.Fatal(got)
	}
	cluster.Advance(61 * time.Minute)
	if got := objects(func() bool { return len(k.objects) == 1 }); !strings.HasSuffix(got[0], "pods/1") {
		t.Errorf("after an hour there is %v", got)
	}
	// Elsewhere something happens: only a bookmark tells the cache.
	elsewhere, err := client.Put(ctx, "elsewhere", "")
	if err != nil {
		t.Fatal(err)
	}
	cluster.Advance(2 * time.Minute)
	objects(func() bool { return k.rev >= elsewhere.Header.Revision && k.bookmarks > 0 })
	stop()
	following.Wait()
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}
