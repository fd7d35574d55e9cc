package recorded

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"etcdsim/checker"
	"etcdsim/checker/history"
	"etcdsim/sim"
	"etcdsim/store"
)

// judgeLines judges a history in our own format.
func (r *reader) judgeLines() (Finding, error) {
	var h history.History
	var lines []int
	for i, line := range bytes.Split(r.data, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		op, err := r.readLine(i+1, line)
		if err != nil {
			return Finding{}, err
		}
		op.ID = uint64(len(lines) + 1)
		h.Ops = append(h.Ops, op)
		lines = append(lines, i+1)
	}
	if err := r.oneAtATime(h.Ops, lines); err != nil {
		return Finding{}, err
	}
	return judgeRequests("etcd", h, lines, checker.Options{}), nil
}

func (r *reader) readLine(number int, line []byte) (op history.Op, err error) {
	var j jsonOp
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err = d.Decode(&j); err == nil {
		if _, extra := d.Token(); !errors.Is(extra, io.EOF) {
			err = errors.New("there is more than one value")
		}
	}
	if err != nil {
		return op, r.fail(number, "%v: expected one operation as a JSON object", err)
	}
	outcome := outcomeNamed(j.Outcome)
	if outcome == 0 {
		return op, r.fail(number, "outcome %q: expected ok, failed or unknown", j.Outcome)
	}
	op = history.Op{Client: j.Client, Invoke: sim.Time(j.Call), Return: sim.Forever, Outcome: outcome}
	if op.Request, err = j.Request.decode(); err != nil {
		return op, r.fail(number, "request: %v", err)
	}
	switch {
	case j.Return != nil && *j.Return < j.Call:
		return op, r.fail(number, "return %d: expected a time not before the call, %d", *j.Return, j.Call)
	case j.Return != nil:
		op.Return = sim.Time(*j.Return)
	case outcome != history.Unknown:
		return op, r.fail(number, "no return: expected the time of the answer, for the outcome is %s", j.Outcome)
	}
	if j.Response != nil {
		if op.Response, err = j.Response.decode(op.Request); err != nil {
			return op, r.fail(number, "response: %v", err)
		}
	} else if outcome == history.OK {
		return op, r.fail(number, "no response: expected one, for the outcome is ok")
	}
	return op, nil
}

// outcomeNamed returns the outcome of this name, or 0.
func outcomeNamed(name string) history.Outcome {
	for o := history.OK; o <= history.Unknown; o++ {
		if o.String() == name {
			return o
		}
	}
	return 0
}

// oneAtATime refuses a client that has two operations under way.
func (r *reader) oneAtATime(ops []history.Op, lines []int) error {
	order := make([]int, len(ops))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(ops[a].Invoke, ops[b].Invoke), cmp.Compare(a, b))
	})
	last := map[int]int{}
	for _, i := range order {
		before, found := last[ops[i].Client]
		if found && ops[before].Return > ops[i].Invoke && ops[before].Return != sim.Forever {
			return r.fail(lines[i], "client %d asks at %d, and its operation in line %d returns only at %d",
				ops[i].Client, int64(ops[i].Invoke), lines[before], int64(ops[before].Return))
		}
		last[ops[i].Client] = i
	}
	return nil
}

// judgeRequests lets the judges of package checker look at requests to etcd. The ID of
// an operation is its position, from 1.
func judgeRequests(kind string, h history.History, lines []int, o checker.Options) Finding {
	f := Finding{Kind: kind, Operations: len(h.Ops)}
	for i := range h.Ops {
		if h.Ops[i].Outcome == history.Unknown {
			f.Unknown++
		}
	}
	j, _ := checker.Judge(h, o).Judgement("linearizability")
	f.Verdict, f.Why = j.Verdict, j.Note
	if len(j.Violations) == 0 {
		return f
	}
	v := &j.Violations[0]
	f.Property, f.Why = v.Property, v.Why
	if v.Key != "" {
		f.Property += ", key " + store.Text(v.Key)
	}
	for _, e := range v.Ops {
		f.Evidence = append(f.Evidence, Evidence{lines[e.Op.ID-1], requestText(&e.Op)})
	}
	slices.SortFunc(f.Evidence, func(a, b Evidence) int { return a.Line - b.Line })
	return f
}

func requestText(op *history.Op) string {
	text := fmt.Sprintf("client %d  %s  %s-%s", op.Client, store.DescribeAnswered(op.Request, op.Response), op.Invoke, op.Return)
	if op.Outcome == history.OK {
		text += fmt.Sprintf("  rev %d", op.Response.Revision)
	}
	return text
}
