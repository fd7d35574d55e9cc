// Package rpc speaks etcd's v3 API: the gRPC services KV, Watch, Lease, Auth,
// Cluster, Maintenance, Lock and Election of one member of a universe that is
// driven by package live. It translates between etcd's messages and the vocabulary
// of package store; what a request means, and how it is refused, is the member's
// business. Codes and texts of errors are therefore those of package store, which
// are etcd's.
//
// The package decides only what etcd's own gRPC layer decides: limits of messages,
// what the metadata of a call asks for (a token, a leader), and how answers are
// cut into the messages of a stream.
package rpc
