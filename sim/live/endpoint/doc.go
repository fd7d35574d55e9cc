// Package endpoint opens the members of a universe to real clients: one address on
// this machine for each member, as etcd's members have. A member whose process has
// ended refuses connections, and those that it had are reset; one that is paused or
// cut off from its clients is silent: its kernel accepts, nothing arrives and
// nothing comes back.
//
// Both of etcd's kinds of clients come to the same address: those that speak
// HTTP/2 are given to gRPC, all others to an HTTP handler.
package endpoint
