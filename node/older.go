package node

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/raft/v3"

	"etcdsim/sim/trace"
	"etcdsim/store"
	v2store "etcdsim/store/v2"
)

// The older store: etcd's v2 tree, which a member keeps beside the key-values. Its
// commands go through the same log (etcd's v2_server.go), and what they made of it
// belongs to snapshots, to the backend and to the hash of the state. A member that
// never applied such a command has none of this, neither in memory nor in bytes.

// older is the older store of a member, with those who wait for it.
type older struct {
	// store is nil until somebody asks. begun: the log has held a command; only then
	// is the store a part of the state.
	store *v2store.Store
	begun bool
	// hash digests what all commands led to, one after another; 0 before the first.
	hash uint64
	// last is what the newest command led to.
	last v2store.Result
	// journal holds the commands since the newest record of the backend, each with
	// its length before it, and size is that of the store in the newest image.
	journal []byte
	size    int64

	// calls are the requests whose command is on its way through the log, by the ID
	// of the proposal.
	calls map[uint64]olderCall
	// waits are the requests that wait for an event, in the order of their arrival.
	waits []*olderWait
	// armed: the timer of the next look at what expires is set.
	armed bool
}

// olderCall is a request of the older APIs that was understood.
type olderCall struct {
	Call
	asked v2store.Call
}

// open returns the store, to be asked.
func (o *older) open() *v2store.Store {
	if o.store == nil {
		o.store = v2store.New()
	}
	return o.store
}

// apply applies an encoded command.
func (o *older) apply(encoded []byte) (*store.OlderResult, error) {
	command, err := v2store.DecodeCommand(encoded)
	if err != nil {
		return nil, err
	}
	o.last, o.begun = o.open().Apply(command), true
	result := &store.OlderResult{Index: o.last.Index, Text: outcome(o.last)}
	o.hash = store.MixString(store.Mix(o.hash, result.Index), result.Text)
	o.journal = appendBytes(o.journal, encoded)
	return result, nil
}

// outcome is what a command led to, as v2 shows it.
func outcome(r v2store.Result) string {
	var text []byte
	switch {
	case r.Err != nil:
		text = r.Err.AppendJSON(text)
	case r.Event != nil:
		text = r.Event.AppendJSON(text)
	}
	for _, e := range r.Expired {
		text = append(e.AppendJSON(text), '\n')
	}
	return string(text)
}

// append appends the whole of the older store: the hash of the outcomes in 8 bytes,
// and the tree as its own package writes it; nothing before the first command.
func (o *older) append(buf []byte) []byte {
	if !o.begun {
		return buf
	}
	image := o.store.Snapshot()
	o.size = int64(len(image))
	return append(binary.LittleEndian.AppendUint64(buf, o.hash), image...)
}

// appendJournal appends the commands since the newest record of the backend.
func (o *older) appendJournal(buf []byte) []byte {
	buf = append(buf, o.journal...)
	o.journal = o.journal[:0]
	return buf
}

// become replaces the store by that of a snapshot. Those who wait go on waiting.
func (o *older) become(image []byte) error {
	fresh, hash := v2store.New(), uint64(0)
	if len(image) > 0 {
		if len(image) < 8 {
			return errMalformedState
		}
		var err error
		if fresh, err = v2store.Restore(image[8:]); err != nil {
			return err
		}
		hash = binary.LittleEndian.Uint64(image)
	}
	if o.store != nil {
		fresh.Inherit(o.store)
	}
	o.begun, o.hash, o.size = len(image) > 0, hash, int64(len(image))
	if o.begun || o.store != nil {
		o.store = fresh
	}
	return nil
}

// redo applies the commands of a batch.
func (o *older) redo(batch []byte) error {
	for len(batch) > 0 {
		encoded, rest, ok := cutBytes(batch)
		if !ok {
			return errMalformedState
		}
		if _, err := o.apply(encoded); err != nil {
			return err
		}
		batch = rest
	}
	return nil
}

// olderTime is the member's clock as commands carry it.
func (n *Node) olderTime() v2store.Time { return v2store.Epoch + v2store.Time(n.wall()) }

// applyOlder applies a command of the log and tells those who wait for its event.
func (n *Node) applyOlder(index uint64, r *store.OlderRequest) store.Response {
	n.kv.Skip(index)
	result, err := n.older.apply([]byte(r.Command))
	if err != nil {
		panic(fmt.Sprintf("node %d: committed older command %d does not decode: %v", n.id, index, err))
	}
	switch last := &n.older.last; {
	case len(last.Expired) > 0:
		n.log.Hit(trace.ProbeOlderExpired)
	case last.Err != nil && last.Err.Code == v2store.CompareFailed:
		n.log.Hit(trace.ProbeOlderConflict)
	}
	n.tellWaits()
	n.expireOlderLater()
	return store.Response{Revision: n.kv.Revision(), Result: result}
}

