package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"etcdsim/store"
)

// lines is a recording of a few requests. The key "a" is YQ== in base64, the value "v"
// is dg==.
const lines = `{"i":0,"op":"Put","request":{"key":"YQ==","value":"dg=="},"response":{"header":{"revision":"2"}}}
{"i":1,"op":"Range","request":{"key":"YQ=="},"response":` +
	`{"header":{"revision":"2"},"kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1","value":"dg=="}],"count":"1"}}
{"i":2,"op":"LeaseRevoke","request":{"ID":"7"},"error":{"code":"NotFound","message":"etcdserver: requested lease not found"}}
{"i":3,"op":"LeaseTimeToLive","request":{"ID":"8"},"response":{"header":{"revision":"2"},"ID":"8","grantedTTL":"60"},"volatile":["TTL"]}
{"i":4,"op":"Watch","request":{"key":"YQ=="},"watch":` +
	`{"created":{"header":{"revision":"2"},"created":true},` +
	`"events":[{"kv":{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1","value":"dg=="}}],` +
	`"up_to_revision":2}}
{"i":5,"op":"LeaseTimeToLive","request":{"ID":"8"},"response":{"header":{"revision":"2"},"ID":"8","TTL":"-1"}}
`

// An answer that is the recorded one has no difference, and any other has.
func TestDiff(t *testing.T) {
	records, err := Parse([]byte(lines))
	if err != nil || len(records) != 6 {
		t.Fatalf("%d records, %v; want 6", len(records), err)
	}
	kv := func(change func(*store.KeyValue)) store.Response {
		kv := &store.KeyValue{Key: "a", Value: "v", CreateRevision: 2, ModRevision: 2, Version: 1}
		change(kv)
		return store.Response{Revision: 2, Result: &store.RangeResult{KVs: []*store.KeyValue{kv}, Count: 1}}
	}
	ttl := func(left, granted int64) store.Response {
		return store.Response{Revision: 2, Result: &store.LeaseTimeToLiveResult{ID: 8, TTL: left, GrantedTTL: granted}}
	}
	refusal := func(code store.Code, text string) store.Response {
		return store.Response{Err: &store.Error{Code: code, Text: text}}
	}
	for _, c := range []struct {
		line int
		got  store.Response
		want string // of the difference; none if empty
	}{
		{0, store.Response{Revision: 2, Result: &store.PutResult{}}, ""},
		{0, store.Response{Revision: 3, Result: &store.PutResult{}}, "got  rev 3"},
		{0, store.Response{Revision: 2, Result: &store.PutResult{PrevKV: &store.KeyValue{Key: "a"}}}, "prev"},
		{0, store.Response{Err: store.ErrCompacted}, "want no error"},
		{1, kv(func(*store.KeyValue) {}), ""},
		{1, kv(func(kv *store.KeyValue) { kv.Value = "w" }), "[a=w "},
		{1, kv(func(kv *store.KeyValue) { kv.Lease = 7 }), "lease 7"},
		{2, refusal(store.NotFound, "etcdserver: requested lease not found"), ""},
		{2, refusal(store.NotFound, "etcdserver: no lease"), "no lease"},
		{2, refusal(store.Unavailable, "etcdserver: requested lease not found"), "Unavailable"},
		{2, store.Response{Revision: 2, Result: &store.LeaseRevokeResult{}}, "got  no error"},
		{3, ttl(60, 60), ""},
		{3, ttl(0, 60), ""},
		{3, ttl(61, 60), "TTL:61"},
		{3, ttl(-1, 60), "TTL:-1"},
		{3, ttl(59, 59), "GrantedTTL:59"},
		{5, ttl(-1, 0), ""},
		{5, ttl(0, 0), "TTL:0"},
	} {
		diff := records[c.line].Diff(c.got)
		if (diff == "") != (c.want == "") || !strings.Contains(diff, c.want) {
			t.Errorf("line %d, answer %s: difference %q, want %q", c.line, Print(c.got), diff, c.want)
		}
	}
}

