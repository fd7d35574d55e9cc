package recorded

import (
	"fmt"
	"slices"
	"strings"

	"etcdsim/checker"
)

// Transactions that append unique elements to lists and read whole lists, after Elle
// (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental
// Observations", 2020). A list that was read tells who appended before whom, so most
// of the order of the transactions is known:
//
//   - whoever appended an element came before whoever appended the next one;
//   - whoever read a list came after whoever appended its last element, and before
//     whoever appended the next one;
//   - what returned before another was asked for came before it.
//
// A cycle in that shows that no order exists. If there is none, an order that keeps
// to it is replayed: when each read is what it was, that is the proof. What is
// judged is strict serializability.

// transaction is an operation with what it did.
type transaction struct {
	operation
	ops []micro
}

// micro is one step of a transaction: an append, or a read with the list that was
// read (nil if nobody knows).
type micro struct {
	append bool
	key    string
	value  string   // appended
	list   []string // read
}

// appends is a history of such transactions.
type appends struct {
	all []transaction
	// writer is who appended an element to a list, by key and element; position in all.
	writer map[[2]string]int
	// longest is the longest that was read of a list, and by whom.
	longest map[string][]string
	reader  map[string]int
	// keys are those of longest, sorted.
	keys []string
	// after holds, for each transaction, whom it must precede, and why.
	after [][]edge
}

type edge struct {
	to  int
	why string
}

func (r *reader) judgeAppends(ops []operation) (Finding, error) {
	f := Finding{Kind: "append", Verdict: checker.Pass}
	f.count(ops)
	h := appends{writer: map[[2]string]int{}, longest: map[string][]string{}, reader: map[string]int{}}
	for i := range ops {
		t, err := r.transaction(&ops[i])
		if err != nil {
			return f, err
		}
		h.all = append(h.all, t)
	}
	for i := range h.all {
		for _, m := range h.all[i].ops {
			if !m.append {
				continue
			}
			id := [2]string{m.key, m.value}
			if before, twice := h.writer[id]; twice {
				return f, r.fail(h.all[i].line, "%s is appended to %s a second time, after line %d: expected each element once",
					m.value, m.key, h.all[before].line)
			}
			h.writer[id] = i
		}
	}
	h.judge(&f)
	return f, nil
}

// transaction reads what a transaction did: from its answer, or else from what it
// asked for.
func (r *reader) transaction(op *operation) (transaction, error) {
	t := transaction{operation: *op}
	value := op.input
	if op.outcome == done {
		value = op.output
	}
	list, ok := value.([]any)
	if !ok || op.f != "txn" {
		return t, r.fail(op.line, ":f :%s :value %s: expected a :txn with a list of [:append KEY VALUE] and [:r KEY LIST]", op.f, show(value))
	}
	for _, v := range list {
		m, ok := v.([]any)
		if !ok || len(m) != 3 || m[0] != keyword("append") && m[0] != keyword("r") {
			return t, r.fail(op.line, "%s: expected [:append KEY VALUE] or [:r KEY LIST]", show(v))
		}
		one := micro{append: m[0] == keyword("append"), key: show(m[1])}
		if one.append {
			one.value = show(m[2])
		} else if elements, ok := m[2].([]any); ok {
			for _, e := range elements {
				one.list = append(one.list, show(e))
			}
		} else if m[2] != nil {
			return t, r.fail(op.line, "%s: expected a list", show(v))
		}
		t.ops = append(t.ops, one)
	}
	return t, nil
}

func (h *appends) judge(f *Finding) {
	for i := range h.all {
		if h.all[i].outcome != done {
			continue
		}
		for _, m := range h.all[i].ops {
			if m.append {
				continue
			}
			if why, who := h.observe(i, m); why != "" {
				h.violation(f, "reads of what was appended", why, who...)
				return
			}
		}
	}
	h.happened()
	h.connect()
	if cycle := h.cycle(); len(cycle) > 0 {
		h.tellCycle(f, cycle)
		return
	}
	if i, m := h.replay(); i >= 0 {
		f.Verdict = checker.Unknown
		f.Why = fmt.Sprintf("no contradiction was found, but the order that was tried does not give line %d its list of %s", h.all[i].line, m.key)
	}
}

