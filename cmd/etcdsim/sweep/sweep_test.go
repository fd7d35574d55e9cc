package sweep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"etcdsim/scenarios"
	"etcdsim/scenarios/report"
	"etcdsim/sim/trace"
)

// Scenarios that take a millisecond each. The second fails with some seeds: the
// election may take longer than it says.
var texts = map[string]string{
	"one":  "cluster nodes=1\nwait leader within=20s\n",
	"soon": "cluster nodes=3\nwait leader within=1500ms\n",
}

func parsed(t testing.TB, name, text string) *scenarios.File {
	t.Helper()
	f, err := scenarios.Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// newPool sweeps both scenarios with the seeds 1..last.
func newPool(t testing.TB, last uint64, jobs int) *Pool {
	files := map[string]*scenarios.File{"one": parsed(t, "one", texts["one"]), "soon": parsed(t, "soon", texts["soon"])}
	return &Pool{
		Header: Header{
			Format: Format, Build: "test", Trace: trace.Version, First: 1, Last: last,
			Scenarios: []Entry{{"one", "1"}, {"soon", "2"}},
		},
		Source: func(task Task) *scenarios.File { return files[task.Scenario] },
		Jobs:   jobs,
	}
}

// results runs the pool and returns what it writes and adds up.
func results(t testing.TB, p *Pool) (string, *Tally) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, &p.Header, false)
	if err != nil {
		t.Fatal(err)
	}
	tally := NewTally(&p.Header)
	p.Emit = func(rec *report.Record) bool {
		tally.Add(rec)
		err = errors.Join(err, w.Write(rec))
		return err == nil
	}
	if err := errors.Join(p.Run(context.Background(), 0), err, w.Flush()); err != nil {
		t.Fatal(err)
	}
	return b.String(), tally
}

// The number of workers changes nothing.
func TestJobsAreInvisible(t *testing.T) {
	one, tally := results(t, newPool(t, 60, 1))
	four, _ := results(t, newPool(t, 60, 4))
	if one != four {
		t.Errorf("one job gives\n%s\nfour give\n%s", one, four)
	}
	if n := strings.Count(one, "\n"); n != 121 || tally.Runs != 120 {
		t.Errorf("%d lines, %d runs; want 121 and 120", n, tally.Runs)
	}
	if f := tally.Failed(); f == 0 || f > 60 || tally.Worst != scenarios.Stuck {
		t.Errorf("%d failed, worst %s; want some of the 60 stuck", f, tally.Worst)
	}
}

// The shards of a sweep, merged, are the sweep, and so is one that was cut short
// anywhere and continued.
func TestShardsAndPiecesMakeTheWhole(t *testing.T) {
	whole, tally := results(t, newPool(t, 20, 2))
	t.Run("shards", func(t *testing.T) {
		var shards []*Reader
		for i := range uint64(3) {
			p := newPool(t, 20, 1)
			p.Header.Shard = Shard{3 - i, 3}
			text, _ := results(t, p)
			r, err := NewReader(p.Header.Shard.String(), strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			shards = append(shards, r)
		}
		merged, missing := merge(t, shards)
		if merged != whole || missing != 0 {
			t.Errorf("merged, %d missing\n%s\nwhole\n%s", missing, merged, whole)
		}
	})
	t.Run("pieces", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "results")
		header := strings.Index(whole, "\n") + 1
		for cut := header; cut <= len(whole); cut += 997 {
			if err := os.WriteFile(path, []byte(whole[:cut]), 0o600); err != nil {
				t.Fatal(err)
			}
			p := newPool(t, 20, 2)
			again := NewTally(&p.Header)
			f, next, err := Continue(path, &p.Header, func(rec *report.Record) { again.Add(rec) })
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			w, _ := NewWriter(f, &p.Header, true)
			p.Emit = func(rec *report.Record) bool {
				again.Add(rec)
				return w.Write(rec) == nil
			}
			if err := errors.Join(p.Run(context.Background(), next), w.Flush(), f.Close()); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if got, _ := os.ReadFile(path); string(got) != whole || again.Summary() != tally.Summary() {
				t.Fatalf("cut at %d: continued\n%s\nwhole\n%s", cut, got, whole)
			}
		}
	})
}

