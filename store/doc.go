// Package store is the vocabulary of the replicated store: requests, responses,
// key-values, revisions and errors, in etcd's terms. It holds no state and
// decides nothing; package mvcc gives these words their meaning, and the
// checkers judge by them without knowing mvcc.
//
// The types mirror etcd's API (etcdserverpb) field by field, with the same zero
// values and units, but are plain values: keys and values are strings, which
// nobody can change behind another's back, so that members, log and clients may
// share them.
package store
