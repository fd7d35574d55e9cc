package wal

import "etcdsim/store/record"

// Kinds of the log's records.
const (
	// segmentRecord opens a segment file.
	segmentRecord record.Kind = 1 + iota
	// entryRecord holds one raft entry. It replaces the entries of its index and
	// above that stand before it.
	entryRecord
	// stateRecord holds a hard state. The last one counts.
	stateRecord
	// markerRecord names a snapshot file.
	markerRecord

	lastKind = markerRecord
)
