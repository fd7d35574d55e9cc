package scenarios

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed library/*.scn
var libraryFiles embed.FS

// Drawn is the name of scenarios that a nemesis draws; no other may have it.
const Drawn = "nemesis"

// Suffix is what the name of a scenario file ends with.
const Suffix = ".scn"

// library holds the built-in scenarios, ordered by group and name.
var library = readLibrary()

// readLibrary parses the embedded scenarios. A mistake in one is a mistake of
// ours, and found by any test.
func readLibrary() []*File {
	entries, err := libraryFiles.ReadDir("library")
	if err != nil {
		panic("scenarios: the library is not embedded: " + err.Error())
	}
	var all []*File
	for _, e := range entries {
		text, err := libraryFiles.ReadFile(path.Join("library", e.Name()))
		if err != nil {
			panic("scenarios: the library cannot be read: " + err.Error())
		}
		f, err := Parse(strings.TrimSuffix(e.Name(), Suffix), string(text))
		if err != nil {
			panic(fmt.Sprintf("scenarios: built-in scenario: %v", err))
		}
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b *File) int {
		if c := strings.Compare(a.About().Group, b.About().Group); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

// Library returns the built-in scenarios, ordered by group and name.
func Library() []*File { return slices.Clone(library) }

// Lookup returns the built-in scenario of this name, or nil.
func Lookup(name string) *File {
	i := slices.IndexFunc(library, func(f *File) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return library[i]
}

// About is what a scenario says about itself, in the comments that precede its
// first statement: "# name: purpose", then "# group: ...", "# source: ..." and
// "# teaches: ...". A comment that is indented continues the line before.
type About struct{ Purpose, Group, Source, Teaches string }

// About reads the header of the scenario. What is missing is empty.
func (f *File) About() About {
	var a About
	var field *string
	for i := range f.Lines {
		line := &f.Lines[i]
		if line.Statement != nil || line.Phase != nil || line.Comment == "" {
			break
		}
		text := strings.TrimPrefix(line.Comment, "#")
		if strings.HasPrefix(text, "  ") && field != nil {
			*field += " " + strings.TrimSpace(text)
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(text), ":")
		switch {
		case i == 0:
			field = &a.Purpose
		case name == "group":
			field = &a.Group
		case name == "source":
			field = &a.Source
		case name == "teaches":
			field = &a.Teaches
		default:
			field = nil
			continue
		}
		*field = strings.TrimSpace(value)
	}
	return a
}
