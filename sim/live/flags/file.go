package flags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Assignment is a setting as a file has it.
type Assignment struct {
	Name string
	// Values are as the flag would have them: one, or those of a sequence.
	Values []string
	// Line is where it stands, from 1.
	Line int
}

// Value returns the value as etcd's flag would have it.
func (a *Assignment) Value() string { return strings.Join(a.Values, ",") }

// FileError says where in a file something is wrong.
type FileError struct {
	File string
	Line int
	// Unknown is a name that nobody knows, Known those that there are; empty if something
	// else is wrong.
	Unknown string
	Known   []string
	Err     error
}

// Error implements error.
func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *FileError) Unwrap() error { return e.Err }

// Read reads a configuration file of etcd: YAML with the names of its flags, some of
// them grouped (client-transport-security). own are names that stand in the file besides,
// and are not etcd's. A *FileError says what is wrong.
func Read(file string, text []byte, own []string) ([]Assignment, error) {
	r := reader{file: file, own: own}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, r.syntax(err)
	}
	if len(document.Content) == 0 {
		return nil, nil // nothing but comments
	}
	err := r.mapping(document.Content[0], func(key, value *yaml.Node) error {
		if group, ok := sections[key.Value]; ok {
			return r.group(group, value)
		}
		f := Find(key.Value)
		if f == nil && !slices.Contains(own, key.Value) {
			return r.unknown(key, append(append(groups(), Names()...), own...))
		}
		return r.assign(key.Value, f, value)
	})
	return r.all, err
}

type reader struct {
	file string
	own  []string
	all  []Assignment
}

// groups returns the names of the groups.
func groups() (names []string) {
	for name := range sections { // unordered: sorted below
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) error {
	return &FileError{File: r.file, Line: n.Line, Err: fmt.Errorf(format, args...)}
}

// syntax tells of text that is no YAML; the library's words begin with the line.
func (r *reader) syntax(err error) error {
	line, words := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if _, failed := fmt.Sscanf(words, "line %d:", &line); failed == nil {
		_, words, _ = strings.Cut(words, ": ")
	}
	return &FileError{File: r.file, Line: line, Err: errors.New("expected YAML: " + words)}
}

func (r *reader) unknown(key *yaml.Node, known []string) error {
	return &FileError{File: r.file, Line: key.Line, Unknown: key.Value, Known: known, Err: fmt.Errorf("unknown setting %q", key.Value)}
}

// mapping calls f with each key of a mapping, which may stand there once.
func (r *reader) mapping(n *yaml.Node, f func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return r.fail(n, "expected settings, NAME: VALUE")
	}
	var seen []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if slices.Contains(seen, key.Value) {
			return r.fail(key, "%s: set for the second time", key.Value)
		}
		seen = append(seen, key.Value)
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) group(group map[string]string, n *yaml.Node) error {
	return r.mapping(n, func(key, value *yaml.Node) error {
		stands, ok := group[key.Value]
		if !ok {
			var known []string
			for k := range group { // unordered: sorted below
				known = append(known, k)
			}
			slices.Sort(known)
			return r.unknown(key, known)
		}
		return r.assign(stands, Find(stands), value)
	})
}

// assign notes a setting.
func (r *reader) assign(name string, f *Field, n *yaml.Node) error {
	values := []*yaml.Node{n}
	switch {
	case n.Kind == yaml.SequenceNode && (f == nil || f.Kind == List):
		values = n.Content
	case n.Kind == yaml.MappingNode && f != nil && f.refused != "":
		return r.fail(n, "%s: cannot be had: %s", name, f.refused)
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
		return nil // as if it were not there
	}
	var texts []string
	for _, v := range values {
		if v.Kind != yaml.ScalarNode {
			return r.fail(v, "%s: expected a value", name)
		}
		texts = append(texts, v.Value)
	}
	if f != nil && f.Kind == Duration && n.Tag == "!!int" {
		texts[0] += "ns"
	}
	r.all = append(r.all, Assignment{name, texts, n.Line})
	return nil
}