// proposeOlder sends the command of a request through the log. Unlike v3, v2 has
// no bound on its size, nor on how far the store may lag.
func (n *Node) proposeOlder(c olderCall) {
	if n.older.calls == nil {
		n.older.calls = make(map[uint64]olderCall)
	}
	n.older.calls[c.Op] = c
	n.submit(c.Call, encodeOlder(c.Op, c.asked.Command))
}

func encodeOlder(id uint64, command v2store.Command) []byte {
	p := store.Proposal{ID: id, Request: &store.OlderRequest{Command: string(command.Append(nil))}}
	return store.AppendProposal(nil, &p)
}

// answerOlder answers the request whose command has come through the log, or will
// not in time. It returns false if the proposal is of another kind.
func (n *Node) answerOlder(id uint64, r store.Response) bool {
	c, ok := n.older.calls[id]
	if !ok {
		return false
	}
	delete(n.older.calls, id)
	m := n.olderMember()
	var response store.HTTPResult
	if r.Err != nil {
		response = c.asked.Refuse(v2store.Unavailable(r.Err.Text), m)
	} else {
		m.StoreIndex = n.older.last.Index
		response = c.asked.Reply(n.older.last, m)
	}
	n.reply(c.Call, response)
	return true
}

// syncPeriod is how often a leader looks for nodes that expire; etcd's SyncTicker.
const syncPeriod = 500 * time.Millisecond

// expireOlderLater sets the timer of the next look, if this member leads and there
// is anything that expires.
func (n *Node) expireOlderLater() {
	o := &n.older
	if o.armed || o.store == nil || !n.leasing.leads {
		return
	}
	if _, ok := o.store.NextExpiration(); ok {
		o.armed = true
		n.setTimer(n.untilBeat(syncPeriod), tokenOlder)
	}
}

// expireOlder lets the log expire what is due. etcd's leader proposes as much every
// time; here it does so only if something is due, which comes to the same.
func (n *Node) expireOlder() {
	n.older.armed = false
	if !n.leasing.leads || n.leader == raft.None {
		return
	}
	now := n.olderTime()
	if due, ok := n.older.store.NextExpiration(); ok && due <= now {
		id := n.nextID()
		n.offer(id, encodeOlder(id, v2store.Sync(now)))
	}
	n.expireOlderLater()
}

// olderWait is a request that waits for an event.
type olderWait struct {
	olderCall
	watcher *v2store.Watcher
	// head is what the answer begins with, if it was not sent yet.
	head *store.HTTPResult
}

// waitOlder takes in a request that waits. Over a stream v2 begins its answer at
// once; otherwise, and in v1, the answer comes in one piece.
func (n *Node) waitOlder(c olderCall, v1 bool) {
	head, watcher := c.asked.Serve(n.older.open(), n.olderTime(), n.olderMember())
	if watcher == nil {
		n.reply(c.Call, head)
		return
	}
	w := &olderWait{olderCall: c, watcher: watcher}
	if c.Streamed && !v1 {
		head.More = true
		n.reply(c.Call, head)
	} else {
		w.head = &head
	}
	n.older.waits = append(n.older.waits, w)
	n.serveWait(w)
}

// tellWaits serves those who were told something by the newest command.
func (n *Node) tellWaits() {
	if len(n.older.waits) == 0 {
		return
	}
	for _, told := range slices.Clone(n.older.store.Ready()) {
		if i := slices.IndexFunc(n.older.waits, func(w *olderWait) bool { return w.watcher == told }); i >= 0 {
			n.log.Hit(trace.ProbeOlderWoken)
			n.serveWait(n.older.waits[i])
		}
	}
}

// serveWait sends what a request has waited for. A stream of events goes on until
// its client hangs up; anybody else is done after one.
func (n *Node) serveWait(w *olderWait) {
	for {
		e, ok := w.watcher.Next()
		if !ok {
			return
		}
		m := n.olderMember()
		part := store.HTTPResult{Body: w.asked.Chunk(e, m), More: w.Streamed && w.asked.Stream}
		if w.head != nil {
			part.Status, part.Header, w.head = w.head.Status, w.head.Header, nil
		}
		n.reply(w.Call, part)
		if !part.More {
			n.leaveOlder(w.Op)
			return
		}
	}
}

// leaveOlder ends the wait of an operation, if there is one.
func (n *Node) leaveOlder(op uint64) {
	o := &n.older
	if i := slices.IndexFunc(o.waits, func(w *olderWait) bool { return w.Op == op }); i >= 0 {
		o.store.Cancel(o.waits[i].watcher)
		o.waits = slices.Delete(o.waits, i, i+1)
	}
}

// OlderState returns the index of the older store and a digest of all that is in
// it; 0 if the log held no command of it. It takes as long as a snapshot.
func (n *Node) OlderState() (index, hash uint64) {
	if !n.older.begun {
		return 0, 0
	}
	return n.older.store.Index(), n.older.store.Hash()
}
