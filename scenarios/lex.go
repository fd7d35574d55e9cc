package scenarios

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is the smallest piece of a statement: a name, a number, an option
// "name=value" or an operator.
type word struct {
	text string
	col  int
}

// operators stand for themselves, with or without spaces around them. Longer
// ones come first.
var operators = []string{"<->", "->", ">=", "<=", "==", "!=", ">", "<", "|"}

func operatorAt(s string) string {
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

// split cuts one line into words and the comment that ends it, which keeps its
// '#'. A '#' inside a word belongs to the word. A '!' or '?' that begins a line is
// a word of its own.
func split(line string) (words []word, comment string, err *Error) {
	col, start := 1, -1 // column of the present character; offset of the word under way
	startCol := 0
	end := func(at int) {
		if start >= 0 {
			words = append(words, word{line[start:at], startCol})
			start = -1
		}
	}
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		switch {
		case r == ' ' || r == '\t':
			end(i)
		case r == '#' && start < 0:
			return words, strings.TrimRight(line[i:], " \t"), printable(line[i:], col)
		case r == utf8.RuneError && size == 1 || !unicode.IsPrint(r):
			return nil, "", unprintable(r, col)
		case (r == '!' || r == '?') && len(words) == 0 && start < 0 && !strings.HasPrefix(line[i:], "!="):
			words = append(words, word{string(r), col})
		default:
			if op := operatorAt(line[i:]); op != "" {
				end(i)
				words = append(words, word{op, col})
				i += len(op)
				col += len(op)
				continue
			}
			if start < 0 {
				start, startCol = i, col
			}
		}
		i += size
		col++
	}
	end(len(line))
	return words, "", nil
}

// printable returns an error if a comment holds anything but printable
// characters, spaces and tabs.
func printable(comment string, col int) *Error {
	for i, r := range comment {
		if r != '\t' && !unicode.IsPrint(r) || r == utf8.RuneError && !strings.HasPrefix(comment[i:], "\uFFFD") {
			return unprintable(r, col)
		}
		col++
	}
	return nil
}

func unprintable(r rune, col int) *Error {
	return &Error{Pos: Pos{Col: col}, Text: fmt.Sprintf("the character %U: expected printable UTF-8 text", r)}
}
