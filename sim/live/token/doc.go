// Package token makes and verifies the JSON web tokens of etcd's --auth-token=jwt,
// where clients come in. What enters a universe is what a token claims, without its
// signature, and so a recording needs no keys to be replayed, and holds none.
//
// A token ends by the wall clocks of the members, which may be ahead of the real one or
// behind it; the package translates between the two by the instant at which the
// universe began.
//
// It decides nothing about rights: whether the user exists and users and roles are
// still as they were is the members' business.
package token
