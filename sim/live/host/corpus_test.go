package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"etcdsim/store/conformance"
)

// recorded is a line of the recording of a real etcd.
type recorded struct {
	I        int
	Op       string
	Desc     string
	Stream   string
	Request  json.RawMessage
	Response json.RawMessage
	Error    *struct{ Code, Message string }
	Volatile []string
	Watch    *recordedWatch
}

// recordedWatch is what a watcher saw while a line was recorded.
type recordedWatch struct {
	Created      json.RawMessage
	Events       []json.RawMessage
	Canceled     json.RawMessage
	UpToRevision int64 `json:"up_to_revision"`
}

// What a real etcd was asked over gRPC is asked of a served cluster: every message
// that comes back must be the recorded one.
func TestAnswersAsRecordedFromEtcd(t *testing.T) {
	data := conformance.V3.Read(t)
	s := startAt(t, 20) // watchers that are behind are served every 100 ms
	conn := s.client(s.Endpoints()[0]).ActiveConnection()
	r := &corpus{t: t, conn: conn, watchers: map[string]*watcher{}}
	for text := range bytes.Lines(data) {
		var rec recorded
		if err := json.Unmarshal(text, &rec); err != nil {
			t.Fatal(err)
		}
		before := r.differ
		if rec.Watch != nil {
			r.watch(&rec)
		} else {
			r.ask(&rec)
		}
		if r.differ > before && r.differ <= 5 {
			t.Errorf("line %d: %s %s", rec.I, rec.Op, rec.Desc)
		}
	}
	t.Logf("%d answers and %d views of watchers compared, %d differ", r.answers, r.views, r.differ)
}

// corpus asks one thing after another.
type corpus struct {
	t        *testing.T
	conn     *grpc.ClientConn
	watchers map[string]*watcher
	revision int64 // the newest that an answer has shown

	answers, views, differ int
}

// method says how an operation is asked.
type method struct {
	path     string
	in, out  proto.Message
	streamed bool
}

func methods(op string) method {
	return map[string]method{
		"Put":             {pb.KV_Put_FullMethodName, &pb.PutRequest{}, &pb.PutResponse{}, false},
		"Range":           {pb.KV_Range_FullMethodName, &pb.RangeRequest{}, &pb.RangeResponse{}, false},
		"RangeStream":     {pb.KV_RangeStream_FullMethodName, &pb.RangeRequest{}, &pb.RangeResponse{}, true},
		"DeleteRange":     {pb.KV_DeleteRange_FullMethodName, &pb.DeleteRangeRequest{}, &pb.DeleteRangeResponse{}, false},
		"Txn":             {pb.KV_Txn_FullMethodName, &pb.TxnRequest{}, &pb.TxnResponse{}, false},
		"Compact":         {pb.KV_Compact_FullMethodName, &pb.CompactionRequest{}, &pb.CompactionResponse{}, false},
		"HashKV":          {pb.Maintenance_HashKV_FullMethodName, &pb.HashKVRequest{}, &pb.HashKVResponse{}, false},
		"LeaseGrant":      {pb.Lease_LeaseGrant_FullMethodName, &pb.LeaseGrantRequest{}, &pb.LeaseGrantResponse{}, false},
		"LeaseRevoke":     {pb.Lease_LeaseRevoke_FullMethodName, &pb.LeaseRevokeRequest{}, &pb.LeaseRevokeResponse{}, false},
		"LeaseTimeToLive": {pb.Lease_LeaseTimeToLive_FullMethodName, &pb.LeaseTimeToLiveRequest{}, &pb.LeaseTimeToLiveResponse{}, false},
		"LeaseLeases":     {pb.Lease_LeaseLeases_FullMethodName, &pb.LeaseLeasesRequest{}, &pb.LeaseLeasesResponse{}, false},
		"LeaseKeepAlive":  {pb.Lease_LeaseKeepAlive_FullMethodName, &pb.LeaseKeepAliveRequest{}, &pb.LeaseKeepAliveResponse{}, true},
	}[op]
}

// ask makes one request and compares the answer.
func (r *corpus) ask(rec *recorded) {
	m := methods(rec.Op)
	if m.in == nil {
		r.t.Fatalf("line %d: no method %s", rec.I, rec.Op)
	}
	r.parse(rec.Request, m.in)
	ctx := soon(r.t)
	var err error
	if m.streamed {
		err = r.askStream(ctx, &m)
	} else {
		err = r.conn.Invoke(ctx, m.path, m.in, m.out)
	}
	r.answers++
	if err != nil || rec.Error != nil {
		got := status.Convert(err)
		if rec.Error == nil || got.Code().String() != rec.Error.Code || got.Message() != rec.Error.Message {
			r.differ++
			r.t.Logf("got %v, want %+v", err, rec.Error)
		}
		return
	}
	want := m.out.ProtoReflect().New().Interface()
	r.parse(rec.Response, want)
	r.strip(m.out)
	for _, name := range rec.Volatile {
		m.out.ProtoReflect().Clear(m.out.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name)))
	}
	r.compare(want, m.out)
}

