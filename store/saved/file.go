package saved

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"etcdsim/store/bolt"
)

// ErrCorrupt is wrapped by every error that Read reports.
var ErrCorrupt = errors.New("not a snapshot of etcd")

// sector is what the length of a database is a multiple of: what is left over is the
// checksum, if there is one. etcdutl tells so likewise.
const sector = 512

// Write returns the file of a snapshot: what a member sends, checksum included.
func Write(s *Snapshot) []byte {
	return Sealed(string(bolt.Write(s.buckets())))
}

// Read returns the snapshot in a file. A database that was copied from a member's
// data directory, which has no checksum behind it, will do as well. Errors say
// where the file is damaged.
func Read(file []byte) (*Snapshot, error) {
	if len(file)%sector == sha256.Size {
		body := file[:len(file)-sha256.Size]
		if sum := sha256.Sum256(body); string(sum[:]) != string(file[len(body):]) {
			return nil, fmt.Errorf("%w: %d bytes that have another SHA-256 than the %x behind them", ErrCorrupt, len(body), file[len(body):])
		}
		file = body
	}
	database := string(file)
	buckets, err := bolt.Read(database)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	s, err := fromBuckets(buckets)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	s.File = database
	return s, nil
}

// Sealed returns a database with its checksum behind it.
func Sealed(database string) []byte {
	sum := sha256.Sum256([]byte(database))
	return append([]byte(database), sum[:]...)
}
