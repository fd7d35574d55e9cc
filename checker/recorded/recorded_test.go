package recorded

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/store"
)

// lists is a history of transactions of two processes: the first appends 1 and then 2
// to list 5, the second reads it as given.
func lists(reads ...string) string {
	h := `{:process 0, :type :invoke, :f :txn, :value [[:append 5 1]]}
{:process 0, :type :ok, :f :txn, :value [[:append 5 1]]}
{:process 0, :type :invoke, :f :txn, :value [[:append 5 2] [:append 6 1]]}
{:process 0, :type :ok, :f :txn, :value [[:append 5 2] [:append 6 1]]}
`
	for _, read := range reads {
		h += `{:process 1, :type :invoke, :f :txn, :value [[:r 5 nil] [:r 6 nil]]}
{:process 1, :type :ok, :f :txn, :value ` + read + "}\n"
	}
	return h
}

func TestHistories(t *testing.T) {
	const register = `{:process 0, :type :invoke, :f :write, :value 3, :time 1}
{:process 0, :type :ok, :f :write, :value 3}
{:process :nemesis, :type :info, :f :kill, :value nil}
`
	for _, tt := range []struct {
		name, text, kind string
		verdict          checker.Verdict
		why              string // a part of it
		lines            []int
	}{
		{
			name: "a register", kind: "register", verdict: checker.Pass,
			text: register + "{:process 1, :type :invoke, :f :read, :value nil}\n{:process 1, :type :ok, :f :read, :value 3}\n",
		},
		{
			name: "a stale register", kind: "register", verdict: checker.Violated, lines: []int{1, 4},
			text: register + "{:process 1, :type :invoke, :f :read, :value nil}\n{:process 1, :type :ok, :f :read, :value nil}\n",
			why:  "There is no order of these operations in which each has its answer.",
		},
		{
			name: "a write that nobody knows of", kind: "register", verdict: checker.Pass,
			text: `[{:process 0, :type :invoke, :f :write, :value 3}
{:process 0, :type :info, :f :write, :value 3}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value nil}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 3}]`,
		},
		{
			name: "a compare-and-swap that was refused tells nothing", kind: "register", verdict: checker.Pass,
			text: register + "{:process 1, :type :invoke, :f :cas, :value [3 4]}\n{:process 1, :type :fail, :f :cas, :value [3 4]}\n",
		},
		{
			name: "registers by key", kind: "registers by key", verdict: checker.Violated, lines: []int{5},
			text: `{:process 0, :type :invoke, :f :write, :value [7 3]}
{:process 0, :type :ok, :f :write, :value [7 3]}
{:process 0, :type :invoke, :f :read, :value [8 nil]}
{:process 0, :type :ok, :f :read, :value [8 nil]}
{:process 0, :type :invoke, :f :read, :value [7 nil]}
{:process 0, :type :ok, :f :read, :value [7 4]}`,
			why: "There is no order",
		},
		{name: "lists", kind: "append", verdict: checker.Pass, text: lists("[[:r 5 [1 2]] [:r 6 [1]]]")},
		{
			name: "half a transaction", kind: "append", verdict: checker.Violated, lines: []int{3, 5}, text: lists("[[:r 5 [1 2]] [:r 6 nil]]"),
			why: "line 3 comes before line 5, for it appended 2 to list 5, which the next one read; line 5 comes before line 3",
		},
		{
			name: "a stale list", kind: "append", verdict: checker.Violated, lines: []int{3, 5}, text: lists("[[:r 5 []] [:r 6 []]]"),
			why: "it had returned before the next one was asked for",
		},
		{
			name: "two histories of a list", kind: "append", verdict: checker.Violated, lines: []int{5, 7},
			text: lists("[[:r 5 [1 2]] [:r 6 [1]]]", "[[:r 5 [2 1]] [:r 6 [1]]]"), why: "List 5 was read as [2 1] and as [1 2]",
		},
		{
			name: "an element from nowhere", kind: "append", verdict: checker.Violated, lines: []int{5},
			text: lists("[[:r 5 [1 2 9]] [:r 6 [1]]]"), why: "9 was read in list 5, and nobody appended it.",
		},
		{
			name: "an element of a transaction that failed", kind: "append", verdict: checker.Violated, lines: []int{1, 3},
			text: `{:process 0, :type :invoke, :f :txn, :value [[:append 5 1]]}
{:process 0, :type :fail, :f :txn, :value [[:append 5 1]]}
{:process 1, :type :invoke, :f :txn, :value [[:r 5 nil]]}
{:process 1, :type :ok, :f :txn, :value [[:r 5 [1]]]}`,
			why: "the transaction that appended it had failed",
		},
		{
			name: "our own", kind: "etcd", verdict: checker.Violated, lines: []int{1, 2},
			text: `{"client":0,"call":10,"return":20,"outcome":"ok","request":{"put":{"key":"k","value":"1"}},"response":{"revision":2,"put":{}}}
{"client":1,"call":30,"return":40,"outcome":"ok","request":{"range":{"key":"k"}},"response":{"revision":1,"range":{}}}`,
			why: "the revision of a store never goes back",
		},
		{
			name: "a robustness report", kind: "etcd, as its robustness tests see it", verdict: checker.Pass,
			text: robust(`"Range": {"KVs": [{"Key": "k", "Value": {"Value": "1"}, "ModRevision": 2, "Version": 1}], "Count": 1}, "Revision": 2`),
		},
		{
			name: "a stale robustness report", kind: "etcd, as its robustness tests see it", verdict: checker.Violated, lines: []int{1, 12},
			text: robust(`"Range": {"KVs": [], "Count": 0}, "Revision": 1`), why: "the revision of a store never goes back",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Judge("history", []byte(tt.text), Detect)
			if err != nil {
				t.Fatal(err)
			}
			if f.Verdict != tt.verdict || f.Kind != tt.kind || !strings.Contains(f.Why, tt.why) {
				t.Errorf("got %v of %s: %s\nwant %v of %s: %s", f.Verdict, f.Kind, f.Why, tt.verdict, tt.kind, tt.why)
			}
			var lines []int
			for _, e := range f.Evidence {
				lines = append(lines, e.Line)
			}
			if len(lines) != len(tt.lines) {
				t.Fatalf("evidence in lines %v, want %v", lines, tt.lines)
			}
			for i := range lines {
				if lines[i] != tt.lines[i] {
					t.Errorf("evidence in lines %v, want %v", lines, tt.lines)
				}
			}
		})
	}
}

