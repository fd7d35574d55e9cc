package cluster_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"etcdsim/sim"
	"etcdsim/sim/cluster"
	"etcdsim/sim/trace"
	"etcdsim/store"
	"etcdsim/store/saved"
)

// fat is a value that soon fills a small quota.
var fat = strings.Repeat("x", 4000)

func tight(c *cluster.Config) { c.Node.Quota = 100 << 10 }

func everything(keysOnly bool) *store.RangeRequest {
	return &store.RangeRequest{Key: "\x00", RangeEnd: "\x00", KeysOnly: keysOnly, Serializable: true}
}

func (s *story) status(member uint64) *store.StatusResult {
	s.t.Helper()
	return s.ask(member, &store.StatusRequest{}).Result.(*store.StatusResult)
}

// TestQuota fills the store, and makes room again the way etcd's documentation
// says.
func TestQuota(t *testing.T) {
	s := newStory(t, 1, tight)
	s.until("the members are at rest", s.Converged)
	var r store.Response
	puts := 0
	for ; r.Err == nil && puts < 100; puts++ {
		r = s.ask(s.follower(), &store.PutRequest{Key: "k", Value: fat})
	}
	if r.Err != store.ErrNoSpace || puts < 15 {
		t.Fatalf("%d puts of %d bytes into a quota of 100 KiB end in %v, want %v", puts, len(fat), r.Err, store.ErrNoSpace)
	}
	s.until("all have applied the alarm", s.Converged)
	alarm := s.ask(1, &store.AlarmRequest{}).Result.(*store.AlarmResult).Alarms
	if len(alarm) == 0 || alarm[0].Type != store.AlarmNoSpace {
		t.Fatalf("alarms %v, want NOSPACE", alarm)
	}
	for id := uint64(1); id <= 3; id++ {
		for _, req := range []store.Request{
			&store.PutRequest{Key: "small"}, &store.LeaseGrantRequest{TTL: 5},
			&store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "small"}}},
		} {
			s.refused(id, req, store.ErrNoSpace)
		}
		for _, req := range []store.Request{
			&store.RangeRequest{Key: "k"}, &store.DeleteRangeRequest{Key: "small"}, &store.LeaseLeasesRequest{},
			&store.TxnRequest{Success: []store.Op{&store.RangeRequest{Key: "k"}}},
		} {
			if r := s.ask(id, req); r.Err != nil {
				t.Errorf("n%d, %s under the alarm: %v", id, store.Describe(req), r.Err)
			}
		}
		if got, want := s.status(id).Errors, "memberID:"+string('0'+byte(alarm[0].MemberID))+" alarm:NOSPACE"; !slices.Contains(got, want) {
			t.Errorf("status of n%d has the errors %q, want %q", id, got, want)
		}
	}

	// Compacting alone gives nothing back; defragmenting does, member by member.
	before := s.status(1)
	s.ask(1, &store.CompactionRequest{Revision: int64(puts)})
	after := s.status(1)
	if after.DBSize != before.DBSize || after.DBSizeInUse >= before.DBSizeInUse/2 {
		t.Errorf("compaction: from %d of %d bytes in use to %d of %d", before.DBSizeInUse, before.DBSize, after.DBSizeInUse, after.DBSize)
	}
	for id := uint64(1); id <= 3; id++ {
		if r := s.ask(id, &store.DefragmentRequest{}); r.Err != nil {
			t.Fatal(r.Err)
		}
		if now := s.status(id); now.DBSize != now.DBSizeInUse || now.DBSize >= before.DBSize/2 {
			t.Errorf("n%d after defragmenting: %d of %d bytes in use", id, now.DBSizeInUse, now.DBSize)
		}
	}
	s.refused(1, &store.PutRequest{Key: "small"}, store.ErrNoSpace)
	for _, a := range alarm {
		s.ask(2, &store.AlarmRequest{Action: store.AlarmDeactivate, Alarm: a})
	}
	if r := s.ask(3, &store.PutRequest{Key: "small"}); r.Err != nil {
		t.Errorf("a put after the alarm was disarmed: %v", r.Err)
	}
}

