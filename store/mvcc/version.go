package mvcc

import (
	"strings"

	"etcdsim/store"
)

// place is the number of a version in the order of revisions, from 1. Place 0 is
// the version that every chain ends in: empty, of revision 0, a tombstone.
type place = uint32

// everything is a limit that excludes no place.
const everything place = 1<<32 - 1

// everyRevision is no older than any version.
const everyRevision = int64(1<<63 - 1)

// version is what one write did to one key. It is immutable: clones, answers and
// watchers share it. The Version of a tombstone is 0, and besides Key and
// ModRevision nothing of it is set.
//
// It is as large as a line of the processor's cache, and lies in one: a range
// over keys that were written far apart waits for one line a key.
type version struct{ kv store.KeyValue }

func (v *version) live() bool { return v.kv.Version != 0 }

func (v *version) main() int64 { return v.kv.ModRevision }

// link is the place of a version in the chain of its key.
type link struct {
	// prev is the next older version of the key.
	prev place
	// jump is some older version, so chosen that every version of a chain of n is
	// found in O(log n) steps (Myers, "An applicative random-access stack", 1983).
	jump place
	// id is the key's number.
	id keyID
	// rank tells how far jump reaches, in its upper bits, and sub is the change's
	// number within its revision, from 0, in the others.
	rankAndSub uint32
}

const subBits = 27

func (l *link) sub() uint32 { return l.rankAndSub & (1<<subBits - 1) }

func (l *link) rank() uint32 { return l.rankAndSub >> subBits }

// texts holds the bytes of the keys of versions, and behind each those of its value where
// there is room; longer ones stay where they came from. Each version has the same
// room, so that its place tells where that is: who compares a key waits for the version
// and for the key's bytes at once, and not for the one to learn where the other is.
type texts struct {
	// bytes never moves: all that it will hold was asked for at once.
	bytes strings.Builder
}

const textLen = 40

var blank = strings.Repeat("\x00", textLen)

// hold takes in what the next key-value says, which then refers to that.
func (t *texts) hold(kv *store.KeyValue) {
	begin, n, m := t.bytes.Len(), len(kv.Key), len(kv.Value)
	if n <= textLen {
		t.bytes.WriteString(kv.Key)
	}
	if n+m <= textLen {
		t.bytes.WriteString(kv.Value)
	}
	t.bytes.WriteString(blank[t.bytes.Len()-begin:])
	own := t.bytes.String()[begin:]
	if n <= textLen {
		kv.Key = own[:n]
	}
	if n+m <= textLen {
		kv.Value = own[n : n+m]
	}
}

// is reports whether the i-th text begins with a key of at most textLen bytes.
func (t *texts) is(i int, key string) bool {
	return t.bytes.String()[i*textLen:][:len(key)] == key
}

const (
	chunkBits = 9
	chunkLen  = 1 << chunkBits // 32, 20 and 8 KiB: whole pages, and classes of the allocator
	firstLen  = 16             // most simulated stores are small
)

// versions is the log of all versions.
// Invariant: the revisions (main, sub) of places 1, 2, 3... ascend.
type versions struct {
	chunks []chunk
	// next is the place of the next version.
	next place
}

// chunk is a part of the log. What is looked at while a version is sought lies
// apart from the versions. Invariant: both slices have the same length, and there is
// a text for each version that was added.
type chunk struct {
	versions []version
	texts    *texts
	links    []link
}

func newChunk(n int) chunk {
	c := chunk{make([]version, n), new(texts), make([]link, n)}
	c.texts.bytes.Grow(n * textLen)
	return c
}

func newVersions() versions {
	v := versions{chunks: []chunk{newChunk(firstLen)}, next: 1}
	v.chunks[0].texts.hold(new(store.KeyValue)) // of place 0
	return v
}

func (v *versions) at(p place) *version {
	return &v.chunks[p>>chunkBits].versions[p&(chunkLen-1)]
}

// hasKey reports whether the version at p is of the key.
func (v *versions) hasKey(p place, key string) bool {
	c, i := &v.chunks[p>>chunkBits], p&(chunkLen-1)
	if kv := &c.versions[i].kv; len(key) > textLen || len(kv.Key) != len(key) {
		return kv.Key == key
	}
	return c.texts.is(int(i), key)
}

func (v *versions) link(p place) *link {
	return &v.chunks[p>>chunkBits].links[p&(chunkLen-1)]
}

// add appends the sub-th change of a revision to the chain that begins at prev.
// The caller sets the key's number if the chain is new.
func (v *versions) add(prev place, sub uint32, kv *store.KeyValue) place {
	p := v.next
	if i := int(p >> chunkBits); i == len(v.chunks) {
		v.chunks = append(v.chunks, newChunk(chunkLen))
	} else if last := v.chunks[i]; int(p&(chunkLen-1)) == len(last.versions) {
		// Only the first chunk grows. Older copies of it stay valid for those
		// who hold them.
		v.chunks[i] = newChunk(4 * len(last.versions))
		copy(v.chunks[i].versions, last.versions)
		v.chunks[i].texts.bytes.WriteString(last.texts.bytes.String())
		copy(v.chunks[i].links, last.links)
	}
	v.next++
	c, i := &v.chunks[p>>chunkBits], p&(chunkLen-1)
	c.versions[i].kv = *kv
	c.texts.hold(&c.versions[i].kv)
	ln := &c.links[i]
	ln.prev, ln.jump, ln.rankAndSub = prev, prev, sub
	if prev != 0 {
		before := v.link(prev)
		ln.id = before.id
		// A jump of rank r skips 2^(r+1)-1 versions. Two equal ones in a row are
		// skipped by one of the next rank.
		if before.jump != 0 {
			if next := v.link(before.jump); next.rank() == before.rank() {
				ln.jump = next.jump
				ln.rankAndSub |= (before.rank() + 1) << subBits
			}
		}
	}
	return p
}

// newest returns the newest version of the chain that begins at p which lies
// below limit and is no newer than revision rev.
func (v *versions) newest(p, limit place, rev int64) *version {
	return v.at(v.newestPlace(p, limit, rev))
}

func (v *versions) newestPlace(p, limit place, rev int64) place {
	for {
		if p < limit && v.at(p).main() <= rev {
			return p
		}
		ln := v.link(p)
		if j := ln.jump; j >= limit || v.at(j).main() > rev {
			p = j
		} else {
			p = ln.prev
		}
	}
}

// since returns the place of the first version below limit that was written at
// or after revision rev, or limit.
func (v *versions) since(rev int64, limit place) place {
	low, high := place(1), min(limit, v.next)
	for low < high {
		middle := low + (high-low)/2
		if v.at(middle).main() < rev {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}
