package store

// WatchRequest opens a watcher: it learns of every change to the keys of a range,
// in order, from a revision on.
type WatchRequest struct {
	// Key and RangeEnd are those of a range; an empty Key is the smallest one,
	// "\x00".
	Key, RangeEnd string
	// StartRevision is the first revision of interest; 0 means from now on.
	StartRevision int64
	// WatchID is chosen by the stream if 0.
	WatchID int64
	// ProgressNotify asks for an empty response now and then while nothing happens.
	ProgressNotify bool
	// NoPut and NoDelete leave out events of a type.
	NoPut, NoDelete bool
	// PrevKV asks for the key-value before each change.
	PrevKV bool
	// Fragment lets large responses be split.
	Fragment bool
}

// EventType says what happened to a key; the values are etcd's.
type EventType int32

// Types of events.
const (
	EventPut EventType = iota
	EventDelete
)

// Event is one change to one key.
type Event struct {
	Type EventType
	// KV is the key-value after a put. Of a deletion it has the key, and the
	// revision of the deletion as its mod revision.
	KV *KeyValue
	// PrevKV is the key-value before, if the watcher asked for it and it is known.
	PrevKV *KeyValue
}

// WatchResponse is a message on a stream of watchers.
type WatchResponse struct {
	// Revision of the store when the response was made. If there are no events, the
	// watcher has been sent all up to it; if there are, more up to it may follow.
	Revision int64
	// WatchID is the watcher's, or NoWatcher.
	WatchID int64
	// Created says that this answers a WatchRequest.
	Created bool
	// Canceled says that nothing follows; CancelReason may tell why.
	Canceled     bool
	CancelReason string
	// CompactRevision is set if the watcher was cancelled because the revisions
	// that it still needed were compacted.
	CompactRevision int64
	// Fragment says that further parts of this response follow.
	Fragment bool
	Events   []Event
}

// NoWatcher stands in WatchID for a watcher that could not be created, and for
// all watchers of a stream in a notification of progress.
const NoWatcher = -1

// A client watches over a stream to one member: a Call that is answered many
// times. The first request on it is a StreamOpenRequest; WatchRequest,
// WatchCancelRequest and WatchProgressRequest follow, and what HTTP/2 does
// underneath: StreamTakenRequest, StreamPingRequest, StreamCloseRequest. Each
// answer is a WatchResponse or a StreamPong. An answer with an error ends the
// stream.

// StreamOpenRequest opens a stream.
type StreamOpenRequest struct {
	// RequireLeader asks that the stream end when the member has known no leader
	// for some time; the metadata "hasleader" of etcd's clients.
	RequireLeader bool
	// Window is how many bytes the client takes in before it has dealt with any;
	// HTTP/2's flow control (RFC 9113, section 5.2). 0 means 64 KiB less one byte,
	// which is HTTP/2's default.
	Window int64
}

// DefaultWindow is the initial window of a stream in HTTP/2.
const DefaultWindow = 1<<16 - 1

// WatchCancelRequest ends a watcher of the stream.
type WatchCancelRequest struct{ WatchID int64 }

// WatchProgressRequest asks for a response that says up to which revision the
// watchers of the stream have been served.
type WatchProgressRequest struct{}

// StreamTakenRequest tells that the client has dealt with so many bytes and takes
// as many more; HTTP/2's WINDOW_UPDATE.
type StreamTakenRequest struct{ Bytes int64 }

// StreamPingRequest asks whether the member is there; it is answered at once.
type StreamPingRequest struct{}

// StreamCloseRequest ends the stream. It is not answered. To HTTP/2 a call that is
// answered once is a stream, too: it tells the member that nobody waits for that
// answer any more, since the client gave up or its deadline has passed.
type StreamCloseRequest struct{}

// StreamPong answers a StreamPingRequest.
type StreamPong struct{}

func (*StreamOpenRequest) isRequest()    {}
func (*WatchRequest) isRequest()         {}
func (*WatchCancelRequest) isRequest()   {}
func (*WatchProgressRequest) isRequest() {}
func (*StreamTakenRequest) isRequest()   {}
func (*StreamPingRequest) isRequest()    {}
func (*StreamCloseRequest) isRequest()   {}

func (*WatchResponse) isResult() {}
func (*StreamPong) isResult()    {}

// IsProgress reports whether the response says nothing but how far its watcher
// has been served.
func (r *WatchResponse) IsProgress() bool {
	return len(r.Events) == 0 && !r.Created && !r.Canceled && r.CompactRevision == 0
}

// Bytes returns about what the response takes on the wire.
func (r *WatchResponse) Bytes() int64 {
	const header, perEvent, perKV = 40, 8, 24
	n := int64(header + len(r.CancelReason))
	for i := range r.Events {
		n += perEvent
		for _, kv := range [...]*KeyValue{r.Events[i].KV, r.Events[i].PrevKV} {
			if kv != nil {
				n += int64(perKV + len(kv.Key) + len(kv.Value))
			}
		}
	}
	return n
}
