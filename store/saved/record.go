package saved

import (
	"encoding/binary"
	"errors"
	"fmt"

	"etcdsim/store"
)

// A version in etcd's backend. Its key is
//
//	main revision, '_', sub-revision, both 8 bytes big-endian,
//	and 't' if it is a deletion
//
// and its value the mvccpb.KeyValue.

// RevisionSize is the length of a key; that of a deletion is one longer.
const RevisionSize = 17

const tombstone = 't'

// AppendKey appends the key under which etcd keeps a version.
func AppendKey(buf []byte, main, sub int64, deletion bool) []byte {
	buf = binary.BigEndian.AppendUint64(buf, uint64(main))
	buf = binary.BigEndian.AppendUint64(append(buf, '_'), uint64(sub))
	if deletion {
		buf = append(buf, tombstone)
	}
	return buf
}

// AppendValue appends what etcd keeps of a version; of a deletion only its key, of a
// blank nothing.
func AppendValue(buf []byte, kv *store.KeyValue) []byte {
	buf = appendText(buf, 1, kv.Key)
	if kv.Version == 0 || kv.Key == "" {
		return buf
	}
	buf = appendInt(buf, 2, kv.CreateRevision)
	buf = appendInt(buf, 3, kv.ModRevision)
	buf = appendInt(buf, 4, kv.Version)
	buf = appendText(buf, 5, kv.Value)
	return appendInt(buf, 6, kv.Lease)
}

// blank returns the version that a record without content stands for.
func blank(main, sub int64) Version {
	return Version{store.KeyValue{CreateRevision: main, ModRevision: main, Version: 1}, sub}
}

// readVersion reads a version from the bucket.
func readVersion(key, value string) (v Version, err error) {
	deletion := len(key) == RevisionSize+1 && key[RevisionSize] == tombstone
	if len(key) != RevisionSize && !deletion || key[8] != '_' {
		return v, errors.New("expected a revision as the key")
	}
	main, sub := int64(bigEndian(key)), int64(bigEndian(key[9:]))
	if main < 1 || sub < 0 || sub > MaxSub {
		return v, fmt.Errorf("expected a revision from 1.0 on with a sub-revision up to %d", MaxSub)
	}
	v.Sub = sub
	v.KeyValue, err = decodeKeyValue(value)
	switch {
	case err != nil:
		return v, err
	case value == "" && !deletion:
		return blank(main, sub), nil
	case v.Key == "":
		return v, errors.New("expected a key-value with a key")
	case deletion:
		return Version{store.KeyValue{Key: v.Key, ModRevision: main}, sub}, nil
	case v.ModRevision != main || v.CreateRevision < 1 || v.CreateRevision > main || v.Version < 1:
		return v, fmt.Errorf("expected a life that began at 1 to %d and was changed at %d, found version %d of %d changed at %d",
			main, main, v.Version, v.CreateRevision, v.ModRevision)
	}
	return v, nil
}

// bigEndian returns the number that a text of at least 8 bytes begins with.
func bigEndian(s string) (n uint64) {
	for i := range 8 {
		n = n<<8 | uint64(s[i])
	}
	return n
}
