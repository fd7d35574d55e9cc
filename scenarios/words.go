package scenarios

import "strings"

// The words of the language, for those who complete what somebody types.

// TargetNames returns the targets that are words.
func TargetNames() []string {
	names := make([]string, len(targetKinds))
	for i, k := range targetKinds {
		names[i] = k.name
	}
	return names
}

// Words returns the words that may stand behind a verb beside targets, names and the
// options of sections: options end in "=".
func Words(verb string) []string {
	s := lookup(verb)
	if s == nil {
		return nil
	}
	syntax, words := s.syntax, []string(nil)
	switch verb {
	case "wait", "expect":
		syntax += " " + conditionSyntax
		words = append(meterNames(), conditionNames...)
	case "let":
		words = meterNames()
	}
	for word := range strings.FieldsSeq(syntax) {
		name, _, isOption := strings.Cut(strings.Trim(word, "[]"), "=")
		switch {
		case !isName(name) || name != strings.ToLower(name):
		case isOption:
			words = append(words, name+"=")
		case name != verb:
			words = append(words, name)
		}
	}
	return words
}