func merge(t *testing.T, shards []*Reader) (merged string, missing uint64) {
	t.Helper()
	var b bytes.Buffer
	var w *Writer
	begin := func(h *Header) (err error) {
		w, err = NewWriter(&b, h, false)
		return err
	}
	missing, err := Merge(shards, begin, func(rec *report.Record) error { return w.Write(rec) })
	if err := errors.Join(err, w.Flush()); err != nil {
		t.Fatal(err)
	}
	return b.String(), missing
}

// A shard that ended early leaves holes, and they are counted.
func TestMergeCountsHoles(t *testing.T) {
	var shards []*Reader
	for i := range uint64(2) {
		p := newPool(t, 5, 1)
		p.Header.Shard = Shard{i + 1, 2}
		text, _ := results(t, p)
		if i == 1 {
			lines := strings.SplitAfter(text, "\n")
			text = strings.Join(lines[:3], "")
		}
		r, err := NewReader("shard", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, r)
	}
	if _, missing := merge(t, shards); missing != 3 {
		t.Errorf("%d runs are missing, want 3 of the 5 of the second shard", missing)
	}
}

// What does not belong together is not put together.
func TestStrangersAreRefused(t *testing.T) {
	p := newPool(t, 2, 1)
	whole, _ := results(t, p)
	read := func(text string) error {
		r, err := NewReader("x", strings.NewReader(text))
		for err == nil {
			_, err = r.Next()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	lines := strings.SplitAfter(whole, "\n")
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "x: expected results of a sweep"},
		{"another file", "hello\n", "x:1: expected the header of a sweep"},
		{"an object", "{}\n", "x:1: expected the first line of a results file"},
		{
			"a trace version", strings.Replace(whole, fmt.Sprintf(`"trace":%d`, trace.Version), `"trace":999`, 1),
			"x:1: results of trace version 999: this program's is",
		},
		{"order", lines[0] + lines[2] + lines[1], "x:3: run 0, one with seed 1: it is not of this sweep, or out of order"},
		{"a seed", strings.Replace(whole, `"seed":2`, `"seed":9`, 1), "x:4: run 2, one with seed 9: it is not of this sweep"},
		{
			"an outcome", strings.Replace(whole, `"outcome":"pass"`, `"outcome":"fine"`, 1),
			`x:2: expected a record of a sweep: "fine" is not an outcome`,
		},
		{"no record", lines[0] + "[]\n", "x:2: expected a record of a sweep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := read(c.text); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if err := read(whole); err != nil {
		t.Errorf("the whole: %v", err)
	}

	path := filepath.Join(t.TempDir(), "results")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*Header){
		"the seeds":     func(h *Header) { h.Last = 3 },
		"the bugs":      func(h *Header) { h.Bugs = "x" },
		"the shard":     func(h *Header) { h.Shard = Shard{1, 2} },
		"the program":   func(h *Header) { h.Build = "y" },
		"the scenarios": func(h *Header) { h.Scenarios = h.Scenarios[:1] },
		"the settings":  func(h *Header) { h.Settings = []string{"net.drop=1%"} },
		"the corpus":    func(h *Header) { h.Tried = []Task{{"one", 9}} },
	} {
		h := p.Header
		change(&h)
		_, _, err := Continue(path, &h, func(*report.Record) {})
		if err == nil || !strings.Contains(err.Error(), what+" differ") {
			t.Errorf("another sweep in %s: %v", what, err)
		}
	}
	if got, _ := os.ReadFile(path); string(got) != whole {
		t.Error("a refusal changed the file")
	}
}