// TestQuotaWhenApplied has more writes under way than fit. Those that exceed the
// quota when their turn comes are done, and refused.
func TestQuotaWhenApplied(t *testing.T) {
	s := newStory(t, 1, tight)
	s.until("the members are at rest", s.Converged)
	c := newCaller(s)
	var ops []uint64
	for range 60 {
		op := s.NextOp()
		s.Call(trace.Client(0), 1, op, &store.PutRequest{Key: "k", Value: fat})
		ops = append(ops, op)
	}
	refused := 0
	for _, op := range ops {
		if c.await(op).Err == store.ErrNoSpace {
			refused++
		}
	}
	s.until("the members are at rest", s.Converged)
	revision := s.Member(1).Revision
	if refused == 0 || s.log.Hits(trace.ProbeNoSpaceApplied) == 0 || revision-1 <= int64(60-refused) {
		t.Errorf("%d of 60 writes were refused, and the store is at revision %d: expected some that were done and refused", refused, revision)
	}
	for id := uint64(2); id <= 3; id++ {
		if s.Member(id).Hash != s.Member(1).Hash {
			t.Errorf("the quota made a difference between n1 and n%d", id)
		}
	}
}

// TestCorrupt: while data may be corrupt nobody writes keys, and the alarm survives
// restarts and snapshots.
func TestCorrupt(t *testing.T) {
	s := newStory(t, 1, eager)
	s.until("the members are at rest", s.Converged)
	alarm := store.Alarm{MemberID: 2, Type: store.AlarmCorrupt}
	s.ask(1, &store.AlarmRequest{Action: store.AlarmActivate, Alarm: alarm})
	for range 30 { // beyond a snapshot
		s.ask(1, &store.AlarmRequest{})
	}
	for id := uint64(1); id <= 3; id++ {
		s.Kill(id)
		s.Start(id)
	}
	s.until("the members are at rest", func() bool { return s.Leader() != 0 && s.Converged() })
	for _, req := range []store.Request{
		&store.PutRequest{Key: "k"}, &store.DeleteRangeRequest{Key: "k"}, &store.CompactionRequest{Revision: 1},
		&store.LeaseGrantRequest{TTL: 5}, &store.LeaseRevokeRequest{ID: 5},
		&store.TxnRequest{Success: []store.Op{&store.PutRequest{Key: "k"}}},
	} {
		s.refused(3, req, store.ErrCorrupt)
	}
	s.ask(1, &store.AlarmRequest{Action: store.AlarmDeactivate, Alarm: alarm})
	if r := s.ask(3, &store.PutRequest{Key: "k"}); r.Err != nil {
		t.Errorf("a put after the alarm was disarmed: %v", r.Err)
	}
}

// TestDefragment stops applying and reading on one member, and nothing else.
func TestDefragment(t *testing.T) {
	s := newStory(t, 1, nil)
	s.until("the members are at rest", s.Converged)
	for i := range 50 {
		s.ask(1, &store.PutRequest{Key: keys[i%10], Value: strings.Repeat("x", 500_000)})
	}
	leader := s.Leader()
	c := newCaller(s)
	other := leader%3 + 1
	op := s.NextOp()
	s.Call(trace.Client(0), leader, op, &store.DefragmentRequest{})
	s.run(50 * time.Millisecond)
	applied := s.Member(leader).Applied
	put := s.NextOp()
	s.Call(trace.Client(0), other, put, &store.PutRequest{Key: "k", Value: "v"})
	r := c.await(put)
	if r.Err != nil || s.Member(leader).Applied != applied || s.Member(leader).Commit <= applied {
		t.Errorf("a put to n%d while n%d rewrites its data: %v; n%d has applied %d before, %d now, and knows that %d is committed",
			other, leader, r.Err, leader, applied, s.Member(leader).Applied, s.Member(leader).Commit)
	}
	read := s.NextOp()
	s.Call(trace.Client(0), leader, read, &store.RangeRequest{Key: "k", Serializable: true})
	s.run(50 * time.Millisecond)
	if len(c.answers[read]) > 0 || len(c.answers[op]) > 0 {
		t.Error("a read was served by a member that rewrites its data")
	}
	if r := c.await(op); r.Err != nil {
		t.Error(r.Err)
	}
	if r := c.await(read); r.Err != nil || len(r.Result.(*store.RangeResult).KVs) != 1 {
		t.Errorf("the read that waited: %+v; want what was written meanwhile", r)
	}
	s.until("the members are at rest", s.Converged)
	if s.Leader() != leader {
		t.Error("defragmenting has cost a leadership")
	}
	s.Kill(leader)
	s.Start(leader)
	s.until("the members are at rest", s.Converged)
	sameAsLog(t, s, "after defragmenting and a restart")
}