// askStream asks on a stream, and merges the parts of the answer.
func (r *corpus) askStream(ctx context.Context, m *method) error {
	if keep, ok := m.in.(*pb.LeaseKeepAliveRequest); ok {
		stream, err := pb.NewLeaseClient(r.conn).LeaseKeepAlive(ctx)
		if err != nil {
			return err
		}
		if err := stream.Send(keep); err != nil {
			return err
		}
		got, err := stream.Recv()
		if err == nil {
			m.out = got
		}
		_ = stream.CloseSend()
		return err
	}
	stream, err := pb.NewKVClient(r.conn).RangeStream(ctx, m.in.(*pb.RangeRequest))
	if err != nil {
		return err
	}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		proto.Merge(m.out, part.RangeResponse)
	}
}

func (r *corpus) parse(text json.RawMessage, into proto.Message) {
	r.t.Helper()
	if len(text) == 0 {
		return
	}
	if err := protojson.Unmarshal(text, into); err != nil {
		r.t.Fatalf("%s: %v", text, err)
	}
}

// strip leaves of each header the revision, and sorts what etcd answers in the order
// of a map.
func (r *corpus) strip(m proto.Message) {
	if h, ok := m.(interface{ GetHeader() *pb.ResponseHeader }); ok && h.GetHeader() != nil {
		if h.GetHeader().ClusterId == 0 || h.GetHeader().MemberId == 0 || h.GetHeader().RaftTerm == 0 {
			r.t.Errorf("a header without identity: %v", h.GetHeader())
		}
		r.revision = max(r.revision, h.GetHeader().Revision)
		h.GetHeader().ClusterId, h.GetHeader().MemberId, h.GetHeader().RaftTerm = 0, 0, 0
	}
	switch m := m.(type) {
	case *pb.LeaseTimeToLiveResponse:
		slices.SortFunc(m.Keys, bytes.Compare)
	case *pb.LeaseLeasesResponse:
		slices.SortFunc(m.Leases, func(a, b *pb.LeaseStatus) int { return int(a.ID - b.ID) })
	}
}

func (r *corpus) compare(want, got proto.Message) {
	if !proto.Equal(want, got) {
		r.differ++
		r.t.Logf("got  %v\nwant %v", got, want)
	}
}

// watcher is a stream with one watcher.
type watcher struct {
	pb.Watch_WatchClient
	cancel context.CancelFunc
	start  int64
	over   bool
	// heard are the messages that came.
	heard chan *pb.WatchResponse
}

// watch opens, reads or closes a watcher, and compares what it saw.
func (r *corpus) watch(rec *recorded) {
	r.views++
	w := r.watchers[rec.Stream]
	var created *pb.WatchResponse
	if rec.Op == "Watch" || rec.Op == "WatchOpen" {
		w, created = r.open(rec)
		r.watchers[rec.Stream] = w
	}
	var events []*mvccpb.Event
	var canceled *pb.WatchResponse
	if rec.Op != "WatchOpen" {
		events, canceled = r.read(w)
	}
	if rec.Op == "Watch" || rec.Op == "WatchClose" {
		w.cancel()
	}
	r.compareView(rec.Watch.Created, created)
	r.compareView(rec.Watch.Canceled, canceled)
	if len(events) != len(rec.Watch.Events) {
		r.differ++
		r.t.Logf("%d events, want %d", len(events), len(rec.Watch.Events))
		return
	}
	for i, text := range rec.Watch.Events {
		want := &mvccpb.Event{}
		r.parse(text, want)
		r.compare(want, events[i])
	}
}

func (r *corpus) open(rec *recorded) (*watcher, *pb.WatchResponse) {
	create := &pb.WatchCreateRequest{}
	r.parse(rec.Request, create)
	ctx, cancel := context.WithCancel(r.t.Context())
	stream, err := pb.NewWatchClient(r.conn).Watch(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(cancel)
	w := &watcher{Watch_WatchClient: stream, cancel: cancel, start: create.StartRevision, heard: make(chan *pb.WatchResponse, 1000)}
	go func() {
		for {
			resp, err := stream.Recv()
			if err != nil {
				return
			}
			w.heard <- resp
		}
	}()
	if err := stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: create}}); err != nil {
		r.t.Fatal(err)
	}
	created := <-w.heard
	w.over = created.Canceled
	return w, created
}

// read reads a watcher until it has been served up to the newest revision.
func (r *corpus) read(w *watcher) (events []*mvccpb.Event, canceled *pb.WatchResponse) {
	ask := &pb.WatchRequest{RequestUnion: &pb.WatchRequest_ProgressRequest{ProgressRequest: &pb.WatchProgressRequest{}}}
	for !w.over && w.start <= r.revision {
		if err := w.Send(ask); err != nil {
			r.t.Fatal(err)
		}
		var resp *pb.WatchResponse
		select {
		case resp = <-w.heard:
		case <-time.After(10 * time.Millisecond): // while a watcher is behind, nobody answers
			continue
		}
		events = append(events, resp.Events...)
		switch {
		case resp.Canceled:
			canceled, w.over = resp, true
		case len(resp.Events) == 0 && resp.Header.Revision >= r.revision:
			return events, nil
		}
	}
	return events, canceled
}

// compareView compares a message of a watcher that may be missing.
func (r *corpus) compareView(text json.RawMessage, got *pb.WatchResponse) {
	if len(text) == 0 || got == nil {
		if (len(text) == 0) != (got == nil) {
			r.differ++
			r.t.Logf("got %v, want %s", got, text)
		}
		return
	}
	want := &pb.WatchResponse{}
	r.parse(text, want)
	got = proto.CloneOf(got)
	got.Events = nil
	r.strip(got)
	if want.Header == nil && got.Header.GetRevision() == 0 {
		got.Header = nil
	}
	r.compare(want, got)
}
