package mvcc

import "etcdsim/store"

// place is the number of a version in the order of revisions, from 1. Place 0 is
// the version that every chain ends in: empty, of revision 0, a tombstone.
type place = uint32

// everything is a limit that excludes no place.
const everything place = 1<<32 - 1

// everyRevision is no older than any version.
const everyRevision = int64(1<<63 - 1)

// version is what one write did to one key. It is immutable: clones, answers and
// watchers share it.
type version struct {
	// kv is an array of one so that a read of one key can answer with a slice of
	// it. The Version of a tombstone is 0, and besides Key and ModRevision
	// nothing of it is set.
	kv [1]store.KeyValue
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

func (v *version) sub() uint32 { return v.rankAndSub & (1<<subBits - 1) }

func (v *version) rank() uint32 { return v.rankAndSub >> subBits }

func (v *version) live() bool { return v.kv[0].Version != 0 }

func (v *version) main() int64 { return v.kv[0].ModRevision }

const (
	chunkBits = 10
	chunkLen  = 1 << chunkBits // 80 KiB: whole pages
	firstLen  = 16             // most simulated stores are small
)

// versions is the log of all versions.
// Invariant: the revisions (main, sub) of places 1, 2, 3... ascend.
type versions struct {
	chunks [][]version
	// next is the place of the next version.
	next place
}

func newVersions() versions {
	return versions{chunks: [][]version{make([]version, firstLen)}, next: 1}
}

func (v *versions) at(p place) *version {
	return &v.chunks[p>>chunkBits][p&(chunkLen-1)]
}

// add appends the sub-th change of a revision to the chain that begins at prev.
// The caller fills in the key-value, and the key's number if the chain is new.
func (v *versions) add(prev place, sub uint32) (*version, place) {
	p := v.next
	if chunk := int(p >> chunkBits); chunk == len(v.chunks) {
		v.chunks = append(v.chunks, make([]version, chunkLen))
	} else if last := v.chunks[chunk]; int(p&(chunkLen-1)) == len(last) {
		// Only the first chunk grows. Older copies of it stay valid for those
		// who hold them.
		v.chunks[chunk] = append(make([]version, 0, 4*len(last)), last...)[:4*len(last)]
	}
	v.next++
	ver := v.at(p)
	ver.prev, ver.jump, ver.rankAndSub = prev, prev, sub
	if prev != 0 {
		before := v.at(prev)
		ver.id = before.id
		// A jump of rank r skips 2^(r+1)-1 versions. Two equal ones in a row are
		// skipped by one of the next rank.
		if before.jump != 0 {
			if next := v.at(before.jump); next.rank() == before.rank() {
				ver.jump = next.jump
				ver.rankAndSub |= (before.rank() + 1) << subBits
			}
		}
	}
	return ver, p
}

// newest returns the newest version of the chain that begins at p which lies
// below limit and is no newer than revision rev.
func (v *versions) newest(p, limit place, rev int64) *version {
	return v.at(v.newestPlace(p, limit, rev))
}

func (v *versions) newestPlace(p, limit place, rev int64) place {
	for {
		ver := v.at(p)
		if p < limit && ver.main() <= rev {
			return p
		}
		if j := ver.jump; j >= limit || v.at(j).main() > rev {
			p = j
		} else {
			p = ver.prev
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
