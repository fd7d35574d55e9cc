package scenarios

import (
	"fmt"
	"strconv"
	"strings"
)

// Target names members, or a side of the network, by what they are rather than
// who they are; who they are is decided when the statement is reached.
type Target struct {
	// Kind is one of the names of targetKinds, "n" for a member by its number, or
	// "$" for a variable.
	Kind string
	// Member is the number of a member if Kind is "n".
	Member uint64
	// Var is the name of a variable without its '$' if Kind is "$".
	Var string
}

// targetKinds are the targets that are words, with what they mean.
var targetKinds = []struct{ name, doc string }{
	{"leader", "the running leader of the highest term"},
	{"followers", "the running members that are not the leader"},
	{"any", "a running member, drawn from the seed"},
	{"minority", "running members, drawn: as many as the cluster can lose"},
	{"majority", "running members, drawn: as few as make a quorum"},
	{"quorum", "members that vote, drawn: as few as make a quorum, whether they run or not"},
	{"rest", "the members that the statement does not name; where it names none, those that the last one did not"},
	{"all", "all members"},
	{"clients", "all clients (where links are cut or held)"},
}

// String prints the target as it is written.
func (t Target) String() string {
	switch t.Kind {
	case "n":
		return "n" + strconv.FormatUint(t.Member, 10)
	case "$":
		return "$" + t.Var
	}
	return t.Kind
}

// maxMember bounds the number of a member: a cluster is not larger.
const maxMember = 63

// parseTarget reads one target. It returns false if the text is none.
func parseTarget(text string) (Target, bool) {
	if name, ok := strings.CutPrefix(text, "$"); ok {
		return Target{Kind: "$", Var: name}, isName(name)
	}
	if digits, ok := strings.CutPrefix(text, "n"); ok {
		n, err := strconv.ParseUint(digits, 10, 8)
		if err == nil && n >= 1 && n <= maxMember && strconv.FormatUint(n, 10) == digits {
			return Target{Kind: "n", Member: n}, true
		}
	}
	for _, k := range targetKinds {
		if k.name == text {
			return Target{Kind: text}, true
		}
	}
	return Target{}, false
}

// isName reports whether s can name a variable or a load: letters, digits, '-'
// and '_', beginning with a letter.
func isName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || (r < '0' || r > '9') && r != '-' && r != '_') {
			return false
		}
	}
	return s != ""
}

// Targets is a list of targets: their union.
type Targets []Target

// String prints the targets, separated by spaces.
func (ts Targets) String() string { return ts.join(" ") }

func (ts Targets) join(separator string) string {
	var b strings.Builder
	for i, t := range ts {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(t.String())
	}
	return b.String()
}

func (ts Targets) has(kind string) bool {
	for _, t := range ts {
		if t.Kind == kind {
			return true
		}
	}
	return false
}

// expectedTarget is what the parser says where a target is missing.
func expectedTarget() string {
	names := make([]string, len(targetKinds))
	for i, k := range targetKinds {
		names[i] = k.name
	}
	return fmt.Sprintf("a member (n1, n2...), %s or a $variable", strings.Join(names, ", "))
}
