package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"etcdsim/sim/cluster"
	"etcdsim/store"
)

// The sessions with curl that the documentation of etcd's older APIs shows, in
// testdata/documented, give the answers that it shows.
//
//	== TITLE              a section
//	$ curl ... [&]        a request; with & it waits beside the others until "fg"
//	STATUS, headers, body what is answered; "*" stands for anything, also for all of a JSON value
//	advance DURATION      time passes
//	repeat N curl ...     a request, many times
//
// The pages count from another index in each section. A number in an answer, or after
// @ in a text, is as the page shows it; by how much ours is ahead is found out from the
// first answer of each section, and must be so in the rest of it.
func TestDocumentedSessions(t *testing.T) {
	files, err := filepath.Glob("testdata/documented/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Clean(file))
			if err != nil {
				t.Fatal(err)
			}
			s := start(t)
			d := &documented{t: t, started: s, place: file, client: &http.Client{}}
			d.play(bufio.NewScanner(strings.NewReader(string(text))))
			t.Logf("%d answers", d.answers)
		})
	}
}

// documented plays a file.
type documented struct {
	*started
	t       *testing.T
	client  *http.Client
	place   string
	answers int

	section string
	// ahead is by how much our indexes are ahead of the page's; unknown until an answer
	// of the section has told.
	ahead   int64
	unknown bool
	// shown are the lines of the answer that is expected, to the request of asked or to
	// the one that waits.
	shown  []string
	result answered
	waits  chan answered
}

func (d *documented) play(lines *bufio.Scanner) {
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "==", "$", "advance", "repeat", "fg":
			d.check()
			d.place = fmt.Sprintf("%s:%d: %s: %s", d.place[:strings.IndexByte(d.place, '.')]+".txt", number, d.section, line)
		}
		switch verb {
		case "==":
			d.section, d.unknown = rest, true
		case "$":
			d.ask(rest)
		case "advance":
			by, err := time.ParseDuration(rest)
			if err == nil {
				err = d.Driver.Advance(d.t.Context(), by)
			}
			if err != nil {
				d.t.Fatal(err)
			}
		case "repeat":
			times, command, _ := strings.Cut(rest, " ")
			n, _ := strconv.Atoi(times)
			for range n {
				d.do(d.request(command))
			}
		case "fg":
			select {
			case d.result = <-d.waits:
			case <-time.After(10 * time.Second):
				d.t.Fatalf("%s: no answer", d.place)
			}
		default:
			d.shown = append(d.shown, line)
		}
	}
	d.check()
}

// ask makes a request. What it answers is expected by the lines that follow, or after
// fg.
func (d *documented) ask(command string) {
	command, waits := strings.CutSuffix(command, " &")
	req := d.request(command)
	if !waits {
		d.result = d.do(req)
		return
	}
	d.waits = make(chan answered, 1)
	before := d.pending()
	go func() { d.waits <- d.do(req) }()
	for end := time.Now().Add(5 * time.Second); d.pending() == before && len(d.waits) == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

// pending returns the number of requests that the member has not answered.
func (d *documented) pending() (n int) {
	_ = d.Driver.Inspect(d.t.Context(), func(c *cluster.Cluster) { n = len(c.Node(1).Pending()) })
	return n
}

// answered is what was answered; without a status, nothing was.
type answered struct {
	status int
	header http.Header
	body   string
}

// do makes a request and returns what was answered.
func (d *documented) do(req *http.Request) answered {
	resp, err := d.client.Do(req)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			d.t.Errorf("%s: %v", d.place, err)
		}
		return answered{}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Errorf("%s: %v", d.place, err)
	}
	return answered{resp.StatusCode, resp.Header, string(body)}
}