// robust is a put of k = 1 and then a read with the answer given.
func robust(answer string) string {
	return `{
  "ClientId": 1,
  "Input": {"Type": "txn", "Txn": {"Conditions": null, "OperationsOnFailure": null, "OperationsOnSuccess": [
    {"Type": "put-operation", "Range": {"Start": "", "End": "", "Limit": 0, "KeysOnly": false},
     "Put": {"Key": "k", "Value": {"Value": "1"}, "LeaseID": 0}, "Delete": {"Key": ""}}
  ]}},
  "Call": 100,
  "Output": {"Txn": {"Failure": false, "Results": [{"KVs": null, "Count": 0, "Deleted": 0}]}, "ClientError": "", "Revision": 2,
    "Persisted": false, "PersistedRevision": 0, "Error": ""},
  "Return": 200, "Metadata": null
}
{
  "ClientId": 2,
  "Input": {"Type": "range", "Range": {"Start": "k", "End": "", "Limit": 0, "KeysOnly": false, "Revision": 0}},
  "Call": 300,
  "Output": {` + answer + `, "member-id": "8e9e05c52164694d", "Error": ""},
  "Return": 400, "Metadata": null
}
`
}

// A malformed history is refused, and the message names the line.
func TestRefuses(t *testing.T) {
	const ok = `{"client":0,"call":10,"return":20,"outcome":"ok","request":{"put":{"key":"k"}},"response":{"revision":2,"put":{}}}` + "\n"
	for _, tt := range []struct{ text, want string }{
		{
			"",
			"h:1: the format is not known: expected jsonl, jepsen, porcupine, robustness",
		},
		{
			"\n\nhello",
			"h:3: the format is not known",
		},
		{
			ok + "{",
			"h:2: unexpected EOF: expected one operation as a JSON object",
		},
		{
			ok + `{"clinet":1}`,
			`h:2: json: unknown field "clinet"`,
		},
		{
			ok + `{"outcome":"maybe"}`,
			`h:2: outcome "maybe": expected ok, failed or unknown`,
		},
		{
			ok + `{"client":1,"call":1,"outcome":"ok","request":{}}`,
			"h:2: request: expected one of range, put,",
		},
		{
			ok + `{"client":1,"call":1,"outcome":"ok","request":{"put":{"key":"k"}}}`,
			"h:2: no return: expected the time",
		},
		{
			ok + `{"client":1,"call":9,"return":8,"outcome":"ok","request":{"put":{"key":"k"}}}`,
			"h:2: return 8: expected a time not before the call, 9",
		},
		{
			ok + `{"client":1,"call":1,"return":2,"outcome":"ok","request":{"put":{"key":"k"}}}`,
			"h:2: no response",
		},
		{
			ok + `{"client":1,"call":1,"return":2,"outcome":"ok","request":{"put":{"key":"k"}},"response":{}}`,
			"h:2: response: expected put, as in the request",
		},
		{
			ok + `{"client":0,"call":15,"outcome":"unknown","request":{"put":{"key":"k"}}}`,
			"h:2: client 0 asks at 15, and its operation in line 1",
		},
		{
			"{:process 0, :type :invoke, :f :write, :value 1",
			`h:1: what begins here is not closed by "}"`,
		},
		{
			"{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :invoke, :f :read}",
			"h:2: process 0 asks again, and line 1 has not returned",
		},
		{
			"{:process 0, :type :ok, :f :write, :value 1}",
			"h:1: process 0 returns, and has nothing under way",
		},
		{
			"{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :read}",
			"h:2: process 0 returns from :read, but asked for :write in line 1",
		},
		{
			"{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :done, :f :write}",
			"h:2: :type :done: expected :invoke, :ok, :fail or :info",
		},
		{
			"{:process 0, :type :invoke, :value 1}",
			"h:1: a map without :f",
		},
		{
			"{:process 0, :type :invoke, :f :swim}",
			"h:1: :f :swim: expected :read, :write,",
		},
		{
			"{:process 0, :type :invoke, :f :cas, :value 4}",
			"h:1: :cas 4: expected the old and the new value",
		},
		{
			"{:process 0, :type :invoke, :f :txn, :value [[:w 1 2]]}",
			"h:1: [:w 1 2]: expected [:append KEY VALUE]",
		},
		{
			"{:process 0, :type :invoke, :f :txn, :value [[:append 1 2]]}\n" +
				"{:process 1, :type :invoke, :f :txn, :value [[:append 1 2]]}",
			"h:2: 2 is appended to 1 a second time, after line 1",
		},
		{
			"INFO  jepsen.util - x :invoke :read nil",
			`h:1: "x": expected the number of a process`,
		},
		{
			"INFO  jepsen.util - 1 :invoke",
			"h:1: ",
		},
		{
			"{\n\"Input\": {\"Type\": \"swim\"}}",
			`h:1: field Type: "swim": expected range, txn,`,
		},
		{
			"{\n\"Inptu\": {}}",
			"h:2: json: unknown field",
		},
	} {
		_, err := Judge("h", []byte(tt.text), Detect)
		var at *Error
		if !errors.As(err, &at) || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
}

// What is written is read back as it was.
func TestWriteAndRead(t *testing.T) {
	kv := &store.KeyValue{Key: "k", Value: "1", CreateRevision: 2, ModRevision: 2, Version: 1, Lease: 5}
	ops := []history.Op{
		{
			ID: 1, Client: 1, Invoke: 1, Return: 2, Outcome: history.OK,
			Request:  &store.LeaseGrantRequest{ID: 5, TTL: 10},
			Response: store.Response{Revision: 1, Result: &store.LeaseGrantResult{ID: 5, TTL: 10}},
		},
		{
			ID: 2, Client: 1, Invoke: 3, Return: 4, Outcome: history.OK,
			Request:  &store.PutRequest{Key: "k", Value: "1", Lease: 5, PrevKV: true},
			Response: store.Response{Revision: 2, Result: &store.PutResult{}},
		},
		{
			ID: 3, Client: 1, Invoke: 5, Return: 6, Outcome: history.OK,
			Request: &store.TxnRequest{
				Compare: []store.Compare{{Key: "k", Target: store.CompareVersion, Result: store.CompareGreater}},
				Success: []store.Op{&store.RangeRequest{Key: "k"}, &store.DeleteRangeRequest{Key: "k", PrevKV: true}},
			},
			Response: store.Response{Revision: 3, Result: &store.TxnResult{Succeeded: true, Responses: []store.Response{
				{Revision: 2, Result: &store.RangeResult{KVs: []*store.KeyValue{kv}, Count: 1}},
				{Revision: 3, Result: &store.DeleteRangeResult{Deleted: 1, PrevKVs: []*store.KeyValue{kv}}},
			}}},
		},
		{
			ID: 4, Client: 1, Invoke: 7, Return: 8, Outcome: history.OK,
			Request:  &store.CompactionRequest{Revision: 3},
			Response: store.Response{Revision: 3, Result: &store.CompactionResult{}},
		},
		{
			ID: 5, Client: 1, Invoke: 9, Return: 10, Outcome: history.Failed,
			Request:  &store.RangeRequest{Key: "k", Revision: 2},
			Response: store.Response{Err: store.ErrCompacted},
		},
		{ID: 6, Client: 1, Invoke: 11, Return: 12, Outcome: history.Unknown, Request: &store.LeaseRevokeRequest{ID: 5}},
	}
	var first, second bytes.Buffer
	if err := Write(&first, ops); err != nil {
		t.Fatal(err)
	}
	if f, err := Judge("h", first.Bytes(), JSONLines); err != nil || f.Verdict != checker.Pass || f.Operations != 6 || f.Unknown != 1 {
		t.Errorf("%v %+v", err, f)
	}
	var again []history.Op
	r := reader{file: "h"}
	for i, line := range bytes.Split(bytes.TrimSpace(first.Bytes()), []byte("\n")) {
		op, err := r.readLine(i+1, line)
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, op)
	}
	if err := Write(&second, again); err != nil || second.String() != first.String() {
		t.Errorf("%v: written\n%swritten again\n%s", err, &first, &second)
	}
}

// Nothing in a file makes the judge panic.
func FuzzJudge(f *testing.F) {
	f.Add([]byte(lists("[[:r 5 [1 2]] [:r 6 nil]]")))
	f.Add([]byte(robust(`"Range": {"KVs": [], "Count": 0}, "Revision": 1`)))
	f.Add([]byte(`{"client":0,"call":10,"return":20,"outcome":"ok","request":{"put":{"key":"k"}},"response":{"revision":2,"put":{}}}`))
	f.Add([]byte("INFO  jepsen.util - 3\t:invoke\t:cas\t[1 4]\nINFO  jepsen.util - 3\t:fail\t:cas\t[1 4]"))
	f.Add([]byte(`#jepsen.history.Op{:process 0, :type :invoke, :f :append, :key "0", :value "x\n"}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		for format := range numFormats {
			_, _ = Judge("fuzz", data, format)
		}
	})
}
