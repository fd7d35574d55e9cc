package workload

import (
	"etcdsim/checker/history"
	"etcdsim/store"
)

// Defragment has the member that the client is connected to write its data anew.
// It does not give up.
func (s *Session) Defragment() {
	for s.Do(Defragment, &store.DefragmentRequest{}).Outcome != history.OK {
		s.Sleep(operatorPause)
	}
}

// Disarm switches off all alarms: it asks which are on and disarms each, until
// none is. It does not give up.
func (s *Session) Disarm() {
	for {
		op := s.Do(Alarm, &store.AlarmRequest{Action: store.AlarmGet})
		res, ok := op.Response.Result.(*store.AlarmResult)
		if ok && op.Outcome == history.OK && len(res.Alarms) == 0 {
			return
		}
		if !ok {
			s.Sleep(operatorPause)
			continue
		}
		for _, a := range res.Alarms {
			s.Do(Alarm, &store.AlarmRequest{Action: store.AlarmDeactivate, Alarm: a})
		}
	}
}