// A defect of the simulator is a finding of its run, and the sweep goes on.
func TestPanicIsAFinding(t *testing.T) {
	p := newPool(t, 3, 2)
	broken := parsed(t, "soon", "load w\nwait acked w >=1 within=1s\n")
	broken.Lines[0].Statement = nil // no parser would let this pass
	good := p.Source
	p.Source = func(task Task) *scenarios.File {
		if task == (Task{"soon", 2}) {
			return broken
		}
		return good(task)
	}
	text, tally := results(t, p)
	if tally.By[scenarios.Internal] != 1 || tally.Runs != 6 || tally.Worst != scenarios.Internal {
		t.Errorf("got %s\n%s", tally.Outcomes(), text)
	}
	if f := tally.Findings(); !slices.ContainsFunc(f, func(f *FindingTally) bool {
		return f.Finding == "simulator: scenarios: no load w although the parser saw it" && f.First.Seed == 2
	}) {
		t.Errorf("findings %+v", f)
	}
}

// A sweep that is interrupted ends soon and has made a beginning of the list.
func TestInterruption(t *testing.T) {
	before := runtime.NumGoroutine()
	p := newPool(t, 1_000_000, 2)
	ctx, stop := context.WithCancel(context.Background())
	var seen []uint64
	p.Emit = func(rec *report.Record) bool {
		if seen = append(seen, rec.N); len(seen) == 100 {
			stop()
		}
		return true
	}
	began := time.Now()
	if err := p.Run(ctx, 0); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	for i, n := range seen {
		if n != uint64(i) {
			t.Fatalf("record %d is of run %d", i, n)
		}
	}
	for range 100 { // what was started ends by itself
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// The first to have enough is the last to come out.
func TestEmitMayHaveEnough(t *testing.T) {
	p := newPool(t, 1000, 3)
	n := 0
	p.Emit = func(*report.Record) bool {
		n++
		return n < 17
	}
	if err := p.Run(context.Background(), 0); err != nil || n != 17 {
		t.Errorf("%d records, %v; want 17", n, err)
	}
}

// Time that is up before it begins leaves nothing; a mistake in a scenario is told.
func TestNoRuns(t *testing.T) {
	p := newPool(t, 10, 2)
	p.Until = time.Now()
	if text, tally := results(t, p); tally.Runs != 0 || strings.Count(text, "\n") != 1 {
		t.Errorf("got %s", text)
	}
	p = newPool(t, 10, 2)
	mistaken := parsed(t, "mistaken", "cluster nodes=3\nkill n5\n")
	p.Source = func(Task) *scenarios.File { return mistaken }
	p.Emit = func(*report.Record) bool { return true }
	if err := p.Run(context.Background(), 0); err == nil || !strings.Contains(err.Error(), "mistaken:2:1: n5: the cluster has 3 members") {
		t.Errorf("got %v", err)
	}
}

// What a corpus remembers comes first, and not again.
func TestCorpusComesFirst(t *testing.T) {
	c, err := ParseCorpus("corpus", "# remembered\nsoon 3  # reached split-vote\nother 1 # x\n\none 99 # violation\n")
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(t, 3, 2)
	p.Header.Tried = c.Tasks(p.Header.Scenarios)
	text, tally := results(t, p)
	var order []string
	r, err := NewReader("x", strings.NewReader(text))
	for err == nil {
		var rec *report.Record
		if rec, err = r.Next(); err == nil {
			order = append(order, fmt.Sprintf("%s %d", rec.Scenario, rec.Seed))
		}
	}
	if want := "soon 3, one 99, one 1, soon 1, one 2, soon 2, one 3"; strings.Join(order, ", ") != want {
		t.Errorf("the order is %s, want %s (%v)", strings.Join(order, ", "), want, err)
	}
	scout := NewScout()
	tally.Reached[trace.ProbeSplitVote] = 0
	scout.found[trace.ProbeTornTail] = []Task{{"one", 7}}
	tally.Runs = 1000
	c.Remember(scout, tally)
	var b strings.Builder
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "other 1  # x\n") || !strings.Contains(b.String(), "one 7  # reached torn-tail\n") {
		t.Errorf("the corpus is\n%s", &b)
	}
	for text, want := range map[string]string{
		"one\n": "corpus:1: expected a scenario, a seed", "\none two\n": `corpus:2: "two" is not a seed`,
	} {
		if _, err := ParseCorpus("corpus", text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestShard(t *testing.T) {
	for _, c := range []struct {
		text string
		env  map[string]string
		want string
	}{
		{"2/3", nil, "2/3"},
		{"env", map[string]string{"JOB_COMPLETION_INDEX": "0", "ETCDSIM_SHARDS": "8"}, "1/8"},
		{"env", map[string]string{"ETCDSIM_SHARD": "8", "ETCDSIM_SHARDS": "8"}, "8/8"},
		{"env", map[string]string{"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "5"}, "2/5"},
		{"env", map[string]string{"CIRCLE_NODE_INDEX": "2", "CIRCLE_NODE_TOTAL": "5"}, "3/5"},
		{"env", map[string]string{"BUILDKITE_PARALLEL_JOB": "0", "BUILDKITE_PARALLEL_JOB_COUNT": "1"}, "1/1"},
		{"env", nil, "env: the environment names no shard: expected one of JOB_COMPLETION_INDEX, "},
		{
			"env",
			map[string]string{"JOB_COMPLETION_INDEX": "8", "ETCDSIM_SHARDS": "8"},
			`env: JOB_COMPLETION_INDEX="8" and ETCDSIM_SHARDS="8": expected`,
		},
		{"env", map[string]string{"JOB_COMPLETION_INDEX": "0"}, `env: JOB_COMPLETION_INDEX="0" and ETCDSIM_SHARDS="": expected`},
		{"0/3", nil, `"0/3" is not a shard: expected`},
		{"4/3", nil, `"4/3" is not a shard: expected`},
		{"3", nil, `"3" is not a shard: expected`},
		{"1/1000000000", nil, `"1/1000000000" is not a shard`},
	} {
		s, err := ParseShard(c.text, func(name string) string { return c.env[name] })
		got := s.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s with %v: %s, want %s", c.text, c.env, got, c.want)
		}
	}
	for n := range uint64(20) {
		sum := uint64(0)
		for i := range uint64(3) {
			sum += Shard{i + 1, 3}.Part(n)
		}
		if sum != n || (Shard{}).Part(n) != n {
			t.Errorf("the parts of %d runs are %d", n, sum)
		}
	}
}

// A list of all seeds of many scenarios does not overflow.
func TestEndlessLists(t *testing.T) {
	h := Header{Scenarios: make([]Entry, 3), Last: 1<<64 - 1}
	if h.Size() != 1<<64-1 {
		t.Errorf("the list has %d places", h.Size())
	}
	h.Last = 1 << 63
	if h.Size() != 1<<64-1 {
		t.Errorf("the list has %d places", h.Size())
	}
	h = Header{Scenarios: make([]Entry, 3), First: 5, Last: 6, Tried: make([]Task, 2)}
	if h.Size() != 8 {
		t.Errorf("the list has %d places, want 8", h.Size())
	}
}

// Progress fits on a narrow terminal, and is silent between.
func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, true, 200_000, 0)
	tally := NewTally(&Header{})
	tally.Runs, tally.Elapsed, tally.Faults = 123_456, 1e15, 5_000_000
	tally.By[scenarios.Pass] = 123_450
	p.began = p.began.Add(-300 * time.Second)
	p.Tell(tally)
	if b.Len() > 0 {
		t.Errorf("told too soon: %q", &b)
	}
	p.told = time.Time{}
	p.Tell(tally)
	if line := strings.TrimPrefix(b.String(), clearLine); len(line) > 85 || !strings.Contains(line, "123456/200000 61%") {
		t.Errorf("%d characters: %q", len(line), line)
	}
	b.Reset()
	p.Clear()
	p.Clear()
	if b.String() != clearLine {
		t.Errorf("cleared with %q", &b)
	}
	for n, want := range map[uint64]string{5: "5.0", 12: "12", 0: "0.0"} {
		if got := perSecond(n, time.Second); got != want {
			t.Errorf("%d a second is %s, want %s", n, got, want)
		}
	}
}
