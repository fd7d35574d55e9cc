package mvcc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"etcdsim/store"
)

// sample returns a store with something of everything.
func sample() *Store {
	s := New(Config{})
	for _, req := range []store.Request{
		&store.LeaseGrantRequest{ID: 7, TTL: 60},
		&store.LeaseGrantRequest{ID: -8, TTL: 30},
		&store.PutRequest{Key: "a", Value: "1", Lease: 7},
		&store.PutRequest{Key: "b", Value: "2"},
		&store.DeleteRangeRequest{Key: "a"},
		&store.CompactionRequest{Revision: 3},
		&store.TxnRequest{Success: []store.Op{
			&store.PutRequest{Key: "c", Value: "3", Lease: -8}, &store.PutRequest{Key: "d", Lease: 7}, &store.DeleteRangeRequest{Key: "b"},
		}},
		&store.LeaseCheckpointRequest{Checkpoints: []store.LeaseCheckpoint{{ID: 7, RemainingTTL: 20}}},
	} {
		s.Apply(s.Applied()+1, &store.Proposal{Request: req})
	}
	return s
}

func TestDecodeFindsEveryFlippedBit(t *testing.T) {
	data := sample().Encode()
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if _, err := Decode(Config{}, data); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("byte %d, bit %d: error %v, want ErrCorrupt", i, bit, err)
			}
			data[i] ^= 1 << bit
		}
	}
	for n := range data {
		if _, err := Decode(Config{}, data[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("the first %d of %d bytes: error %v, want ErrCorrupt", n, len(data), err)
		}
	}
}

// The checksum is put right, so that the fuzzer gets past it.
func FuzzDecode(f *testing.F) {
	f.Add(sample().Encode())
	f.Add(New(Config{}).Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 8 {
			return
		}
		body := data[:len(data)-8]
		data = binary.LittleEndian.AppendUint64(body[:len(body):len(body)], store.MixString(0, body))
		s, err := Decode(Config{}, data)
		if err != nil {
			return
		}
		// Whatever it is, it works, and goes into bytes and back.
		for _, req := range []store.Request{
			&store.PutRequest{Key: "a", Value: "x"}, &store.DeleteRangeRequest{Key: "b", RangeEnd: "\x00"},
			&store.LeaseRevokeRequest{ID: 7}, &store.RangeRequest{Key: "\x00", RangeEnd: "\x00"}, &store.HashKVRequest{},
			&store.CompactionRequest{Revision: 3},
		} {
			s.Apply(s.Applied()+1, &store.Proposal{Request: req})
		}
		again, err := Decode(Config{}, s.Encode())
		if err != nil {
			t.Fatalf("its own bytes: %v", err)
		}
		if string(again.Encode()) != string(s.Encode()) {
			t.Fatal("its own bytes decode to another store")
		}
	})
}

func TestLeasesSurviveCopies(t *testing.T) {
	s := sample()
	decoded, err := Decode(Config{}, s.Encode())
	if err != nil {
		t.Fatal(err)
	}
	clone := s.Clone()
	s.Apply(100, &store.Proposal{Request: &store.PutRequest{Key: "e", Lease: 7}})
	clone.Apply(100, &store.Proposal{Request: &store.PutRequest{Key: "f", Lease: 7}})
	decoded.Apply(100, &store.Proposal{Request: &store.PutRequest{Key: "g", Lease: 7}})
	for _, c := range []struct {
		name  string
		store *Store
		key   string
	}{{"original", s, "e"}, {"clone", clone, "f"}, {"decoded", decoded, "g"}} {
		res := c.store.Read(&store.LeaseTimeToLiveRequest{ID: 7, Keys: true}).Result.(*store.LeaseTimeToLiveResult)
		want := store.LeaseTimeToLiveResult{ID: 7, TTL: 20, GrantedTTL: 60, Keys: []string{"d", c.key}}
		if !reflect.DeepEqual(*res, want) {
			t.Errorf("%s: got %+v, want %+v", c.name, *res, want)
		}
	}
}

// Original and copy attach keys to a lease whose list has room for more, or none.
func TestCopiesAttachKeysOfTheirOwn(t *testing.T) {
	for n := range 20 {
		s := New(Config{})
		do(s, &store.LeaseGrantRequest{ID: 7, TTL: 60})
		for i := range n {
			do(s, &store.PutRequest{Key: fmt.Sprint("k", i), Lease: 7})
		}
		clone := s.Clone()
		do(s, &store.PutRequest{Key: "original", Lease: 7})
		do(clone, &store.PutRequest{Key: "clone", Lease: 7})
		for _, c := range []struct {
			store *Store
			key   string
		}{{s, "original"}, {clone, "clone"}} {
			keys := c.store.Read(&store.LeaseTimeToLiveRequest{ID: 7, Keys: true}).Result.(*store.LeaseTimeToLiveResult).Keys
			if len(keys) != n+1 || !slices.Contains(keys, c.key) {
				t.Errorf("%d keys before: the %s has %v", n, c.key, keys)
			}
		}
	}
}
