package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/sim/trace"
)

// dropNames are the reasons for which packets are dropped, as Aux of Drop holds them.
var dropNames = [...]string{
	trace.DropLoss: "loss", trace.DropCut: "cut", trace.DropDead: "dead", trace.DropStale: "stale", trace.DropCorrupt: "corrupt",
	trace.DropFull: "full", trace.DropTaken: "taken",
}

// Event tells of an event on one line: when, where, what, and every field that is
// not zero.
func Event(e *trace.Event) string {
	where := e.Member.String()
	if e.Peer != 0 {
		where += "->" + e.Peer.String()
	}
	words := []string{fmt.Sprintf("%-9s", e.At), fmt.Sprintf("%-8s", where), e.Kind.String()}
	if aux := auxiliary(e); aux != "" {
		words = append(words, aux)
	}
	for _, f := range []struct {
		name  string
		value uint64
	}{{"term", e.Term}, {"index", e.Index}, {"a", e.A}, {"b", e.B}, {"id", e.ID}} {
		if f.value != 0 {
			words = append(words, f.name+"="+strconv.FormatUint(f.value, 10))
		}
	}
	return strings.Join(words, " ")
}

// auxiliary is the name of what Aux holds, or its number where it has none.
func auxiliary(e *trace.Event) string {
	text := ""
	switch e.Kind {
	case trace.Send, trace.Deliver, trace.Duplicate, trace.Reorder, trace.Hold, trace.Release:
		text = trace.PacketName(e.Aux)
		if e.Aux&trace.Rejected != 0 {
			text += " rejected"
		}
	case trace.Drop:
		if int(e.Aux) < len(dropNames) {
			text = dropNames[e.Aux]
		}
	case trace.RoleChange, trace.CommitMoved, trace.Propose:
		text = trace.RoleName(e.Aux)
	case trace.Return:
		text = history.Outcome(e.Aux).String()
	}
	if text == "" && e.Aux != 0 {
		text = "aux=" + strconv.Itoa(int(e.Aux))
	}
	return text
}

// AppendEvent appends the event as a JSON object on a line of its own, without
// the fields that are zero: {"at":1104000000,"kind":"send","aux":3,"member":1,
// "peer":2,"term":2,"index":5,"b":3,"id":12}. The time is in nanoseconds; members
// are numbered from 1, clients from 1024.
func AppendEvent(b []byte, e *trace.Event) []byte {
	b = append(b, `{"at":`...)
	b = strconv.AppendInt(b, int64(e.At), 10)
	b = append(b, `,"kind":"`...)
	b = append(append(b, e.Kind.String()...), '"')
	for _, f := range []struct {
		name  string
		value uint64
	}{
		{"aux", uint64(e.Aux)},
		{"member", uint64(e.Member)},
		{"peer", uint64(e.Peer)},
		{"term", e.Term},
		{"index", e.Index},
		{"a", e.A},
		{"b", e.B},
		{"id", e.ID},
	} {
		if f.value != 0 {
			b = append(append(append(b, `,"`...), f.name...), `":`...)
			b = strconv.AppendUint(b, f.value, 10)
		}
	}
	return append(b, '}', '\n')
}

// ParseEvent reads what AppendEvent wrote. A kind that this program does not know
// is an error.
func ParseEvent(line []byte) (trace.Event, error) {
	var in struct {
		At                    sim.Time
		Kind                  string
		Aux                   uint16
		Member, Peer          trace.Addr
		Term, Index, A, B, ID uint64
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return trace.Event{}, err
	}
	kind, ok := trace.KindNamed(in.Kind)
	if !ok {
		return trace.Event{}, fmt.Errorf("%q is not a kind of event", in.Kind)
	}
	return trace.Event{
		At: in.At, Kind: kind, Aux: in.Aux, Member: in.Member, Peer: in.Peer,
		Term: in.Term, Index: in.Index, A: in.A, B: in.B, ID: in.ID,
	}, nil
}
