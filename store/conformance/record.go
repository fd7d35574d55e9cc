// Package conformance reads recordings of real etcd servers: requests that were
// sent one after another to a fresh server, and what it answered, as JSON lines.
// Tests replay them against the stores, whole clusters and served members, and
// compare every answer, event and error text. It is for tests only, which it
// skips where the recordings are not at hand.
package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"

	"etcdsim/store"
)

// Record is one line of a recording.
type Record struct {
	// Line counts from 0.
	Line int
	// Op is the method: Put, Range, RangeStream, DeleteRange, Txn, Compact, HashKV,
	// LeaseGrant, LeaseRevoke, LeaseTimeToLive, LeaseLeases, LeaseKeepAlive, Watch,
	// WatchOpen, WatchDrain or WatchClose.
	Op string
	// Desc is the request in words, for people only.
	Desc string
	// Request and Response are set unless Op concerns watching.
	Request  store.Request
	Response store.Response
	// TTLVolatile says that Response's TTL was left out, because it depends on the
	// wall clock.
	TTLVolatile bool

	// Stream names the stream of WatchOpen, WatchDrain and WatchClose.
	Stream string
	// Watch is set if Op opens a watcher: Watch or WatchOpen.
	Watch *store.WatchRequest
	// Watched is what a watcher saw, set if Op concerns watching.
	Watched *Watched
}

// Watched is what a watcher saw while one line was recorded, with batching
// removed.
type Watched struct {
	// Created is the answer to the request that opened the watcher, or nil.
	Created *store.WatchResponse
	// Events are in order.
	Events []store.Event
	// Canceled is the response that ended the watcher, or nil.
	Canceled *store.WatchResponse
	// UpTo is the revision up to which the watcher was read.
	UpTo int64
}

// Parse reads a recording. Errors name the line.
func Parse(data []byte) ([]Record, error) {
	var records []Record
	n := 0
	for text := range bytes.Lines(data) {
		n++
		var line jsonLine
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields() // a field that nobody compares would be a hole
		if err := decoder.Decode(&line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		record, err := line.record()
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		records = append(records, record)
	}
	return records, nil
}
