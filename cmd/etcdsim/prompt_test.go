package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

// terminalSession is etcdsim step at a terminal.
type terminalSession struct {
	t    *testing.T
	tty  *os.File
	cmd  *exec.Cmd
	read chan []byte
	// screen is what came out so far; awaited is how much of it was looked at.
	screen  []byte
	awaited int
}

func atTerminal(t *testing.T, dir string, args ...string) *terminalSession {
	t.Helper()
	program, err := exec.LookPath("etcdsim")
	if err != nil {
		t.Fatalf("the test's own commands are not in the path: %v", err)
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TERM=xterm")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Skipf("no pseudo-terminal to be had here: %v", err)
	}
	s := &terminalSession{t: t, tty: tty, cmd: cmd, read: make(chan []byte, 64)}
	t.Cleanup(func() {
		tty.Close()
		cmd.Process.Kill()
	})
	go func() {
		defer close(s.read)
		for {
			b := make([]byte, 4096)
			n, err := tty.Read(b)
			s.read <- b[:n]
			if err != nil { // the program has ended
				return
			}
		}
	}()
	return s
}

// shows waits until the screen shows something new that the pattern matches.
func (s *terminalSession) shows(pattern string) {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	patience := time.After(20 * time.Second)
	for {
		if at := re.FindIndex(s.screen[s.awaited:]); at != nil {
			s.awaited += at[1]
			return
		}
		select {
		case b, more := <-s.read:
			s.screen = append(s.screen, b...)
			if !more {
				s.t.Fatalf("the program ended without showing %q; the screen:\n%s", pattern, s.screen)
			}
		case <-patience:
			s.t.Fatalf("%q does not come; the screen:\n%s", pattern, s.screen)
		}
	}
}

func (s *terminalSession) types(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, keys); err != nil {
		s.t.Fatalf("typing %q: %v", keys, err)
	}
}

// A person at a terminal edits, completes and recalls lines, interrupts what goes on,
// goes back, saves and leaves.
func TestStepAtATerminal(t *testing.T) {
	dir := t.TempDir()
	s := atTerminal(t, dir, "step", "leader-kill", "--seed", "7")
	const invitation = `\d\.\d{3}s> `
	s.shows("Tab completes")
	s.shows(invitation)
	s.types("\r") // the first statement
	s.shows("wait +leader as=")
	s.shows("n5 leads term 2")
	s.shows(invitation)
	s.types("elec\t") // completed
	s.shows("election ")
	s.types("\x03look lead\t\r") // Ctrl-C empties the line
	s.shows("n5  leader of term 2")
	s.shows(invitation)
	s.types("part\t n1 n2 n3 | n4 n5x\x7f\r") // Backspace
	s.shows("n1, n2, n3 \\| n4, n5")
	s.shows(invitation)
	s.types("back\r")
	s.shows("after wait")
	s.shows(invitation)
	s.types("\x1b[A\x1b[A\r") // two lines up
	s.shows("n1, n2, n3 \\| n4, n5")
	s.shows(invitation)
	s.types("kill nobody\r")
	s.shows("✗ .*expected a member")
	s.shows(invitation)
	s.types("wait e\t\t") // several words fit
	s.shows("elapsed")
	s.types("\x03for 20h\r")
	time.Sleep(200 * time.Millisecond) // it cannot end by itself so soon
	s.types("\x03")
	s.shows("interrupted, and taken back")
	s.shows(invitation)
	s.types("save mine\r")
	s.shows("saved; etcdsim run mine.scn --seed 7 does the same")
	s.shows(invitation)
	s.types("\x04") // Ctrl-D
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-D: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "mine.scn"))
	if err != nil || !bytes.Contains(text, []byte("partition n1 n2 n3 | n4 n5\n")) {
		t.Errorf("saved: %v\n%s", err, text)
	}
}

// The same lines through a pipe: no colour, no prompt, and the same digest as the file
// that was saved.
func TestStepThroughAPipe(t *testing.T) {
	dir := t.TempDir()
	piped := func(stdin string, args ...string) (stdout, stderr string) {
		t.Helper()
		cmd := exec.Command("etcdsim", args...)
		var out, wrong bytes.Buffer
		cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &out, &wrong
		if err := cmd.Run(); err != nil {
			wrong.WriteString(err.Error())
		}
		return out.String(), wrong.String()
	}
	lines := "next all\nmessage 5\nkill leader\nelection\nsave mine\nend\n"
	walked, wrong := piped(lines, "step", "steady", "--seed", "3")
	if wrong != "" || strings.ContainsAny(walked, "\r\x1b") {
		t.Errorf("through a pipe: %s\n%q", wrong, walked)
	}
	ran, wrong := piped("", "run", "mine.scn", "--seed", "3")
	of := func(text string) string { return text[strings.LastIndex(text, "digest "):] }
	if wrong != "" || of(walked) != of(ran) {
		t.Errorf("the session says\n%s\nand its file\n%s%s", walked, ran, wrong)
	}
	if again, _ := piped(lines, "step", "steady", "--seed", "3"); again != walked {
		t.Errorf("the second time the session says\n%s\ninstead of\n%s", again, walked)
	}
	drawn, wrong := piped("next all\nend\n", "step", "--nemesis", "--seed", "4")
	if plan, _ := piped("", "run", "--nemesis", "--seed", "4"); wrong != "" || of(drawn) != of(plan) {
		t.Errorf("a plan that was walked through says\n%s\nand run\n%s%s", drawn, plan, wrong)
	}
	if out, wrong := piped("expect crashes >=1\nend\n", "step"); !strings.Contains(wrong, "exit status 1") ||
		!strings.Contains(out, "EXPECTATION  expect crashes >=1") {
		t.Errorf("a verdict that is no pass: %s\n%s", wrong, out)
	}
	if out, wrong := piped("look\nkil n1\nlook\n", "step"); !strings.Contains(wrong, `line 2: "kil" is neither`) ||
		!strings.Contains(wrong, "exit status 64") || strings.Count(out, "digest") != 1 {
		t.Errorf("a mistake in a pipe: %s\n%s", wrong, out)
	}
}
