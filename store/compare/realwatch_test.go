package compare

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/metadata"

	"etcdsim/store"
)

// realStream is a stream of watch responses from etcd.
type realStream struct {
	number int
	client pb.Watch_WatchClient
	cancel context.CancelFunc
	got    chan *store.WatchResponse
	err    error // why got was closed
	// open are the watchers that etcd has not cancelled at the client's request, by ID.
	open map[int64]*realWatcher
	sightings
	progress int64 // newest revision that the stream said to have reached
}

type realWatcher struct {
	start int64
	// over: a compaction cancelled it. It stands in the way of progress all the same.
	over bool
}

func (r *real) openStream(s step) (*realStream, error) {
	ctx, cancel := context.WithCancel(context.Background())
	if token := r.token(s.As); token != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "token", token)
	}
	client, err := pb.NewWatchClient(r.conn).Watch(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	st := &realStream{
		number: s.Stream, client: client, cancel: cancel, got: make(chan *store.WatchResponse, 1024), open: map[int64]*realWatcher{},
	}
	go func() {
		defer close(st.got)
		for {
			resp, err := client.Recv()
			if err != nil {
				st.err = err
				return
			}
			from := fromWatch(resp)
			st.got <- &from
		}
	}()
	r.streams[s.Stream] = st
	return st, nil
}

// await handles responses until one is wanted, or until so much time has passed:
// then it returns nil.
func (st *realStream) await(within time.Duration, wanted func(*store.WatchResponse) bool) (*store.WatchResponse, error) {
	timeout := time.After(within)
	for {
		select {
		case resp, ok := <-st.got:
			if !ok {
				return nil, fmt.Errorf("stream %d ended: %w", st.number, st.err)
			}
			switch {
			case resp.Created, resp.Canceled && resp.CompactRevision == 0: // answers to requests
			case resp.IsProgress():
				st.progress = resp.Revision
			default:
				st.take(st.number, resp)
				if w := st.open[resp.WatchID]; w != nil && resp.CompactRevision != 0 {
					w.over = true
				}
			}
			if wanted(resp) {
				return resp, nil
			}
		case <-timeout:
			return nil, nil
		}
	}
}

func (r *real) watch(s step, req *store.WatchRequest) (answer, error) {
	st := r.streams[s.Stream]
	if st == nil {
		var err error
		if st, err = r.openStream(s); err != nil {
			return answer{}, err
		}
	}
	create := &pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: toWatch(req)}}
	if err := st.client.Send(create); err != nil {
		return answer{}, err
	}
	resp, err := st.await(patience, func(w *store.WatchResponse) bool { return w.Created })
	if err != nil || resp == nil {
		return answer{}, fmt.Errorf("%w: %v: %w", errSilent, s, err)
	}
	if !resp.Canceled {
		st.open[resp.WatchID] = &realWatcher{start: req.StartRevision}
	}
	return answer{Response: r.learn(req, store.Response{Revision: resp.Revision, Result: resp})}, nil
}

func (r *real) cancelWatch(s step, req *store.WatchCancelRequest) (answer, error) {
	st := r.streams[s.Stream]
	if st == nil || st.open[req.WatchID] == nil {
		return answer{}, nil // etcd does not answer
	}
	if err := r.settle(st); err != nil { // what it was told already might be lost
		return answer{}, err
	}
	cancel := &pb.WatchRequest{RequestUnion: &pb.WatchRequest_CancelRequest{CancelRequest: &pb.WatchCancelRequest{WatchId: req.WatchID}}}
	if err := st.client.Send(cancel); err != nil {
		return answer{}, err
	}
	resp, err := st.await(patience, func(w *store.WatchResponse) bool {
		return w.Canceled && w.CompactRevision == 0 && w.WatchID == req.WatchID
	})
	if err != nil || resp == nil {
		return answer{}, fmt.Errorf("%w: %v: %w", errSilent, s, err)
	}
	delete(st.open, req.WatchID)
	return answer{Response: r.learn(req, store.Response{Revision: resp.Revision, Result: resp})}, nil
}

func (r *real) closeStream(s step) (answer, error) {
	if st := r.streams[s.Stream]; st != nil {
		st.cancel()
		delete(r.streams, s.Stream)
	}
	return answer{}, nil
}

// settle reads a stream until it has told everything.
func (r *real) settle(st *realStream) error {
	st.progress = 0
	if len(st.open) == 0 {
		return nil
	}
	request := &pb.WatchRequest{RequestUnion: &pb.WatchRequest_ProgressRequest{ProgressRequest: &pb.WatchProgressRequest{}}}
	for begun := time.Now(); ; {
		if err := st.client.Send(request); err != nil {
			return err
		}
		wait := 5 * time.Millisecond
		silent := st.silent(r.newest)
		if silent {
			wait = 250 * time.Millisecond // more than two rounds in which etcd serves those behind
		}
		resp, err := st.await(wait, func(w *store.WatchResponse) bool { return w.IsProgress() && w.Revision >= r.newest })
		if err != nil || resp != nil || silent {
			return err
		}
		if time.Since(begun) > patience {
			return fmt.Errorf("%w: progress of stream %d", errSilent, st.number)
		}
	}
}

// silent reports whether etcd says nothing about the progress of a stream: when
// one of its watchers begins in the future, or was cancelled by a compaction.
func (st *realStream) silent(newest int64) bool {
	for _, w := range st.open { // unordered: whether there is one
		if w.over || w.start > newest {
			return true
		}
	}
	return false
}

func (r *real) settleAll() error {
	for _, number := range slices.Sorted(maps.Keys(r.streams)) {
		if err := r.settle(r.streams[number]); err != nil {
			return err
		}
	}
	return nil
}

// read tells what all streams have seen since the last time.
func (r *real) read() (answer, error) {
	if err := r.settleAll(); err != nil {
		return answer{}, err
	}
	list := []seen{}
	for _, number := range slices.Sorted(maps.Keys(r.streams)) {
		st := r.streams[number]
		list = append(list, st.report()...)
		list = append(list, seen{Stream: int64(number), ID: store.NoWatcher, Progress: st.progress})
	}
	return answer{Seen: r.rename(list).([]seen)}, nil
}
