package v2store

import (
	"net/url"
	"strconv"

	"etcdsim/store"
)

const v2Keys = "/v2/keys"

// parseV2 understands a request under /v2/keys. Of several mistakes the one that
// etcd finds first is reported.
func parseV2(r *store.HTTPRequest, now Time, m Member) Call {
	switch r.Method {
	case "HEAD", "GET", "PUT", "POST", "DELETE":
	default:
		return answered(plain(405, "Method Not Allowed", field("Allow", "HEAD,GET,PUT,POST,DELETE")))
	}
	call, err := readV2(r, now)
	if err != nil {
		return answered(call.Refuse(err, m))
	}
	return call
}

func readV2(r *store.HTTPRequest, now Time) (Call, *Error) {
	call := Call{head: r.Method == "HEAD", Path: clean(r.Path[len(v2Keys):])}
	values, err := form(r)
	if err != nil {
		return call, &Error{Code: InvalidForm, Cause: err.Error()}
	}

	f := fields{form: values}
	command := Command{Path: call.Path, Time: now}
	command.PrevIndex = f.uint("prevIndex", IndexNotNumber)
	call.Since = f.uint("waitIndex", IndexNotNumber)
	call.Recursive = f.bool("recursive")
	f.bool("sorted") // answers are sorted anyway
	wait := f.bool("wait")
	command.Dir = f.bool("dir")
	quorum := f.bool("quorum")
	call.Stream = f.bool("stream")
	if wait && r.Method != "GET" {
		f.fail(InvalidField, `"wait" can only be used with GET requests`)
	}
	command.PrevValue = values.Get("prevValue")
	if values.Has("prevValue") && command.PrevValue == "" {
		f.fail(PrevValueRequired, `"prevValue" cannot be empty`)
	}
	call.noValue = f.bool("noValueOnSuccess")
	hasTTL := values.Get("ttl") != ""
	if hasTTL {
		command.Expiration = now.add(int64(f.uint("ttl", TTLNotNumber)))
	}
	command.PrevExist = f.existence()
	command.Value = values.Get("value")
	if command.Refresh = f.bool("refresh"); command.Refresh {
		switch {
		case command.Value != "":
			f.fail(RefreshValue, "A value was provided on a refresh")
		case !hasTTL:
			f.fail(RefreshTTL, "No TTL value set")
		}
	}
	if f.err != nil {
		return call, f.err
	}

	command.Recursive = call.Recursive
	call.Command = command
	switch {
	case r.Method == "PUT":
		call.propose(MethodPut)
	case r.Method == "POST":
		call.propose(MethodPost)
	case r.Method == "DELETE":
		call.propose(MethodDelete)
	case r.Method == "GET" && quorum:
		// As etcd does: a quorum read does not wait, whatever it asked.
		call.propose(MethodQGet)
	case wait:
		call.Kind = Wait
	default:
		call.Kind = Read
	}
	return call, nil
}

func (c *Call) propose(method Method) {
	c.Kind = Propose
	c.Command.Method = method
}

// replyV2 renders a success. noValueOnSuccess leaves the nodes of a write out.
func (c *Call) replyV2(r Result, m Member) store.HTTPResult {
	status := 200
	if r.Event.Creates() {
		status = 201
	}
	body := []byte(nil)
	switch r.Event.Action {
	case ActionSet, ActionCreate, ActionUpdate, ActionCompareAndSwap:
		if c.noValue {
			body = append(body, `{"action":"`+r.Event.Action.String()+`"}`...)
		}
	}
	if body == nil {
		body = r.Event.AppendJSON(body)
	}
	return c.respond(status, headerV2(r.Index, m), append(body, '\n'))
}

func headerV2(index uint64, m Member) []store.HTTPField {
	return []store.HTTPField{
		clusterID(m),
		field("Content-Type", "application/json"),
		field("X-Etcd-Index", strconv.FormatUint(index, 10)),
		field("X-Raft-Index", strconv.FormatUint(m.RaftIndex, 10)),
		field("X-Raft-Term", strconv.FormatUint(m.RaftTerm, 10)),
	}
}

// fields reads the typed fields of a form. A field that is absent has its zero
// value; one that is present must be well formed, and of several the first
// counts. The first error stays.
type fields struct {
	form url.Values
	err  *Error
}

func (f *fields) fail(code Code, cause string) {
	if f.err == nil {
		f.err = &Error{Code: code, Cause: cause}
	}
}

func (f *fields) uint(name string, code Code) uint64 {
	if !f.form.Has(name) {
		return 0
	}
	v, err := strconv.ParseUint(f.form.Get(name), 10, 64)
	if err != nil {
		f.fail(code, `invalid value for "`+name+`"`)
	}
	return v
}

func (f *fields) bool(name string) bool {
	if !f.form.Has(name) {
		return false
	}
	v, err := strconv.ParseBool(f.form.Get(name))
	if err != nil {
		f.fail(InvalidField, invalidBool(name))
	}
	return v
}

// invalidBool is the complaint about a field that is neither true nor false. Two
// fields, which etcd reads in a different place, are named without quotes.
func invalidBool(name string) string {
	if name == "prevExist" || name == "refresh" {
		return "invalid value for " + name
	}
	return `invalid value for "` + name + `"`
}

func (f *fields) existence() Existence {
	switch {
	case !f.form.Has("prevExist"):
		return ExistAny
	case f.bool("prevExist"):
		return ExistYes
	}
	return ExistNo
}