func (h *appends) violation(f *Finding, property, why string, who ...int) {
	f.Verdict, f.Property, f.Why = checker.Violated, property, why
	var ops []operation
	for _, i := range who {
		ops = append(ops, h.all[i].operation)
	}
	f.show(ops, func(op *operation) string {
		value := op.input
		if op.outcome == done {
			value = op.output
		}
		return fmt.Sprintf("process %s  %s", show(op.process), show(value))
	})
}

// observe takes note of a list that was read. It returns what is wrong with it.
func (h *appends) observe(i int, m micro) (why string, who []int) {
	for at, e := range m.list {
		w, known := h.writer[[2]string{m.key, e}]
		switch {
		case !known:
			return fmt.Sprintf("%s was read in list %s, and nobody appended it.", e, m.key), []int{i}
		case h.all[w].outcome == refused:
			return fmt.Sprintf("%s was read in list %s, and the transaction that appended it had failed.", e, m.key), []int{w, i}
		case slices.Contains(m.list[:at], e):
			return fmt.Sprintf("%s stands twice in list %s.", e, m.key), []int{w, i}
		}
	}
	longest := h.longest[m.key]
	short, long, other := m.list, longest, h.reader[m.key]
	if len(short) > len(long) {
		short, long = long, short
	}
	if !slices.Equal(short, long[:len(short)]) {
		why := fmt.Sprintf("List %s was read as %s and as %s: neither grew out of the other.", m.key, listText(short), listText(long))
		return why, []int{other, i}
	}
	if _, found := h.longest[m.key]; !found {
		h.keys = append(h.keys, m.key)
	}
	h.longest[m.key] = long
	if len(m.list) >= len(longest) {
		h.reader[m.key] = i
	}
	return "", nil
}

func listText(list []string) string { return "[" + strings.Join(list, " ") + "]" }

// happened leaves out what failed, and what nobody knows the outcome of and nobody
// saw anything of.
func (h *appends) happened() {
	slices.Sort(h.keys)
	seen := map[int]bool{}
	for _, key := range h.keys {
		for _, e := range h.longest[key] {
			seen[h.writer[[2]string{key, e}]] = true
		}
	}
	for i := range h.all {
		t := &h.all[i]
		if t.outcome == refused || t.outcome == unknown && !seen[i] {
			t.ops = nil
		}
	}
}

func (h *appends) precede(from, to int, format string, args ...any) {
	if from != to {
		h.after[from] = append(h.after[from], edge{to, fmt.Sprintf(format, args...)})
	}
}

// connect finds out who must precede whom.
func (h *appends) connect() {
	h.after = make([][]edge, len(h.all))
	// unseen are the appends that nobody read, by key: they came after all that was.
	unseen := map[string][]int{}
	for i := range h.all {
		for _, m := range h.all[i].ops {
			if m.append && !slices.Contains(h.longest[m.key], m.value) {
				unseen[m.key] = append(unseen[m.key], i)
			}
		}
	}
	for _, key := range h.keys {
		list := h.longest[key]
		for at := 1; at < len(list); at++ {
			h.precede(h.writer[[2]string{key, list[at-1]}], h.writer[[2]string{key, list[at]}],
				"appended %s to list %s, before %s was", list[at-1], key, list[at])
		}
		if last := len(list) - 1; last >= 0 {
			for _, w := range unseen[key] {
				h.precede(h.writer[[2]string{key, list[last]}], w, "appended %s to list %s, before what nobody has read", list[last], key)
			}
		}
	}
	for i := range h.all {
		if h.all[i].outcome == done {
			h.connectReads(i, unseen)
		}
	}
	h.connectTime()
}

// connectReads connects a transaction by what it read of others.
func (h *appends) connectReads(i int, unseen map[string][]int) {
	own := map[string]int{} // appends of its own so far
	for _, m := range h.all[i].ops {
		if m.append {
			own[m.key]++
			continue
		}
		list := m.list[:max(0, len(m.list)-own[m.key])]
		if len(list) > 0 {
			e := list[len(list)-1]
			h.precede(h.writer[[2]string{m.key, e}], i, "appended %s to list %s, which the next one read", e, m.key)
		}
		if rest := h.longest[m.key][len(m.list):]; len(rest) > 0 {
			h.precede(i, h.writer[[2]string{m.key, rest[0]}], "read list %s as %s, before %s was appended", m.key, listText(m.list), rest[0])
			continue
		}
		for _, w := range unseen[m.key] {
			h.precede(i, w, "read list %s as %s, before the next one appended to it", m.key, listText(m.list))
		}
	}
}