func TestDiffWatched(t *testing.T) {
	records, err := Parse([]byte(lines))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Watched){
		"":                 func(*Watched) {},
		"not created":      func(w *Watched) { w.Created = nil },
		"another revision": func(w *Watched) { w.UpTo++ },
		"a lost event":     func(w *Watched) { w.Events = nil },
		"another event":    func(w *Watched) { w.Events[0].Type = store.EventDelete },
		"a previous value": func(w *Watched) { w.Events[0].PrevKV = &store.KeyValue{Key: "a"} },
		"cancelled":        func(w *Watched) { w.Canceled = &store.WatchResponse{Canceled: true} },
	} { // unordered: each is judged alone
		saw := &Watched{
			Created: &store.WatchResponse{Revision: 2, Created: true},
			Events:  []store.Event{{KV: &store.KeyValue{Key: "a", Value: "v", CreateRevision: 2, ModRevision: 2, Version: 1}}},
			UpTo:    2,
		}
		change(saw)
		if diff := records[4].DiffWatched(saw); (diff == "") != (name == "") {
			t.Errorf("%s: difference %q", name, diff)
		}
	}
}

// An answer of the older APIs is compared in the same way; what the recording left out
// because of the clock must be there, and be what it stands for.
func TestOlderDiff(t *testing.T) {
	const line = `{"i":0,"op":"request","method":"PUT","path":"/v2/keys/a","status":201,"x_etcd_index":7,` +
		`"body":{"node":{"expiration":"<time>","ttl":"<seconds left>"},"list":[{"at":"<time>"}]}}`
	const timeout = `{"i":1,"op":"wait_result","name":"w","text":"timeout"}`
	const silent = `{"i":2,"op":"request","method":"HEAD","path":"/v2/keys/a","status":200}`
	records, err := ParseOlder([]byte(line + "\n" + timeout + "\n" + silent + "\n"))
	if err != nil || len(records) != 3 {
		t.Fatalf("%d records, %v; want 3", len(records), err)
	}
	const at = "2026-01-02T03:04:05.000000006Z"
	body := func(expiration, ttl, list string) string {
		return fmt.Sprintf(`{"node":{"expiration":%s,"ttl":%s},"list":%s}`, expiration, ttl, list)
	}
	good := body(`"`+at+`"`, "5", `[{"at":"`+at+`"}]`)
	for _, c := range []struct {
		line   int
		status int
		index  string
		body   string
		want   string // of the difference; none if empty
	}{
		{0, 201, "7", good, ""},
		{0, 200, "7", good, "status 200"},
		{0, 201, "8", good, `X-Etcd-Index "8", want "7"`},
		{0, 201, "", good, `X-Etcd-Index "", want "7"`},
		{0, 201, "7", "{", `body "{"`},
		{0, 201, "7", "", "body"},
		{0, 201, "7", body(`"tomorrow"`, "5", `[{"at":"`+at+`"}]`), "tomorrow"},
		{0, 201, "7", body("6", "5", `[{"at":"`+at+`"}]`), `"expiration":6`},
		{0, 201, "7", body(`"`+at+`"`, "0", `[{"at":"`+at+`"}]`), `"ttl":0`},
		{0, 201, "7", body(`"`+at+`"`, `"`+at+`"`, `[{"at":"`+at+`"}]`), `"ttl":"2026`},
		{0, 201, "7", body(`"`+at+`"`, "5", `[]`), `"list":[]`},
		{0, 201, "7", `{"node":{"ttl":5},"list":[{"at":"` + at + `"}]}`, `{"ttl":5}`},
		{0, 0, "", "", "no answer"},
		{1, 0, "", "", ""},
		{1, 200, "7", good, "an answer where none was recorded"},
		{2, 200, "", "", ""},
		{2, 200, "7", "", `X-Etcd-Index "7", want ""`},
	} {
		var got *store.HTTPResult
		if c.status != 0 {
			got = &store.HTTPResult{Status: c.status, Body: c.body}
			if c.index != "" {
				got.Header = []store.HTTPField{{Name: "X-Etcd-Index", Value: c.index}}
			}
		}
		if diff := records[c.line].Diff(got); (diff == "") != (c.want == "") || !strings.Contains(diff, c.want) {
			t.Errorf("%v, status %d, index %q, body %s: difference %q, want %q", &records[c.line], c.status, c.index, c.body, diff, c.want)
		}
	}
}

