package export_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report/export"
	"etcdsim/scenarios/report/page"
)

// exported runs leader-kill with seed 7 and exports it.
func exported(t *testing.T, format string) string {
	t.Helper()
	file := scenarios.Lookup("leader-kill")
	r, c, err := page.Record(file, 7, scenarios.Options{}, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	f, err := export.Lookup(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, &export.Run{File: file, Result: r, Chronicle: c}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Each arrow of the trace begins and ends once, and the end is not before the
// beginning; every slice lies within a process and thread that has a name.
func TestChrome(t *testing.T) {
	var in struct {
		TraceEvents []struct {
			Ph       string
			Ts, Dur  float64
			Pid, Tid int
			ID       uint64
			Name     string
		}
	}
	if err := json.Unmarshal([]byte(exported(t, "chrome")), &in); err != nil {
		t.Fatal(err)
	}
	named := map[[2]int]bool{}
	begun := map[uint64]float64{}
	ended, roles := 0, 0
	for _, e := range in.TraceEvents {
		switch e.Ph {
		case "M":
			named[[2]int{e.Pid, e.Tid}] = true
		case "s":
			begun[e.ID] = e.Ts
		case "f":
			from, ok := begun[e.ID]
			if !ok || e.Ts < from {
				t.Fatalf("arrow %d ends at %v us and begins at %v us (%v)", e.ID, e.Ts, from, ok)
			}
			ended++
		case "X":
			if strings.HasPrefix(e.Name, "leader, term") {
				roles++
			}
			if e.Dur < 0 || !named[[2]int{e.Pid, e.Tid}] {
				t.Fatalf("slice %+v has no length or no named row", e)
			}
		}
	}
	if ended != len(begun) || ended < 1000 || roles < 2 {
		t.Errorf("%d arrows begin, %d end; %d reigns, want at least 2", len(begun), ended, roles)
	}
}

var shivizLine = regexp.MustCompile(`^(\S+) \{(.*)\}$`)

// The log reads with the expression that ShiViz is given, a host's own clock grows
// by one with each of its events, and no clock ever goes back.
func TestShiViz(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(exported(t, "shiviz"), "\n"), "\n")
	last := map[string]map[string]int{}
	merged := 0
	for i := 0; i < len(lines); i += 2 {
		m := shivizLine.FindStringSubmatch(lines[i])
		if m == nil || i+1 == len(lines) || lines[i+1] == "" {
			t.Fatalf("line %d: %q: expected a host, its clock, and an event on the next line", i+1, lines[i])
		}
		clock := map[string]int{}
		for part := range strings.SplitSeq(m[2], ", ") {
			name, n, _ := strings.Cut(part, ":")
			value, err := strconv.Atoi(n)
			if err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			clock[strings.Trim(name, `"`)] = value
		}
		host := m[1]
		if clock[host] != last[host][host]+1 {
			t.Fatalf("line %d: %s counts %d after %d", i+1, host, clock[host], last[host][host])
		}
		for other, n := range last[host] { // unordered: each is compared by itself
			if clock[other] < n {
				t.Fatalf("line %d: %s knew %d of %s, now %d", i+1, host, n, other, clock[other])
			}
			if other != host && clock[other] > n {
				merged++
			}
		}
		last[host] = clock
	}
	if len(last) < 9 || merged < 100 {
		t.Errorf("%d hosts, %d times one learned of another: want 5 members and 4 clients, and many", len(last), merged)
	}
}

var mermaidLine = regexp.MustCompile(`^(sequenceDiagram|    (actor|participant) [cn]\d+|` +
	`    [cn]\d+(->>|-x)[cn]\d+: [^;#]+|    Note over [cn]\d+(,[cn]\d+)?: [^;#]+)$`)

// Each line is one that mermaid's grammar has.
func TestMermaid(t *testing.T) {
	text := exported(t, "mermaid")
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if !mermaidLine.MatchString(line) {
			t.Fatalf("line %d: %q", i+1, line)
		}
	}
	if strings.Contains(text, "MsgHeartbeat ") || !strings.Contains(text, "n5 is killed") || !strings.Contains(text, "-x") {
		t.Error("expected no heartbeats, a killed member, and packets that were lost")
	}
}

// A header, then events whose times do not go back.
func TestAsciicast(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(exported(t, "asciicast"), "\n"), "\n")
	var header struct{ Version, Width, Height int }
	if err := json.Unmarshal([]byte(lines[0]), &header); err != nil || header.Version != 2 || header.Width == 0 || header.Height == 0 {
		t.Fatalf("header %q: %v", lines[0], err)
	}
	last, leads := 0.0, 0
	for i, line := range lines[1:] {
		var event []any
		if err := json.Unmarshal([]byte(line), &event); err != nil || len(event) != 3 || event[1] != "o" {
			t.Fatalf("line %d: %q: %v", i+2, line, err)
		}
		at, text := event[0].(float64), event[2].(string)
		if at < last || !strings.HasSuffix(text, "\r\n") {
			t.Fatalf("line %d: %q follows %v s", i+2, line, last)
		}
		last = at
		if strings.Contains(text, " leads term ") {
			leads++
		}
	}
	if leads < 2 {
		t.Errorf("%d leaders are told of, want at least 2", leads)
	}
}

func TestLookup(t *testing.T) {
	if _, err := export.Lookup("svg"); err == nil || !strings.Contains(err.Error(), "expected one of chrome,") {
		t.Errorf("got %v", err)
	}
}
