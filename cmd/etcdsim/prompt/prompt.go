// Package prompt is the step session at a terminal: lines with history, editing and
// completion where a person types, and plain text where a pipe does.
package prompt

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"etcdsim/scenarios/step"
)

// Prompt reads lines for a session and shows what comes of them.
type Prompt struct {
	Session *step.Session
	// In is where lines come from. If it is a terminal, they can be edited.
	In *os.File
	// Out is where answers go.
	Out io.Writer
	// Save writes a file.
	Save step.Save
}

// errMistaken ends a script that holds a mistake: whoever pipes lines in would
// otherwise not learn that the rest happened in another universe than they thought.
var errMistaken = errors.New("the session ends here")

// Run lets the session go on until its lines end or it is asked to quit. The error
// is about the first line of a pipe that was a mistake, or about the terminal.
func (p *Prompt) Run() error {
	if term.IsTerminal(int(p.In.Fd())) {
		return p.converse()
	}
	return p.obey()
}

// obey takes the lines of a pipe.
func (p *Prompt) obey() error {
	lines := bufio.NewScanner(p.In)
	lines.Buffer(nil, 1<<20)
	for number := 1; !p.Session.Over() && lines.Scan(); number++ {
		text, err := p.Session.Do(lines.Text(), p.Save)
		if _, wrong := io.WriteString(p.Out, text); wrong != nil {
			return wrong
		}
		if err != nil {
			return fmt.Errorf("line %d: %w: %w", number, err, errMistaken)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if p.Session.Unfinished() {
		return fmt.Errorf("the lines end inside of a block: %w", errMistaken)
	}
	return nil
}

// greeting is what a person sees first.
const greeting = "A line is a statement or a command; help lists both, an empty line goes on with the scenario.\n" +
	"Tab completes, the arrows recall. Ctrl-C interrupts what goes on, Ctrl-D leaves.\n"

// converse talks to a person at a terminal.
func (p *Prompt) converse() error {
	fd := int(p.In.Fd())
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{interruptible{p.In}, p.Out}, "")
	t.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		return p.complete(t, line, pos)
	}
	if _, err := io.WriteString(p.Out, greeting); err != nil {
		return err
	}
	for !p.Session.Over() {
		line, err := p.readLine(fd, t)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, term.ErrPasteIndicator) {
			return err
		}
		text, err := p.Session.Do(line, p.Save)
		if _, wrong := io.WriteString(p.Out, text); wrong != nil {
			return wrong
		}
		if err != nil {
			fmt.Fprintf(p.Out, "✗ %v\n", err)
		}
	}
	return nil
}

// readLine reads one line. Only meanwhile is the terminal in raw mode: while a
// statement goes on, Ctrl-C is a signal as everywhere.
func (p *Prompt) readLine(fd int, t *term.Terminal) (line string, err error) {
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("the terminal cannot be read from: %w", err)
	}
	defer func() {
		if wrong := term.Restore(fd, before); wrong != nil && err == nil {
			err = wrong
		}
	}()
	if width, height, err := term.GetSize(fd); err == nil && width > 0 {
		if err := t.SetSize(width, height); err != nil {
			return "", err
		}
	}
	t.SetPrompt(p.invitation())
	return t.ReadLine()
}

// invitation is what stands before the line that is typed.
func (p *Prompt) invitation() string {
	if p.Session.Unfinished() {
		return "  ... "
	}
	return p.Session.Now().String() + "> "
}

// complete completes the word before the cursor, as far as it is clear, and shows
// what it may be otherwise.
func (p *Prompt) complete(t io.Writer, line string, pos int) (string, int, bool) {
	choice := p.Session.Complete(line[:pos])
	if len(choice) == 0 {
		return "", 0, false
	}
	start := strings.LastIndexByte(line[:pos], ' ') + 1
	word := sharedPrefix(choice)
	if word == line[start:pos] && len(choice) > 1 {
		fmt.Fprintln(t, p.inLines(choice))
		return line, pos, true
	}
	if len(choice) == 1 && !strings.HasSuffix(word, "=") {
		word += " "
	}
	return line[:start] + word + line[pos:], start + len(word), true
}

// inLines puts words into lines that fit the terminal.
func (p *Prompt) inLines(words []string) string {
	width, _, err := term.GetSize(int(p.In.Fd()))
	if err != nil || width < 40 {
		width = 80
	}
	var b strings.Builder
	column := 0
	for _, word := range words {
		switch {
		case column > 0 && column+2+len(word) >= width:
			b.WriteString("\n")
			column = 0
		case column > 0:
			b.WriteString("  ")
			column += 2
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

// sharedPrefix is what all words begin with.
func sharedPrefix(words []string) string {
	first := words[0]
	for _, word := range words[1:] {
		for !strings.HasPrefix(word, first) {
			first = first[:len(first)-1]
		}
	}
	return first
}

// interruptible reads from a terminal in raw mode, in which Ctrl-C is a character: it
// empties the line, as Ctrl-U does, where term.Terminal would end the input.
type interruptible struct{ io.Reader }

const (
	ctrlC = 0x03
	ctrlU = 0x15
)

func (r interruptible) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	for i := range b[:n] {
		if b[i] == ctrlC {
			b[i] = ctrlU
		}
	}
	return n, err
}
