package checker

import (
	"slices"
	"testing"

	"etcdsim/checker/history"
	"etcdsim/store"
)

// A write under an alarm is refused, by every member; one that was let in shows, and
// so does one that was refused without an alarm.
func TestAlarmsAreJudged(t *testing.T) {
	put := &store.PutRequest{Key: "k", Value: "v"}
	on := &store.AlarmRequest{Action: store.AlarmActivate, Alarm: store.Alarm{MemberID: 2, Type: store.AlarmNoSpace}}
	off := &store.AlarmRequest{Action: store.AlarmDeactivate, Alarm: on.Alarm}
	corrupt := &store.AlarmRequest{Action: store.AlarmActivate, Alarm: store.Alarm{MemberID: 2, Type: store.AlarmCorrupt}}
	drop := &store.DeleteRangeRequest{Key: "k"}
	done := store.Response{Revision: 2, Result: &store.PutResult{}}
	dropped := store.Response{Revision: 1, Result: &store.DeleteRangeResult{}}
	for _, tt := range []struct {
		name    string
		before  []*store.AlarmRequest
		request store.Request
		answer  store.Response
		right   bool
	}{
		{"let in under the alarm", []*store.AlarmRequest{on}, put, done, false},
		{"refused under the alarm", []*store.AlarmRequest{on}, put, store.Response{Err: store.ErrNoSpace}, true},
		{"refused without an alarm", nil, put, store.Response{Err: store.ErrNoSpace}, false},
		{"refused after it was disarmed", []*store.AlarmRequest{on, off}, put, store.Response{Err: store.ErrNoSpace}, false},
		{"let in after it was disarmed", []*store.AlarmRequest{on, off}, put, done, true},
		{"a delete takes no space", []*store.AlarmRequest{on}, drop, dropped, true},
		{"but is refused if data are corrupt", []*store.AlarmRequest{on, corrupt}, drop, store.Response{Err: store.ErrCorrupt}, true},
		{"and not let in", []*store.AlarmRequest{corrupt}, drop, dropped, false},
	} {
		var h history.History
		for _, r := range append(tt.before[:len(tt.before):len(tt.before)], nil) {
			i := uint64(len(h.Commits))
			var request store.Request = r
			response := store.Response{Revision: 1}
			if r == nil {
				request, response = tt.request, tt.answer
			} else {
				response.Result = &store.AlarmResult{Alarms: []store.Alarm{r.Alarm}}
			}
			h.Commits = append(h.Commits, history.Commit{
				Index: i + 2, Term: 2, Proposal: &store.Proposal{ID: i + 1, Request: request}, Response: response,
			})
		}
		j, _ := Judge(h, Options{}).Judgement("store")
		if got := j.Verdict == Pass; got != tt.right {
			t.Errorf("%s: verdict %v, %+v", tt.name, j.Verdict, j.Violations)
		}
	}
}

// Which requests an alarm refuses, and what is said of alarms.
func TestAlarmsOfTheModel(t *testing.T) {
	full, broken := store.Alarm{MemberID: 2, Type: store.AlarmNoSpace}, store.Alarm{MemberID: 1, Type: store.AlarmCorrupt}
	deletes := &store.DeleteRangeRequest{Key: "k"}
	puts := &store.PutRequest{Key: "k"}
	for _, tt := range []struct {
		request       store.Request
		full, corrupt *store.Error
	}{
		{puts, store.ErrNoSpace, store.ErrCorrupt},
		{deletes, nil, store.ErrCorrupt},
		{&store.RangeRequest{Key: "k"}, nil, nil},
		{&store.LeaseGrantRequest{ID: 1}, store.ErrNoSpace, store.ErrCorrupt},
		{&store.LeaseRevokeRequest{ID: 1}, nil, store.ErrCorrupt},
		{&store.LeaseCheckpointRequest{}, nil, nil},
		{&store.CompactionRequest{}, nil, store.ErrCorrupt},
		{&store.TxnRequest{Success: []store.Op{deletes, puts}}, store.ErrNoSpace, store.ErrCorrupt},
		{&store.TxnRequest{Failure: []store.Op{puts}}, store.ErrNoSpace, store.ErrCorrupt},
		{&store.TxnRequest{Success: []store.Op{deletes}, Failure: []store.Op{deletes}}, nil, store.ErrCorrupt},
		{&store.TxnRequest{Success: []store.Op{&store.TxnRequest{Failure: []store.Op{puts}}}}, store.ErrNoSpace, store.ErrCorrupt},
		{&store.TxnRequest{Success: []store.Op{&store.TxnRequest{Failure: []store.Op{deletes}}, deletes}}, nil, store.ErrCorrupt},
		{&store.TxnRequest{Success: []store.Op{&store.RangeRequest{Key: "k"}}}, nil, nil},
		{&store.AlarmRequest{Action: store.AlarmDeactivate, Alarm: full}, nil, nil},
	} {
		what := store.Describe(tt.request)
		if s := (state{}); s.alarmed(tt.request) != nil {
			t.Errorf("%s is refused without an alarm", what)
		}
		if s := (state{alarms: []store.Alarm{full}}); s.alarmed(tt.request) != tt.full {
			t.Errorf("%s without space: %v, want %v", what, s.alarmed(tt.request), tt.full)
		}
		if s := (state{alarms: []store.Alarm{full, broken}}); s.alarmed(tt.request) != tt.corrupt && tt.corrupt != nil {
			t.Errorf("%s with corrupt data: %v, want %v", what, s.alarmed(tt.request), tt.corrupt)
		}
		if s := (state{alarms: []store.Alarm{broken}}); s.alarmed(tt.request) != tt.corrupt {
			t.Errorf("%s with corrupt data: %v, want %v", what, s.alarmed(tt.request), tt.corrupt)
		}
	}

	both := []store.Alarm{full, broken}
	for _, tt := range []struct {
		before  []store.Alarm
		request store.AlarmRequest
		after   []store.Alarm
		told    []store.Alarm
	}{
		{both, store.AlarmRequest{Action: store.AlarmGet}, both, both},
		{both, store.AlarmRequest{Action: store.AlarmGet, Alarm: store.Alarm{Type: store.AlarmCorrupt}}, both, []store.Alarm{broken}},
		{nil, store.AlarmRequest{Action: store.AlarmActivate, Alarm: full}, []store.Alarm{full}, []store.Alarm{full}},
		{[]store.Alarm{broken}, store.AlarmRequest{Action: store.AlarmActivate, Alarm: full}, both, []store.Alarm{full}},
		{both, store.AlarmRequest{Action: store.AlarmActivate, Alarm: full}, both, []store.Alarm{full}},
		{nil, store.AlarmRequest{Action: store.AlarmActivate}, nil, nil},
		{both, store.AlarmRequest{Action: store.AlarmDeactivate, Alarm: full}, []store.Alarm{broken}, []store.Alarm{full}},
		{[]store.Alarm{broken}, store.AlarmRequest{Action: store.AlarmDeactivate, Alarm: full}, []store.Alarm{broken}, nil},
	} {
		s := state{alarms: tt.before}
		after, result := s.alarm(&tt.request)
		if !slices.Equal(after, tt.after) || !slices.Equal(result.Alarms, tt.told) {
			t.Errorf("%s of %v: left %v and told %v, want %v and %v",
				store.Describe(&tt.request), tt.before, after, result.Alarms, tt.after, tt.told)
		}
	}
}