// connectTime connects transactions of which one had returned before the other was
// asked for. Of the returns before a call only those count that were not returned
// before another counting one was called.
func (h *appends) connectTime() {
	calls, returns := make([]int, 0, len(h.all)), make([]int, 0, len(h.all))
	for i := range h.all {
		if h.all[i].ops == nil {
			continue
		}
		calls = append(calls, i)
		if h.all[i].outcome == done {
			returns = append(returns, i)
		}
	}
	slices.SortFunc(calls, func(a, b int) int { return h.all[a].call - h.all[b].call })
	slices.SortFunc(returns, func(a, b int) int { return h.all[a].ret - h.all[b].ret })
	next := 0
	var latest []int // the returned ones that no other returned one follows
	for _, c := range calls {
		for ; next < len(returns) && h.all[returns[next]].ret < h.all[c].call; next++ {
			one := returns[next]
			latest = slices.DeleteFunc(latest, func(t int) bool { return h.all[t].ret < h.all[one].call })
			latest = append(latest, one)
		}
		for _, t := range latest {
			h.precede(t, c, "had returned before the next one was asked for")
		}
	}
}

// cycle returns a shortest cycle through the first transaction that is on one: the
// transactions in order.
func (h *appends) cycle() []int {
	left := h.order(nil)
	if left == nil {
		return nil
	}
	var best []int
	for _, start := range left {
		from := map[int]int{}
		queue := []int{start}
		for len(queue) > 0 && from[start] == 0 {
			t := queue[0]
			queue = queue[1:]
			for _, e := range h.after[t] {
				if from[e.to] == 0 {
					from[e.to] = t + 1
					queue = append(queue, e.to)
				}
			}
		}
		if from[start] == 0 {
			continue // it only follows a cycle
		}
		path := []int{}
		for t := from[start] - 1; ; t = from[t] - 1 {
			path = append(path, t)
			if t == start {
				break
			}
		}
		slices.Reverse(path)
		if best == nil || len(path) < len(best) {
			best = path
		}
		if len(best) == 2 {
			break
		}
	}
	return best
}

// order calls visit with the transactions in an order that keeps to what is known, and
// returns those that are on a cycle or follow one.
func (h *appends) order(visit func(int)) (left []int) {
	before := make([]int, len(h.all))
	for i := range h.after {
		for _, e := range h.after[i] {
			before[e.to]++
		}
	}
	var ready []int
	for i := range before {
		if before[i] == 0 {
			ready = append(ready, i)
		}
	}
	for at := 0; at < len(ready); at++ {
		if visit != nil {
			visit(ready[at])
		}
		for _, e := range h.after[ready[at]] {
			if before[e.to]--; before[e.to] == 0 {
				ready = append(ready, e.to)
			}
		}
	}
	for i := range before {
		if before[i] > 0 {
			left = append(left, i)
		}
	}
	return left
}

func (h *appends) tellCycle(f *Finding, cycle []int) {
	var b strings.Builder
	b.WriteString("No order of these transactions is possible:")
	for at, t := range cycle {
		next := cycle[(at+1)%len(cycle)]
		for _, e := range h.after[t] {
			if e.to == next {
				fmt.Fprintf(&b, " line %d comes before line %d, for it %s;", h.all[t].line, h.all[next].line, e.why)
				break
			}
		}
	}
	h.violation(f, "strict serializability", strings.TrimSuffix(b.String(), ";")+".", cycle...)
}

// replay goes through the transactions in order. It returns the first whose read is
// not what it would have been; -1 if there is none.
func (h *appends) replay() (failed int, m micro) {
	lists := map[string][]string{}
	failed = -1
	h.order(func(i int) {
		for _, one := range h.all[i].ops {
			switch {
			case one.append:
				lists[one.key] = append(lists[one.key], one.value)
			case h.all[i].outcome == done && !slices.Equal(lists[one.key], one.list) && failed < 0:
				failed, m = i, one
			}
		}
	})
	return failed, m
}