func TestStatus(t *testing.T) {
	s := newStory(t, 1, nil)
	s.until("the members are at rest", s.Converged)
	s.ask(1, &store.PutRequest{Key: "k", Value: "v"})
	s.until("the members are at rest", s.Converged)
	st, v := s.status(2), s.Member(2)
	want := store.StatusResult{
		Version: "3.7.3", StorageVersion: "3.7.0", Leader: s.Leader(), RaftIndex: v.Commit, RaftTerm: v.Term, RaftAppliedIndex: v.Applied,
		DBSize: st.DBSize, DBSizeInUse: st.DBSizeInUse, DBSizeQuota: 2 << 30,
	}
	if st.DBSize <= 0 || store.HashResponse(store.Response{Result: st}) != store.HashResponse(store.Response{Result: &want}) {
		t.Errorf("status %+v, want %+v", *st, want)
	}
	s.Kill(1)
	s.Kill(3)
	s.until("n2 knows no leader", func() bool { return s.Member(2).Leader == 0 })
	if got := s.status(2).Errors; !slices.Equal(got, []string{"etcdserver: no leader"}) {
		t.Errorf("alone: errors %q", got)
	}
}

func TestHashes(t *testing.T) {
	s := newStory(t, 1, nil)
	s.until("the members are at rest", s.Converged)
	hash := func(id uint64) uint32 {
		return s.ask(id, &store.BackendHashRequest{}).Result.(*store.BackendHashResult).Hash
	}
	before := hash(1)
	s.ask(1, &store.LeaseGrantRequest{ID: 7, TTL: 60})
	s.until("the members are at rest", s.Converged)
	if hash(1) == before || hash(1) != hash(2) || hash(2) != hash(3) {
		t.Errorf("hashes %08x, %08x, %08x after %08x: expected equal ones that a lease has changed", hash(1), hash(2), hash(3), before)
	}
}

// save takes a snapshot of a member as a client does.
func (c *caller) save(member uint64) (saved []byte) {
	c.t.Helper()
	op := c.begin(member, &store.SnapshotRequest{})
	data := -1 // bytes of data that must follow; then the checksum comes
	for parts := 0; ; parts++ {
		c.until("a part arrives", func() bool { return len(c.answers[op]) > parts })
		part, ok := c.answers[op][parts].Result.(*store.SnapshotResult)
		if !ok || data >= 0 && int(part.RemainingBytes) != max(data-len(part.Blob), 0) {
			c.t.Fatalf("part %d: %+v; want the next of %d bytes", parts, c.answers[op][parts].Response, data)
		}
		saved = append(saved, part.Blob...)
		if data == 0 {
			c.HangUp(op)
			return saved
		}
		data = int(part.RemainingBytes)
	}
}

