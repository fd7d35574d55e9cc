// Package control is how whoever operates a served universe reaches it: a local
// HTTP endpoint that takes words and answers with text. Words about the clock are
// its own; all others are statements of the scenario language.
package control
