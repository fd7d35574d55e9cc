package recorded

import (
	"fmt"
	"strconv"
	"strings"
)

// keyword is an EDN keyword, without its colon; symbols are read as keywords, too.
type keyword string

// ednMap is an EDN map with keywords for keys, and the line on which it begins.
// Other keys are left out: no history needs them.
type ednMap struct {
	line   int
	fields map[keyword]any
}

// edn reads the subset of EDN (github.com/edn-format/edn) that histories are written
// in: maps, vectors, lists, sets, keywords, symbols, strings, numbers, nil, true and
// false. Tags are skipped, what is tagged is read. Values are ednMap, []any, keyword,
// string, int64, float64 as text, bool and nil.
type edn struct {
	r    *reader
	at   int
	line int
	// depth is how many brackets are open.
	depth int
}

// maxDepth bounds how deep values may be nested.
const maxDepth = 100

func (e *edn) fail(format string, args ...any) error { return e.r.fail(e.line, format, args...) }

// skip passes over what separates values. It reports whether anything follows.
func (e *edn) skip() bool {
	for e.at < len(e.r.data) {
		switch c := e.r.data[e.at]; {
		case c == '\n':
			e.line++
		case c == ';':
			for e.at < len(e.r.data) && e.r.data[e.at] != '\n' {
				e.at++
			}
			continue
		case c != ' ' && c != ',' && c != '\t' && c != '\r':
			return true
		}
		e.at++
	}
	return false
}

// value reads one value.
func (e *edn) value() (any, error) {
	if !e.skip() {
		return nil, e.fail("the file ends where a value is expected")
	}
	switch c := e.r.data[e.at]; c {
	case '{':
		return e.mapping()
	case '[':
		return e.sequence(']')
	case '(':
		return e.sequence(')')
	case '"':
		return e.text()
	case '#':
		e.at++
		if e.at < len(e.r.data) && e.r.data[e.at] == '{' {
			return e.sequence('}')
		}
		if e.word() == "" {
			return nil, e.fail("expected a tag after #")
		}
		return e.value()
	case ']', ')', '}':
		return nil, e.fail("%q closes nothing", string(c))
	}
	return e.atom()
}

func (e *edn) mapping() (any, error) {
	m := ednMap{line: e.line, fields: map[keyword]any{}}
	list, err := e.sequence('}')
	if err != nil {
		return nil, err
	}
	if len(list)%2 != 0 {
		return nil, e.r.fail(m.line, "a map has a key without a value")
	}
	for i := 0; i < len(list); i += 2 {
		if key, ok := list[i].(keyword); ok {
			m.fields[key] = list[i+1]
		}
	}
	return m, nil
}

// sequence reads values up to a closing bracket.
func (e *edn) sequence(end byte) (list []any, err error) {
	line := e.line
	if e.depth++; e.depth > maxDepth {
		return nil, e.fail("more than %d brackets are open", maxDepth)
	}
	defer func() { e.depth-- }()
	for e.at++; ; {
		if !e.skip() {
			return nil, e.r.fail(line, "what begins here is not closed by %q", string(end))
		}
		if e.r.data[e.at] == end {
			e.at++
			return list, nil
		}
		v, err := e.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

func (e *edn) text() (any, error) {
	begin, line := e.at, e.line
	for e.at++; e.at < len(e.r.data); e.at++ {
		switch e.r.data[e.at] {
		case '\\':
			e.at++
		case '\n':
			e.line++
		case '"':
			e.at++
			s, err := strconv.Unquote(strings.ReplaceAll(string(e.r.data[begin:e.at]), "\n", `\n`))
			if err != nil {
				return nil, e.r.fail(line, "%s is not a string", e.r.data[begin:e.at])
			}
			return s, nil
		}
	}
	return nil, e.r.fail(line, "a string is not closed")
}

// word reads up to the next separator.
func (e *edn) word() string {
	begin := e.at
	for e.at < len(e.r.data) && !strings.ContainsRune(" ,\t\r\n;()[]{}\"", rune(e.r.data[e.at])) {
		e.at++
	}
	return string(e.r.data[begin:e.at])
}

func (e *edn) atom() (any, error) {
	word := e.word()
	switch word {
	case "nil":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		return nil, e.fail("%q begins no value", string(e.r.data[e.at]))
	}
	if n, err := strconv.ParseInt(strings.TrimSuffix(word, "N"), 10, 64); err == nil {
		return n, nil
	}
	return keyword(strings.TrimPrefix(word, ":")), nil
}

// show prints a value as it may be written.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case keyword:
		return ":" + string(v)
	case string:
		return strconv.Quote(v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = show(v[i])
		}
		return "[" + strings.Join(parts, " ") + "]"
	case ednMap:
		return "a map"
	}
	return fmt.Sprint(v)
}
