package history

import (
	"etcdsim/sim"
	"etcdsim/store"
)

// Watch is one watcher as its application sees it: from its creation to its end,
// over however many streams the client had to serve it by.
type Watch struct {
	// Client counts from 0; a client may have several watchers.
	Client int
	// Load names the workload that the watcher belongs to.
	Load string
	// Request is what the application asked for.
	Request store.WatchRequest
	// Answers are what the client was told, in the order in which it took them.
	// Parts of a response that was split are put together again.
	Answers []WatchAnswer
}

// WatchAnswer is one response to a watcher.
type WatchAnswer struct {
	// At is when the client took it.
	At sim.Time
	// Member sent it, on the stream of this operation.
	Member, Stream uint64
	// From is the start revision that the client asked for on this stream, in the
	// answer that says that the watcher was created: the application's at first,
	// and where the client goes on later.
	From int64
	// Response must not be changed; watchers of one stream may share it.
	Response *store.WatchResponse
}
