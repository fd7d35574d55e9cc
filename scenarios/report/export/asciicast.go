package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"etcdsim/checker/history"
	"etcdsim/scenarios/report/chronicle"
	"etcdsim/sim"
	"etcdsim/sim/trace"
	"etcdsim/store"
)

// narrated are the kinds of notes that a listener wants to hear of.
var narrated = trace.Kinds(
	trace.MemberStart, trace.MemberCrash, trace.MemberStop, trace.MemberPause, trace.MemberResume, trace.MemberPanic, trace.MemberRemoved,
	trace.RoleChange, trace.SnapInstall, trace.ConfApplied, trace.LinkCut, trace.LinkHeal, trace.LinkHold, trace.LinkFree,
	trace.DiskLost, trace.DiskTorn, trace.DiskFault, trace.MemberFault, trace.Phase, trace.Action, trace.LeaseExpired,
)

// castWidth and castHeight are the size of the terminal.
const (
	castWidth  = 110
	castHeight = 32
)

// asciicast writes the narration as an asciicast, version 2
// (https://docs.asciinema.org/manual/asciicast/v2/): a header, then a line of
// [seconds, "o", text] for each thing told. Times are virtual.
func asciicast(w io.Writer, r *Run) error {
	b := bufio.NewWriter(w)
	header, err := json.Marshal(struct {
		Version int    `json:"version"`
		Width   int    `json:"width"`
		Height  int    `json:"height"`
		Title   string `json:"title"`
	}{2, castWidth, castHeight, fmt.Sprintf("%s, seed %d", r.Result.Scenario, r.Result.Seed)})
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%s\n", header)
	say := func(at sim.Time, text string) error {
		if utf8.RuneCountInString(text) > castWidth {
			text = string([]rune(text)[:castWidth-1]) + "…"
		}
		quoted, err := json.Marshal(text + "\r\n")
		fmt.Fprintf(b, "[%d.%06d, \"o\", %s]\n", at/1e9, at%1e9/1000, quoted)
		return err
	}
	for _, l := range r.narration() {
		if err := say(l.at-r.From, l.text); err != nil {
			return err
		}
	}
	return b.Flush()
}

type line struct {
	at   sim.Time
	text string
}

// narration tells the run in lines: what members became, what was done to them, and
// operations that were refused or never answered.
func (r *Run) narration() []line {
	var lines []line
	ops := map[uint64]*history.Op{}
	for _, op := range r.operations() {
		ops[op.ID] = op
	}
	for i := range r.Chronicle.Notes {
		e := &r.Chronicle.Notes[i]
		if !r.shown(e.At) {
			continue
		}
		var text string
		switch {
		case e.Kind == trace.Phase:
			text = fmt.Sprintf("\x1b[1m%s\x1b[0m", r.tell(e))
		case e.Kind == trace.Action:
			text = "  > " + r.tell(e)
		case narrated>>e.Kind&1 != 0:
			text = r.tell(e)
		case (e.Kind == trace.Return && e.Aux != trace.OutcomeOK || e.Kind == trace.Abandon) && ops[e.ID] != nil:
			op := ops[e.ID]
			text = fmt.Sprintf("%s: %s via n%d", chronicle.Name(e.Member), store.DescribeAnswered(op.Request, op.Response), op.Member)
			if e.Kind == trace.Abandon {
				text += ": gives up, and will never know"
			}
		default:
			continue
		}
		lines = append(lines, line{e.At, fmt.Sprintf("%9s  %s", e.At, text)})
	}
	for _, v := range r.Result.Report.Violations() {
		lines = append(lines, line{r.To, fmt.Sprintf("VIOLATION %s: %s", v.Property, v.Why)})
	}
	return lines
}
