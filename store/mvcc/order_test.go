package mvcc

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"etcdsim/sim"
	"etcdsim/store"
)

// Keys of all kinds, in any order, end up sorted; every search finds its place.
func TestOrderIsSorted(t *testing.T) {
	strange := rapid.OneOf(
		rapid.StringOfN(rapid.SampledFrom([]rune("\x00ab")), 0, 12, -1),
		rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("/registry/pods/%05d", rapid.IntRange(0, 99999).Draw(t, "n"))
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		s := New(Config{})
		var sorted []string
		check := func() {
			var got []string
			for _, kv := range s.Read(&store.RangeRequest{Key: "\x00", RangeEnd: "\x00"}).Result.(*store.RangeResult).KVs {
				got = append(got, kv.Key)
			}
			if !slices.Equal(got, sorted) {
				t.Fatalf("got  %q\nwant %q", got, sorted)
			}
			key, end := strange.Draw(t, "from"), strange.Draw(t, "to")
			i, _ := slices.BinarySearch(sorted, key)
			j, _ := slices.BinarySearch(sorted, end)
			if end == "" || end == "\x00" {
				return // other meanings
			}
			if n := s.count(key, end, s.rev); n != int64(max(0, j-i)) {
				t.Fatalf("[%q, %q): %d keys, want %d", key, end, n, max(0, j-i))
			}
		}
		// Runs of neighbours make blocks split in all places.
		for range rapid.IntRange(1, 8).Draw(t, "runs") {
			prefix := strange.Draw(t, "prefix")
			first, step := rapid.IntRange(0, 1000).Draw(t, "first"), rapid.SampledFrom([]int{-3, -1, 1, 2}).Draw(t, "step")
			for i := range rapid.IntRange(1, 200).Draw(t, "length") {
				key := fmt.Sprintf("k%s%04d", prefix, first+700+i*step)
				s.Apply(0, putProposal(key, ""))
				if j, found := slices.BinarySearch(sorted, key); !found {
					sorted = slices.Insert(sorted, j, key)
				}
			}
			check()
		}
		var err error
		if s, err = Decode(Config{}, s.Encode()); err != nil {
			t.Fatal(err)
		}
		check()
	})
}

// Descending keys must not cost more and more.
func BenchmarkPutDescending(b *testing.B) {
	keys := make([]*store.Proposal, 100_000)
	for i := range keys {
		keys[i] = putProposal(benchKey(len(keys)-i), "")
	}
	i, s := 0, New(Config{})
	for b.Loop() {
		if i == len(keys) {
			i, s = 0, New(Config{})
		}
		s.Apply(0, keys[i])
		i++
	}
}

// Stores that got their keys in different orders answer alike.
func TestManyKeysInRandomOrder(t *testing.T) {
	rnd := sim.NewRand(1, "keys")
	n := 5000
	perm := make([]int, n)
	for i := range perm {
		perm[i] = i
	}
	rnd.Shuffle(n, func(i, j int) { perm[i], perm[j] = perm[j], perm[i] })
	s := New(Config{})
	for _, k := range perm {
		s.Apply(0, putProposal(benchKey(k), ""))
	}
	for k := range n {
		res := s.Read(&store.RangeRequest{Key: benchKey(k), RangeEnd: benchKey(min(n-1, k+7))}).Result.(*store.RangeResult)
		if want := min(n-1, k+7) - k; len(res.KVs) != want || want > 0 && res.KVs[0].Key != benchKey(k) {
			t.Fatalf("range of %d keys from %q: %d keys from %q", want, benchKey(k), len(res.KVs), res.KVs[0].Key)
		}
	}
}

// Words begin after what all keys share, in the blocks and above them:
// otherwise they tell nothing.
func TestWordsSkipTheSharedPrefix(t *testing.T) {
	s := New(Config{})
	for i := range 1000 {
		s.Apply(0, putProposal(benchKey(i*7919%1000), ""))
	}
	common := len("/registry/pods/00000")
	o := &s.table.order
	for i := range o.blocks {
		if skip := o.blocks[i].words.skip; skip < common {
			t.Errorf("block %d of %d skips %d bytes, want at least %d", i, len(o.blocks), skip, common)
		}
	}
	if o.words.skip != common {
		t.Errorf("the blocks' first keys skip %d bytes, want %d", o.words.skip, common)
	}
}
