package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"etcdsim/store"
)

// OlderRecord is one line of a recording of the older APIs, v2 and v1.
type OlderRecord struct {
	// Line counts from 0.
	Line int `json:"i"`
	// Op is OlderRequest, OlderWaitStart or OlderWaitResult.
	Op string `json:"op"`
	// Name ties the two records of a wait together.
	Name string `json:"name"`

	// What was asked; empty in a wait's result. Query and Form are fields by name.
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Query  map[string]string `json:"query"`
	Form   map[string]string `json:"form"`

	// What was answered; empty where a wait starts. XEtcdIndex is nil if there was no
	// such header. Body is parsed JSON, nil if there was none; what depends on the
	// wall clock has been replaced: "<time>", and "<seconds left>".
	Status     int     `json:"status"`
	XEtcdIndex *uint64 `json:"x_etcd_index"`
	Body       any     `json:"body"`
	// Text is "timeout" in the result of a wait that had not ended after 2 s.
	Text string `json:"text"`
}

// The values of OlderRecord.Op. A wait is started beside the requests that follow,
// and later asked for its result.
const (
	OlderRequest    = "request"
	OlderWaitStart  = "wait_start"
	OlderWaitResult = "wait_result"
)

// ParseOlder reads a recording of the older APIs. Errors name the line.
func ParseOlder(data []byte) ([]OlderRecord, error) {
	var records []OlderRecord
	for text := range bytes.Lines(data) {
		var r OlderRecord
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields() // a field that nobody compares would be a hole
		err := decoder.Decode(&r)
		if err == nil {
			err = r.check()
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(records)+1, err)
		}
		records = append(records, r)
	}
	return records, nil
}

func (r *OlderRecord) check() error {
	switch r.Op {
	case OlderRequest, OlderWaitStart, OlderWaitResult:
	default:
		return fmt.Errorf("op %q: expected %s, %s or %s", r.Op, OlderRequest, OlderWaitStart, OlderWaitResult)
	}
	if r.Text != "" && r.Text != "timeout" {
		return fmt.Errorf("text %q: expected timeout", r.Text)
	}
	return nil
}

// TimedOut says that no answer to a wait came.
func (r *OlderRecord) TimedOut() bool { return r.Text != "" }

// Request is what was asked.
func (r *OlderRecord) Request() *store.HTTPRequest {
	return &store.HTTPRequest{Method: r.Method, Path: r.Path, Query: encodeForm(r.Query), Body: encodeForm(r.Form)}
}

func encodeForm(fields map[string]string) string {
	v := url.Values{}
	for name, value := range fields { // unordered: Encode sorts
		v.Set(name, value)
	}
	return v.Encode()
}

// String names the record.
func (r *OlderRecord) String() string {
	return fmt.Sprintf("record %d, %s %s%s", r.Line, r.Method, r.Path, r.Name)
}

// Diff compares an answer with the recorded one: status, X-Etcd-Index and body. got
// is nil if there was no answer, as there must be none where the recording timed
// out. It returns "" if they are equal, and otherwise how they differ.
func (r *OlderRecord) Diff(got *store.HTTPResult) string {
	switch {
	case got == nil && r.TimedOut():
		return ""
	case got == nil:
		return "no answer"
	case r.TimedOut():
		return "an answer where none was recorded: " + got.Body
	case got.Status != r.Status:
		return fmt.Sprintf("status %d %s, want %d", got.Status, got.Body, r.Status)
	}
	index := ""
	if r.XEtcdIndex != nil {
		index = strconv.FormatUint(*r.XEtcdIndex, 10)
	}
	if got := got.Get("X-Etcd-Index"); got != index {
		return fmt.Sprintf("X-Etcd-Index %q, want %q", got, index)
	}
	var body any
	if got.Body != "" {
		if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
			return fmt.Sprintf("body %q: %v", got.Body, err)
		}
	}
	if blank(body, r.Body); !reflect.DeepEqual(body, r.Body) {
		want, _ := json.Marshal(r.Body)
		return fmt.Sprintf("body\n  %s want\n  %s", got.Body, want)
	}
	return ""
}

// blank puts the recording's placeholders where got has a value of the kind that
// they stand for.
func blank(got, want any) {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return
		}
		for name, w := range want { // unordered: fields are independent
			switch g := got[name].(type) {
			case string:
				if _, err := time.Parse(time.RFC3339Nano, g); w == "<time>" && err == nil {
					got[name] = w
				}
			case float64:
				if w == "<seconds left>" && g > 0 {
					got[name] = w
				}
			default:
				blank(g, w)
			}
		}
	case []any:
		if got, ok := got.([]any); ok && len(got) == len(want) {
			for i := range want {
				blank(got[i], want[i])
			}
		}
	}
}
