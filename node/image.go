package node

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"etcdsim/store"
	"etcdsim/store/mvcc"
)

// A saved snapshot is what a member sends when it is asked for a copy of its data,
// all parts one after another: the data, and their SHA-256. It is what "etcdctl
// snapshot save" puts into a file, what "etcdutl snapshot status" looks at, and what
// "etcdutl snapshot restore" makes new members of.

// SavedStatus describes a saved snapshot.
type SavedStatus struct {
	// Hash is a checksum over the data, whoever saved them.
	Hash uint32
	// Revision is that of the store, TotalKeys counts the versions in it, and TotalSize
	// is the size of the file that a member would keep them in.
	Revision             int64
	TotalKeys, TotalSize int64
	Version              string
}

// errNoChecksum and errOtherChecksum refuse what is no saved snapshot.
var (
	errNoChecksum    = errors.New("snapshot missing hash")
	errOtherChecksum = errors.New("expected another sha256")
)

// CheckSaved verifies a saved snapshot and describes it.
func CheckSaved(saved []byte) (SavedStatus, error) {
	kv, err := openSaved(saved)
	if err != nil {
		return SavedStatus{}, err
	}
	return SavedStatus{
		Hash: kv.BackendHash(), Revision: kv.Revision(), TotalKeys: kv.Versions(), TotalSize: kv.Size(), Version: store.StorageVersion,
	}, nil
}

// openSaved returns the store in a saved snapshot.
func openSaved(saved []byte) (*mvcc.Store, error) {
	end := len(saved) - sha256.Size
	if end < 0 {
		return nil, fmt.Errorf("%w: %d bytes", errNoChecksum, len(saved))
	}
	if sum := sha256.Sum256(saved[:end]); !bytes.Equal(sum[:], saved[end:]) {
		return nil, fmt.Errorf("%w: %x, got %x", errOtherChecksum, saved[end:], sum)
	}
	parts, err := cutState(saved[:end])
	if err != nil {
		return nil, err
	}
	return mvcc.Decode(mvcc.Config{}, parts[kvPiece])
}

// restoredState is the state that the members of a new cluster begin with: the
// store of a saved snapshot, but neither the members that it tells of nor how far
// their log had come.
func restoredState(saved []byte) ([]byte, error) {
	if len(saved) == 0 {
		return nil, nil
	}
	kv, err := openSaved(saved)
	if err != nil {
		return nil, err
	}
	kv.Skip(1)
	var parts [numPieces][]byte
	parts[kvPiece] = kv.Encode()
	return joinState(parts), nil
}
