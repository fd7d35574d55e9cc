// Package endpoint opens the members of a universe to real clients: one address on
// this machine for each member, as etcd's members have. A member whose process has
// ended refuses connections, and those that it had are reset; one that is paused or
// cut off from its clients is silent: its kernel accepts, nothing arrives and
// nothing comes back.
//
// Both of etcd's kinds of clients come to the same address. In the clear, those that
// speak HTTP/2 are given to gRPC and all others to an HTTP handler; over TLS each
// request is looked at. A member's silence and its end lie below TLS: a silent member
// shakes no hands.
package endpoint
