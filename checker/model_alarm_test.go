package checker

import (
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
