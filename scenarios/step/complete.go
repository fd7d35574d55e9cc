package step

import (
	"slices"
	"strings"

	"etcdsim/scenarios"
)

// Complete returns what the last word of a line may be, in alphabetical order: how
// the line may go on as it is typed.
func (s *Session) Complete(line string) []string {
	words := strings.Fields(line)
	last := ""
	if len(words) > 0 && !strings.HasSuffix(line, " ") {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	if len(words) > 0 && (words[0] == "!" || words[0] == "?") {
		words = words[1:]
	}
	var all []string
	for _, word := range s.candidates(words) {
		if strings.HasPrefix(word, last) {
			all = append(all, word)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// candidates are the words that may follow others.
func (s *Session) candidates(before []string) []string {
	if len(before) == 0 {
		return helpWords(s)
	}
	if c := commandNamed(before[0]); c != nil {
		if c.words == nil {
			return nil
		}
		return c.words(s)
	}
	if !slices.Contains(scenarios.Verbs(), before[0]) {
		return nil
	}
	all := append(scenarios.TargetNames(), memberNames(s)...)
	all = append(all, s.scope.Names()...)
	for _, section := range scenarios.Sections() {
		if section.Name == before[0] {
			for _, o := range section.Options {
				all = append(all, o.Name+"=")
			}
		}
	}
	return append(all, scenarios.Words(before[0])...)
}
