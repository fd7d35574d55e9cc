package checker

import (
	"testing"

	"etcdsim/checker/history"
	"etcdsim/sim/trace"
)

func TestCrashes(t *testing.T) {
	s := newStory(3)
	o := Options{Invariants: s.inv}
	expect(t, judged(t, "crash", history.History{}, o), "")

	s.crash(2)
	s.emit(trace.Event{Kind: trace.DiskLost, Member: 2, A: 70})
	o.Breakdowns = []Breakdown{{At: ms(20), Member: 2, Text: "no log"}}
	expect(t, judged(t, "crash", history.History{}, o),
		"n2 broke down: no log. It had ended at 0.004s, and its disk had lost 70 bytes that were not synced.")

	s.crash(3) // another one, and one that came later
	s.log.Now = ms(30)
	s.crash(2)
	expect(t, judged(t, "crash", history.History{}, o),
		"n2 broke down: no log. It had ended at 0.004s, and its disk had lost 70 bytes that were not synced.")
	o.Breakdowns = []Breakdown{{At: ms(20), Member: 3, Text: "no log"}}
	expect(t, judged(t, "crash", history.History{}, o),
		"n3 broke down: no log. It had ended at 0.006s, and its disk had lost nothing.")
	expect(t, judged(t, "crash", history.History{}, Options{Breakdowns: o.Breakdowns}), "n3 broke down: no log.")

	o.Breakdowns[0] = Breakdown{At: ms(35), Member: 2, Text: "no log"}
	s.start(2, 1, 1)
	expect(t, judged(t, "crash", history.History{}, o), "n2 broke down: no log.")
}
