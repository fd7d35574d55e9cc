package workload

import (
	"etcdsim/checker/history"
	"etcdsim/store"
)

// kubernetes is the life of a client that uses etcd as a Kubernetes API server does:
// it lists objects page by page at one revision, creates those that are missing,
// updates and deletes them if they are as it saw them last, and writes events that a
// lease takes away. Its informers are watching clients (statement watch) on the same
// keys, from the revision of a list on.
func (l *Load) kubernetes(s *Session) {
	k := apiServer{swapper: l.swapper(s), known: map[string]entry{}}
	for !k.over {
		k.act()
		k.think()
	}
}

// apiServer is such a client, with the objects that it knows.
type apiServer struct {
	swapper
	known map[string]entry
}

// pageSize is how many objects a list returns at a time.
const pageSize = 2

func (k *apiServer) act() {
	r := &k.s.rand
	key := k.dice.key()
	switch n := r.Intn(12); {
	case n < 2:
		k.list()
	case n < 4:
		if e, ok := k.read(key); ok {
			k.known[key] = e
		}
	case n < 5:
		k.event()
	case n < 6:
		k.remove(key)
	default:
		k.guarded(key)
	}
}

// list reads all objects, page by page, as they were when the first page was read.
func (k *apiServer) list() {
	from, revision := k.load.cfg.Prefix, int64(0)
	for {
		q := k.dice.read(from, k.load.end)
		q.Limit, q.Revision = pageSize, revision
		if revision > 0 {
			q.Serializable = false
		}
		op := k.do(Range, q)
		res, ok := op.Response.Result.(*store.RangeResult)
		if !ok || op.Outcome != history.OK {
			return // compacted meanwhile, or unheard: the list begins anew another time
		}
		if revision == 0 {
			revision = op.Response.Revision
		}
		for _, kv := range res.KVs {
			k.known[kv.Key] = entry{kv.Value, kv.ModRevision}
			from = kv.Key + "\x00"
		}
		if !res.More || revision == 0 {
			return
		}
	}
}

// guarded creates an object, or updates it if it is as it was seen last. What it is
// instead comes back with the refusal.
func (k *apiServer) guarded(key string) {
	op := k.do(Txn, &store.TxnRequest{
		Compare: []store.Compare{unchanged(key, k.known[key])},
		Success: []store.Op{&store.PutRequest{Key: key, Value: k.dice.value()}},
		Failure: []store.Op{&store.RangeRequest{Key: key}},
	})
	k.learned(key, &op)
}

// remove deletes an object if it is as it was seen last.
func (k *apiServer) remove(key string) {
	op := k.do(Txn, &store.TxnRequest{
		Compare: []store.Compare{unchanged(key, k.known[key])},
		Success: []store.Op{&store.DeleteRangeRequest{Key: key}},
		Failure: []store.Op{&store.RangeRequest{Key: key}},
	})
	k.learned(key, &op)
}

// learned remembers an object as it is after a guarded change.
func (k *apiServer) learned(key string, op *history.Op) {
	res, ok := op.Response.Result.(*store.TxnResult)
	switch {
	case !ok: // nobody knows: the next change will tell
	case !res.Succeeded:
		k.known[key] = entryOf(res.Responses[0].Result)
	default:
		if put, ok := op.Request.(*store.TxnRequest).Success[0].(*store.PutRequest); ok {
			k.known[key] = entry{put.Value, op.Response.Revision}
		} else {
			delete(k.known, key)
		}
	}
}

// event writes an event under the lease of the last minute, which all events of that
// time share. Here minutes are as long as leases live.
func (k *apiServer) event() {
	if k.lease == 0 || k.s.Now() >= k.renewed.Add(k.ttl/2) {
		if !k.grant() {
			return
		}
	}
	k.do(Put, &store.PutRequest{Key: "events/" + k.dice.key() + "." + k.dice.value(), Value: "seen", Lease: k.lease})
}
