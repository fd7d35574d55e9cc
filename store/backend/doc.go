// Package backend keeps the state of a member's store on its disk: an image, and
// what was applied since, in batches. It is what bbolt is to etcd. What the bytes
// of the state mean is none of its business.
//
// # Durability model
//
// Nobody waits for the backend: an entry of the log is applied in memory, and
// every so often what was applied meanwhile goes to the disk's buffer as one
// batch, which says up to which entry it goes (etcd's consistent index). The
// batch is durable with a sync. A crash loses the batches that were not; the log
// holds their entries, and the member applies them again, each once, on top of
// the state that it finds. That works because a batch and its index are one
// record: a state never comes without the index that belongs to it (etcd #13766,
// #14685).
//
// # Bytes
//
// Records are framed as in package record. A file begins with a base, the image
// of a state; batches follow, each on top of what stands before it. Nothing is
// overwritten. To be rid of what is superseded, a new generation is begun: a new
// file with a base of its own, which from then on takes the batches. The old
// file stays until the new base is durable.
//
//	payload of a record   index, term (varints) | bytes of the state
//	file name             generation, 8 hexadecimal digits, ".db"
//
// The generation enters the position of the records, so that no bytes of an old
// file pass for bytes of a new one.
//
// # Recovery
//
// The newest generation whose base is valid counts. A newer one without was torn
// when a crash interrupted its first sync, and is removed. In the file that
// counts the records are read up to the first that is not valid. If a crash tore
// it, the end is cut off. If a later record shows that its place had been
// durable, the medium is at fault, and the backend is refused with a
// [record.CorruptError]. Damage without such a witness looks like a torn write, and
// costs the same: entries to be applied again. Whether the log still holds them
// the owner of both must see to.
package backend
