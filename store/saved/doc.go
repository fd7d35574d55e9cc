// Package saved is all that a member keeps, as a value and as the file in which
// etcd keeps it: what "etcdctl snapshot save" writes, "etcdutl snapshot status"
// looks at and "etcdutl snapshot restore" makes new members of.
//
// # Model
//
// A file is a bbolt database (see store/bolt) with the SHA-256 of it behind it. The
// database has the buckets of etcd's storage/schema:
//
//	key                       every version: its revision, with a 't' behind it if
//	                          it is a deletion, and the key-value in protobuf
//	lease                     leases by ID, big-endian, in protobuf
//	auth                      whether authentication is on, and the auth revision
//	authUsers, authRoles      users and roles by name, in protobuf
//	alarm                     alarms in protobuf, as keys
//	members, members_removed  members by ID, in JSON
//	cluster                   the version of the cluster
//	meta                      how far the log was applied, raft's configuration, the
//	                          revisions of the last compaction
//
// So versions 2 to 5 of one key, the last a deletion, are four items of the
// bucket "key":
//
//	00..02 _ 00..00    key:"k" create_revision:2 mod_revision:2 version:1 value:"a"
//	00..03 _ 00..00    key:"k" create_revision:2 mod_revision:3 version:2 value:"b"
//	00..04 _ 00..00    key:"k" create_revision:2 mod_revision:4 version:3 value:"c"
//	00..05 _ 00..00 t  key:"k"
//
// and after a compaction at 4 the last two. "etcdutl snapshot restore --bump-revision"
// adds an item without content, a blank, whose revision is the newest from then on.
//
// [Write] makes a file of a [Snapshot], [Read] the reverse. Both work in memory, and
// give the same on every machine.
//
// # What is left out
//
// Read leaves out the members and raft's configuration, as a restore does: a new
// cluster has members of its own. Tokens are in no file, nor is the older v2 store.
package saved