// word is one word of a command line, with what quotes it.
var word = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`)

// request understands the options of curl that the pages use.
func (d *documented) request(command string) *http.Request {
	d.t.Helper()
	words := word.FindAllString(command, -1)
	method, target, header, data := "", "", http.Header{}, []string(nil)
	for i := 1; i < len(words); i++ {
		w := unquote(words[i])
		next := func() string { i++; return unquote(words[i]) }
		switch {
		case w == "-X":
			method = next()
		case strings.HasPrefix(w, "-X"):
			method = w[2:]
		case w == "-d":
			data = append(data, next())
		case w == "--data-urlencode":
			name, value, _ := strings.Cut(strings.ReplaceAll(next(), `\n`, "\n"), "=")
			data = append(data, name+"="+url.QueryEscape(value))
		case w == "-H":
			name, value, _ := strings.Cut(next(), ": ")
			header.Set(name, value)
		case w == "-L", w == "-s", w == "-i", w == "-vv":
		default:
			target = w
		}
	}
	switch {
	case method != "":
	case data != nil:
		method = http.MethodPost
	default:
		method = http.MethodGet
	}
	u, err := url.Parse(d.address(d.renumber(target)))
	if err != nil {
		d.t.Fatalf("%s: %v", d.place, err)
	}
	body := d.renumber(strings.Join(data, "&"))
	req, err := http.NewRequestWithContext(d.t.Context(), method, u.String(), strings.NewReader(body))
	if err != nil {
		d.t.Fatalf("%s: %v", d.place, err)
	}
	if data != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name := range header { // unordered: each is set by itself
		req.Header.Set(name, header.Get(name))
	}
	return req
}

func unquote(w string) string {
	var b strings.Builder
	quote := rune(0)
	for _, r := range w {
		switch {
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// address puts ours in the place of the page's: LEADER and FOLLOWER are whoever is one.
func (d *documented) address(target string) string {
	endpoints, leader := d.Endpoints(), 0
	for i := range endpoints {
		if d.Leader() == store.MemberName(uint64(i+1)) {
			leader = i
		}
	}
	return strings.NewReplacer(
		"127.0.0.1:2379", endpoints[0], "127.0.0.1:4001", endpoints[0],
		"LEADER", endpoints[leader], "FOLLOWER", endpoints[(leader+1)%len(endpoints)],
	).Replace(target)
}

var marked = regexp.MustCompile(`@([0-9]+)`)

// renumber puts our indexes in the place of those of the page that are marked.
func (d *documented) renumber(text string) string {
	return marked.ReplaceAllStringFunc(text, func(m string) string {
		n, _ := strconv.ParseInt(m[1:], 10, 64)
		return fmt.Sprintf("%0*d", len(m)-1, n+d.ahead)
	})
}

// check compares the answer that came with the one that is shown.
func (d *documented) check() {
	shown := d.shown
	if len(shown) == 0 {
		return
	}
	d.shown = nil
	d.answers++
	if d.result.status == 0 {
		return
	}
	if got := strconv.Itoa(d.result.status); got != shown[0] {
		d.t.Errorf("%s: status %s, want %s; %s", d.place, got, shown[0], d.result.body)
		return
	}
	shown = shown[1:]
	var headers []string
	for len(shown) > 0 && regexp.MustCompile(`^[A-Z][A-Za-z-]+: `).MatchString(shown[0]) {
		headers, shown = append(headers, shown[0]), shown[1:]
	}
	d.checkBody(strings.Join(shown, "\n"), d.result.body)
	for _, h := range headers {
		name, want, _ := strings.Cut(h, ": ")
		got := d.result.header.Get(name)
		if n, err := strconv.ParseInt(want, 10, 64); err == nil {
			want = strconv.FormatInt(n+d.ahead, 10)
		}
		if got != want && (want != "*" || got == "") {
			d.t.Errorf("%s: %s is %q, want %q", d.place, name, got, want)
		}
	}
}

func (d *documented) checkBody(shown, got string) {
	var want, have any
	if json.Unmarshal([]byte(shown), &want) != nil { // plain text
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(shown), `\*`, ".*") + "$"
		if !regexp.MustCompile(pattern).MatchString(strings.TrimSpace(got)) {
			d.t.Errorf("%s: %q, want %q", d.place, got, shown)
		}
		return
	}
	if err := json.Unmarshal([]byte(got), &have); err != nil {
		d.t.Errorf("%s: %v in %q", d.place, err, got)
		return
	}
	if d.unknown {
		d.ahead, d.unknown = firstIndex(have)-firstIndex(want), firstIndex(want) == 0
	}
	if difference := d.differ("", want, have); difference != "" {
		d.t.Errorf("%s: %s\n%s\nahead by %d", d.place, difference, got, d.ahead)
	}
}

// indexes are the fields that hold an index.
var indexes = []string{"index", "modifiedIndex", "createdIndex"}

// firstIndex returns the index that an answer tells: of a node the last one that
// changed it. 0 means none.
func firstIndex(v any) int64 {
	o, ok := v.(map[string]any)
	if !ok {
		return 0
	}
	if node, ok := o["node"]; ok {
		return firstIndex(node)
	}
	for _, name := range indexes {
		if n, ok := o[name].(float64); ok {
			return int64(n)
		}
	}
	return 0
}

// differ returns where two answers differ, or "".
func (d *documented) differ(path string, want, have any) string {
	if want == "*" {
		return ""
	}
	switch want := want.(type) {
	case map[string]any:
		have, ok := have.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, want an object", path, have)
		}
		for name := range have { // unordered: any that is too much will do
			if _, ok := want[name]; !ok {
				return fmt.Sprintf("%s.%s is not shown", path, name)
			}
		}
		for name, w := range want { // unordered: any difference will do
			h, ok := have[name]
			if !ok {
				return fmt.Sprintf("%s.%s is missing", path, name)
			}
			if n, isNumber := w.(float64); isNumber && strings.HasSuffix(strings.ToLower(name), "index") {
				w = n + float64(d.ahead)
			}
			if difference := d.differ(path+"."+name, w, h); difference != "" {
				return difference
			}
		}
		return ""
	case []any:
		have, ok := have.([]any)
		if !ok || len(have) != len(want) {
			return fmt.Sprintf("%s is %v, want %d elements", path, have, len(want))
		}
		for i := range want {
			if difference := d.differ(fmt.Sprintf("%s[%d]", path, i), want[i], have[i]); difference != "" {
				return difference
			}
		}
		return ""
	case string:
		if d.renumber(want) == have {
			return ""
		}
	default:
		if reflect.DeepEqual(want, have) {
			return ""
		}
	}
	return fmt.Sprintf("%s is %v, want %v", path, have, want)
}
