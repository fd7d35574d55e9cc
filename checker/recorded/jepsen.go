package recorded

// judgeJepsen judges a history.edn of Jepsen: events as maps, one after another or in
// one vector. Transactions are of lists (:append and :r); anything else is a register
// (:read, :write, :cas), one for each key if the values are pairs of a key and a value
// (jepsen.independent), or a map of strings (:get, :put, :append with a :key).
func (r *reader) judgeJepsen() (Finding, error) {
	events, err := r.jepsenEvents()
	if err != nil {
		return Finding{}, err
	}
	keyed := false
	for i := range events {
		if pair, ok := events[i].value.([]any); ok && events[i].f == "read" && len(pair) == 2 {
			keyed = true
		}
	}
	for i := range events {
		e := &events[i]
		if !keyed {
			continue
		}
		pair, ok := e.value.([]any)
		if !ok || len(pair) != 2 {
			return Finding{}, r.fail(e.line, ":value %s: expected a key and a value, as elsewhere in this history", show(e.value))
		}
		e.key, e.value = show(pair[0]), pair[1]
	}
	ops, err := r.pair(events)
	if err != nil {
		return Finding{}, err
	}
	if ops[0].f == "txn" {
		return r.judgeAppends(ops)
	}
	return r.judgeRegisters(ops)
}

func (r *reader) jepsenEvents() (events []event, err error) {
	e := edn{r: r, line: 1}
	add := func(v any, line int) error {
		m, ok := v.(ednMap)
		if !ok {
			return r.fail(line, "%s: expected a map with :process, :type, :f and :value", show(v))
		}
		one, err := r.jepsenEvent(m)
		if _, number := one.process.(int64); number || err != nil {
			events = append(events, one)
		}
		return err // what the nemesis did is no operation
	}
	for e.skip() {
		line := e.line
		v, err := e.value()
		if err != nil {
			return nil, err
		}
		list, whole := v.([]any)
		if !whole {
			list = []any{v}
		}
		for _, v := range list {
			if err := add(v, line); err != nil {
				return nil, err
			}
		}
	}
	return events, nil
}

func (r *reader) jepsenEvent(m ednMap) (event, error) {
	one := event{line: m.line, process: m.fields["process"], value: m.fields["value"]}
	for _, name := range []keyword{"process", "type", "f"} {
		if _, found := m.fields[name]; !found {
			return one, r.fail(m.line, "a map without :%s: expected :process, :type, :f and :value", name)
		}
	}
	if key, found := m.fields["key"]; found {
		one.key = show(key)
	}
	var ok bool
	if one.kind, ok = m.fields["type"].(keyword); !ok {
		return one, r.fail(m.line, ":type %s: expected :invoke, :ok, :fail or :info", show(m.fields["type"]))
	}
	if one.f, ok = m.fields["f"].(keyword); !ok {
		return one, r.fail(m.line, ":f %s: expected a keyword", show(m.fields["f"]))
	}
	return one, nil
}