// TestSaveAndRestore takes a copy of one cluster, in the middle of its life and over
// a bad network, and lets another begin with it.
func TestSaveAndRestore(t *testing.T) {
	s := newStory(t, 1, nil)
	s.until("the members are at rest", s.Converged)
	s.must(1, addition(4, true)) // the copy knows of it, the new cluster does not
	for i := range 40 {
		s.ask(1, &store.PutRequest{Key: keys[i%10], Value: fat})
	}
	s.ask(1, &store.LeaseGrantRequest{ID: 7, TTL: 600})
	s.ask(1, &store.PutRequest{Key: "leased", Lease: 7})
	s.ask(1, &store.CompactionRequest{Revision: 20})
	s.until("n2 has applied that", func() bool { return s.Member(2).Applied == s.Member(s.Leader()).Applied })
	net := s.Network().Config()
	net.Drop, net.Reorder = sim.Percent(20), sim.Percent(20)
	s.Network().SetConfig(net)
	file := newCaller(s).save(2)
	s.Network().SetConfig(cluster.DefaultConfig().Net)

	snap, err := saved.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if v := s.Member(2); snap.Revision != v.Revision || snap.Index != v.Applied || snap.Compacted != 20 || len(snap.Leases) != 1 {
		t.Errorf("the copy is of revision %d, index %d, compacted at %d, with %d leases; the member is %+v",
			snap.Revision, snap.Index, snap.Compacted, len(snap.Leases), v)
	}
	restored := newStory(t, 2, func(c *cluster.Config) { eager(c); c.Nodes, c.From = 5, snap })
	restored.until("the members are at rest", restored.Converged)
	old, now := s.ask(2, everything(false)), restored.ask(5, everything(false))
	if store.HashResponse(old) != store.HashResponse(now) || old.Revision != now.Revision {
		t.Errorf("the restored cluster has other keys at revision %d than the old one at %d", now.Revision, old.Revision)
	}
	checksum := &store.HashKVRequest{Revision: snap.Revision}
	if old, now := s.ask(2, checksum).Result, restored.ask(5, checksum).Result; *old.(*store.HashKVResult) != *now.(*store.HashKVResult) {
		t.Errorf("the checksum of the restored cluster is %+v, that of the old one %+v", now, old)
	}
	if members := restored.ask(1, &store.MemberListRequest{}).Result.(*store.MembersResult).Members; len(members) != 5 {
		t.Errorf("the restored cluster has the members %v", members)
	}
	for range 40 {
		if r := restored.ask(3, &store.PutRequest{Key: "new"}); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	for id := uint64(1); id <= 5; id++ {
		restored.Kill(id)
	}
	for id := uint64(1); id <= 5; id++ {
		restored.Start(id)
	}
	restored.until("the members are at rest", func() bool { return restored.Leader() != 0 && restored.Converged() })
	lease := restored.ask(4, &store.LeaseTimeToLiveRequest{ID: 7, Keys: true}).Result.(*store.LeaseTimeToLiveResult)
	if !slices.Equal(lease.Keys, []string{"leased"}) {
		t.Errorf("the lease after a restart: %+v", lease)
	}
	if r := restored.ask(4, everything(true)); r.Revision != old.Revision+40 {
		t.Errorf("40 puts later and after a restart the restored cluster is at revision %d, want %d", r.Revision, old.Revision+40)
	}
}

// TestFullDisk: a member whose disk is full dies, dies again when it is started,
// and returns when there is room.
func TestFullDisk(t *testing.T) {
	s := newStory(t, 1, eager)
	s.write()
	s.run(300 * time.Millisecond)
	victim := s.Leader()
	s.Disk(victim).Fill()
	s.until("the member dies", func() bool { return s.Member(victim).State == cluster.Down })
	acked := s.w.acked
	s.until("the others go on", func() bool { return s.w.acked > acked+50 })
	s.Start(victim)
	s.until("it dies again", func() bool { return s.Member(victim).State == cluster.Down })
	s.Disk(victim).Free()
	s.Start(victim)
	s.run(2 * time.Second)
	s.converge()
	if lost := s.lost(); len(lost) > 0 {
		t.Errorf("acknowledged and lost: %+v", lost)
	}
	if s.Member(victim).State != cluster.Up || s.log.Hits(trace.ProbeDiskFull) < 2 {
		t.Errorf("n%d is %v after %d deaths of a full disk", victim, s.Member(victim).State, s.log.Hits(trace.ProbeDiskFull))
	}
}
