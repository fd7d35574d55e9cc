package mvcc

import "etcdsim/store"

// Answers without content, shared by all who get them.
var (
	donePut        = &store.PutResult{}
	doneDelete     = &store.DeleteRangeResult{}
	doneCompaction = &store.CompactionResult{}
	doneRevoke     = &store.LeaseRevokeResult{}
	doneCheckpoint = &store.LeaseCheckpointResult{}
)

func (s *Store) applyPut(req *store.PutRequest) store.Response {
	if err := s.checkPut(req); err != nil {
		return s.refuse(err)
	}
	resp := s.put(req)
	s.commit()
	return resp
}

// checkPut refuses a put that cannot be done.
func (s *Store) checkPut(req *store.PutRequest) *store.Error {
	if req.Lease != 0 && s.leases.get(req.Lease) == nil {
		return store.ErrLeaseNotFound
	}
	if (req.IgnoreValue || req.IgnoreLease) && !s.lookup(req.Key).live() {
		return store.ErrKeyNotFound
	}
	return nil
}

// put writes one key within the transaction under way.
func (s *Store) put(req *store.PutRequest) store.Response {
	t := s.table
	hash := hashKey(req.Key)
	slot, head := t.find(req.Key, hash)
	before := &t.at(head).kv

	kv := store.KeyValue{
		Key: req.Key, Value: req.Value, Lease: req.Lease,
		CreateRevision: s.rev + 1, ModRevision: s.rev + 1, Version: before.Version + 1,
	}
	if before.Version != 0 {
		kv.CreateRevision = before.CreateRevision
	}
	if req.IgnoreValue {
		kv.Value = before.Value
	}
	if req.IgnoreLease {
		kv.Lease = before.Lease
	}
	p := s.write(&kv, head, hash)
	if head != 0 {
		t.setHead(slot, p)
	} else {
		t.addKey(req.Key, hash, p)
	}
	if before.Lease != kv.Lease {
		s.leases.detach(before.Lease)
		s.attach(kv.Lease, req.Key)
	}

	resp := store.Response{Revision: s.rev + 1, Result: donePut}
	if req.PrevKV && before.Version != 0 {
		resp.Result = &store.PutResult{PrevKV: before}
	}
	return resp
}

// write appends a version to the chain that begins at head.
func (s *Store) write(kv *store.KeyValue, head place, hash uint64) place {
	p := s.table.add(head, s.sub, kv)
	s.sub++
	s.inUse += recordSize(kv)
	s.fold(kv, hash)
	return p
}

// fold folds a version into the hash of all versions; hash is that of its key.
func (s *Store) fold(kv *store.KeyValue, hash uint64) {
	h := store.MixString(store.Mix(s.hash, hash), kv.Value)
	s.hash = store.Mix(h, uint64(kv.ModRevision)<<1^uint64(kv.Version)<<40^uint64(kv.Lease)*3)
}

func (s *Store) applyDeleteRange(req *store.DeleteRangeRequest) store.Response {
	resp := s.deleteRange(req)
	s.commit()
	return resp
}

// deleteRange deletes keys within the transaction under way.
func (s *Store) deleteRange(req *store.DeleteRangeRequest) store.Response {
	victims := s.collect(req.Key, req.RangeEnd, s.present(), 0)
	s.found = victims
	if len(victims) == 0 {
		return store.Response{Revision: s.present(), Result: doneDelete}
	}
	res := &store.DeleteRangeResult{Deleted: int64(len(victims))}
	if req.PrevKV {
		res.PrevKVs = s.keyValues(victims)
	}
	for _, p := range victims {
		s.delete(p)
	}
	return store.Response{Revision: s.rev + 1, Result: res}
}

// delete ends the life of the key whose newest version is at p.
func (s *Store) delete(p place) {
	t := s.table
	before := &t.at(p).kv
	hash := hashKey(before.Key)
	slot, _ := t.find(before.Key, hash)
	t.setHead(slot, s.write(&store.KeyValue{Key: before.Key, ModRevision: s.rev + 1}, p, hash))
	s.leases.detach(before.Lease)
}
