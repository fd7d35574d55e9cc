package step

import (
	"slices"
	"testing"

	"etcdsim/scenarios"
)

// A command that is called like a statement would hide it.
func TestCommandsHideNoStatement(t *testing.T) {
	for _, c := range commands() {
		if slices.Contains(scenarios.Verbs(), c.name) {
			t.Errorf("%s is a command and a statement: name one of them otherwise", c.name)
		}
	}
}
