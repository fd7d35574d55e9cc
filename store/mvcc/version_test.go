package mvcc

import (
	"fmt"
	"strings"
	"testing"

	"etcdsim/store"
)

// Keys and values around the room that a version has for them are found as they were
// put, however the log of versions grows behind them.
func TestLengths(t *testing.T) {
	s := New(Config{})
	want := map[string]string{}
	for round := range 3 {
		for _, n := range []int{1, textLen - 1, textLen, textLen + 1, 3 * textLen} {
			for m := range textLen + 3 {
				// The first bytes of long keys are alike.
				key := strings.Repeat("k", n)
				if n > 4 {
					key = key[:n-3] + fmt.Sprintf("%03d", m)
				}
				want[key] = strings.Repeat(string(rune('a'+round)), m)
				applyEntry(s, &store.PutRequest{Key: key, Value: want[key]})
			}
		}
	}
	stores := map[string]*Store{"the store": s, "its clone": s.Clone(), "the one from its file": throughFile(t, s)}
	for name, s := range stores { // unordered: each alone
		for key, value := range want { // unordered: each alone
			res, ok := s.Read(get(key)).Result.(*store.RangeResult)
			if !ok || len(res.KVs) != 1 || res.KVs[0].Key != key || res.KVs[0].Value != value {
				t.Fatalf("%s: of a key of %d bytes with a value of %d: %+v", name, len(key), len(value), res)
			}
			if res := s.Read(get(key + "0")).Result.(*store.RangeResult); len(res.KVs) != 0 {
				t.Fatalf("%s: a longer key than one of %d bytes is taken for it", name, len(key))
			}
		}
	}
}