func TestParseNamesTheLine(t *testing.T) {
	for bad, want := range map[string]string{
		`{"i":0,"op":"Dance"}`:                              `line 7: unknown op "Dance"`,
		`{"i":0,"op":"Put","surprise":1}`:                   "line 7: json: unknown field",
		`{"i":0,"op":"Put","request":{"surprise":1}}`:       "line 7: request: json: unknown field",
		`{"i":0,"op":"Put","volatile":["Key"]}`:             `line 7: unknown volatile field "Key"`,
		`{"i":0,"op":"Put","error":{"code":"Bored"}}`:       `line 7: unknown code "Bored"`,
		`{"i":0,"op":"Range","request":{"sort_order":"X"}}`: `line 7: request: unknown name "X"`,
		``: "line 7: EOF",
	} { // unordered: each is judged alone
		if _, err := Parse([]byte(lines + bad + "\n")); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", bad, err, want)
		}
	}
	for bad, want := range map[string]string{
		`{"op":"dance"}`:                     `line 2: op "dance": expected request`,
		`{"op":"request","surprise":1}`:      "line 2: json: unknown field",
		`{"op":"wait_result","text":"late"}`: `line 2: text "late": expected timeout`,
	} { // unordered: likewise
		good := `{"op":"request"}` + "\n"
		if _, err := ParseOlder([]byte(good + bad)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", bad, err, want)
		}
	}
}

func TestOlderRequest(t *testing.T) {
	records, err := ParseOlder([]byte(
		`{"op":"request","method":"PUT","path":"/v2/keys/a b","query":{"b":"1","a":"&"},"form":{"value":"x y"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := store.HTTPRequest{Method: "PUT", Path: "/v2/keys/a b", Query: "a=%26&b=1", Body: "value=x+y"}
	if got := *records[0].Request(); got != want {
		t.Errorf("asked %+v, want %+v", got, want)
	}
}

// told is a test that fails or is skipped.
type told struct {
	testing.TB
	failed, skipped string
}

func (o *told) Fatalf(format string, args ...any) { o.failed = fmt.Sprintf(format, args...); panic(o) }

func (o *told) Fatal(args ...any) { o.failed = fmt.Sprint(args...); panic(o) }

func (o *told) Skipf(format string, args ...any) { o.skipped = fmt.Sprintf(format, args...); panic(o) }

// A recording that somebody names is read, and must be there.
func TestNamedCorpus(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"good": lines, "empty": ""} { // unordered: both are written
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) (data []byte, o *told) {
		t.Setenv(V3.variable, filepath.Join(folder, name))
		o = &told{TB: t}
		defer func() {
			if r := recover(); r != nil && r != any(o) {
				panic(r)
			}
		}()
		return V3.Read(o), o
	}
	if data, o := read("good"); string(data) != lines || *o != (told{TB: t}) {
		t.Errorf("read %d bytes of %d: %+v", len(data), len(lines), o)
	}
	if _, o := read("empty"); !strings.Contains(o.failed, "empty") {
		t.Errorf("an empty recording: failed %q, skipped %q", o.failed, o.skipped)
	}
	if _, o := read("none"); !strings.Contains(o.failed, "none") {
		t.Errorf("one that is not there: failed %q, skipped %q", o.failed, o.skipped)
	}
}
