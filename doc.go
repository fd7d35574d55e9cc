// Package etcdsim is the root of the project and holds no code. Its tests keep
// the house in order: which package may import which, what the deterministic core
// must not use, how files look, and that every command shown in the documents
// does what the document says. Start with README.md, then ARCHITECTURE.md.
package etcdsim
