package learn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is a kind of question: what an answer to it is.
type Kind uint8

// Kinds.
const (
	YesNo Kind = iota
	Number
	Choice
	Members
)

// String names the kind.
func (k Kind) String() string { return [...]string{"yes or no", "number", "choice", "members"}[k] }

// yesNo asks whether something is so.
func yesNo(text string, right bool, why string) *Question {
	word := map[bool]string{true: "yes", false: "no"}
	return &Question{
		Kind: YesNo, Text: text, Expected: "yes or no", Right: word[right], Why: why,
		parse: func(a string) (string, bool) {
			switch a {
			case "y", "yes", "true":
				return "yes", true
			case "n", "no", "false":
				return "no", true
			}
			return "", false
		},
	}
}

// number asks for a number.
func number(text string, right uint64, why string) *Question {
	return &Question{
		Kind: Number, Text: text, Expected: "a number", Right: strconv.FormatUint(right, 10), Why: why,
		parse: func(a string) (string, bool) {
			n, err := strconv.ParseUint(a, 10, 64)
			return strconv.FormatUint(n, 10), err == nil
		},
	}
}

// choose asks for one of some options; right counts from 0.
func choose(text string, right int, why string, options ...string) *Question {
	return &Question{
		Kind: Choice, Text: text, Expected: fmt.Sprintf("a number from 1 to %d", len(options)), Options: options,
		Right: strconv.Itoa(right + 1), Why: why,
		parse: func(a string) (string, bool) {
			n, err := strconv.Atoi(a)
			return strconv.Itoa(n), err == nil && n >= 1 && n <= len(options)
		},
	}
}

// which asks for members.
func which(text string, right []uint64, why string) *Question {
	return &Question{
		Kind: Members, Text: text, Expected: `members such as "n1 n3", or "none"`, Right: names(right), Why: why,
		parse: func(a string) (string, bool) {
			var ids []uint64
			words := strings.FieldsFunc(a, func(r rune) bool { return r == ' ' || r == ',' })
			if slices.Equal(words, []string{"none"}) {
				return names(nil), true
			}
			for _, w := range words {
				id, err := strconv.ParseUint(strings.TrimPrefix(w, "n"), 10, 64)
				if err != nil {
					return "", false
				}
				ids = append(ids, id)
			}
			slices.Sort(ids)
			return names(slices.Compact(ids)), len(ids) > 0
		},
	}
}

// names lists members: "n1 n3", or "none".
func names(ids []uint64) string {
	if len(ids) == 0 {
		return "none"
	}
	var words []string
	for _, id := range ids {
		words = append(words, member(id))
	}
	return strings.Join(words, " ")
}

func member(id uint64) string { return "n" + strconv.FormatUint(id, 10) }

// and lists members in a sentence: "n1, n2 and n3".
func and(ids []uint64) string {
	text := ""
	for i, id := range ids {
		switch {
		case i == 0:
		case i == len(ids)-1:
			text += " and "
		default:
			text += ", "
		}
		text += member(id)
	}
	return text
}

// plural counts things: "1 vote", "2 votes".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
