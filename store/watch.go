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
	// Revision of the store when the response was made. All events of the watcher
	// up to it have been sent with this response, unless it was cancelled.
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
