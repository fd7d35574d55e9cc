package recorded

// Our own format, one operation a line; docs/history.md explains it. Names are those
// of etcd's API, keys and values are strings.

type jsonOp struct {
	Client   int           `json:"client"`
	Member   uint64        `json:"member,omitempty"` // for people: nobody judges it
	Call     int64         `json:"call"`
	Return   *int64        `json:"return,omitempty"`
	Outcome  string        `json:"outcome"`
	Request  jsonRequest   `json:"request"`
	Response *jsonResponse `json:"response,omitempty"`
	Text     string        `json:"text,omitempty"` // likewise
}

// jsonRequest has one field set.
type jsonRequest struct {
	Range       *jsonRange       `json:"range,omitempty"`
	Put         *jsonPut         `json:"put,omitempty"`
	DeleteRange *jsonDeleteRange `json:"delete_range,omitempty"`
	Txn         *jsonTxn         `json:"txn,omitempty"`
	Compact     *jsonCompact     `json:"compact,omitempty"`
	LeaseGrant  *jsonLeaseGrant  `json:"lease_grant,omitempty"`
	LeaseRevoke *jsonLeaseRevoke `json:"lease_revoke,omitempty"`
}

type jsonRange struct {
	Key          string `json:"key"`
	RangeEnd     string `json:"range_end,omitempty"`
	Limit        int64  `json:"limit,omitempty"`
	Revision     int64  `json:"revision,omitempty"`
	Serializable bool   `json:"serializable,omitempty"`
	KeysOnly     bool   `json:"keys_only,omitempty"`
	CountOnly    bool   `json:"count_only,omitempty"`

	SortOrder         int32 `json:"sort_order,omitempty"`
	SortTarget        int32 `json:"sort_target,omitempty"`
	MinModRevision    int64 `json:"min_mod_revision,omitempty"`
	MaxModRevision    int64 `json:"max_mod_revision,omitempty"`
	MinCreateRevision int64 `json:"min_create_revision,omitempty"`
	MaxCreateRevision int64 `json:"max_create_revision,omitempty"`
}

type jsonPut struct {
	Key         string `json:"key"`
	Value       string `json:"value,omitempty"`
	Lease       int64  `json:"lease,omitempty"`
	PrevKV      bool   `json:"prev_kv,omitempty"`
	IgnoreValue bool   `json:"ignore_value,omitempty"`
	IgnoreLease bool   `json:"ignore_lease,omitempty"`
}

type jsonDeleteRange struct {
	Key      string `json:"key"`
	RangeEnd string `json:"range_end,omitempty"`
	PrevKV   bool   `json:"prev_kv,omitempty"`
}

type jsonTxn struct {
	Compare []jsonCompare `json:"compare,omitempty"`
	Success []jsonRequest `json:"success,omitempty"`
	Failure []jsonRequest `json:"failure,omitempty"`
}

// jsonCompare relates one property of a key, or of a range, to a number or a value.
type jsonCompare struct {
	Key      string `json:"key"`
	RangeEnd string `json:"range_end,omitempty"`
	Target   string `json:"target"` // version, create, mod, value, lease
	Result   string `json:"result"` // ==, !=, <, >
	Number   int64  `json:"number,omitempty"`
	Value    string `json:"value,omitempty"`
}

type jsonCompact struct {
	Revision int64 `json:"revision"`
}

type jsonLeaseGrant struct {
	TTL int64 `json:"ttl"`
	ID  int64 `json:"id,omitempty"`
}

type jsonLeaseRevoke struct {
	ID int64 `json:"id"`
}

// jsonResponse is an answer: the revision of its header, and one field of the same
// name as the request's, or an error.
type jsonResponse struct {
	Revision    int64                  `json:"revision,omitempty"`
	Error       *jsonError             `json:"error,omitempty"`
	Range       *jsonRangeResult       `json:"range,omitempty"`
	Put         *jsonPutResult         `json:"put,omitempty"`
	DeleteRange *jsonDeleteRangeResult `json:"delete_range,omitempty"`
	Txn         *jsonTxnResult         `json:"txn,omitempty"`
	Compact     *struct{}              `json:"compact,omitempty"`
	LeaseGrant  *jsonLeaseGrant        `json:"lease_grant,omitempty"`
	LeaseRevoke *struct{}              `json:"lease_revoke,omitempty"`
}

type jsonError struct {
	Code    uint32 `json:"code"`
	Message string `json:"message"`
}

type jsonKV struct {
	Key            string `json:"key"`
	Value          string `json:"value,omitempty"`
	CreateRevision int64  `json:"create_revision"`
	ModRevision    int64  `json:"mod_revision"`
	Version        int64  `json:"version"`
	Lease          int64  `json:"lease,omitempty"`
}

type jsonRangeResult struct {
	KVs   []jsonKV `json:"kvs,omitempty"`
	Count int64    `json:"count,omitempty"`
	More  bool     `json:"more,omitempty"`
}

type jsonPutResult struct {
	PrevKV *jsonKV `json:"prev_kv,omitempty"`
}

type jsonDeleteRangeResult struct {
	Deleted int64    `json:"deleted,omitempty"`
	PrevKVs []jsonKV `json:"prev_kvs,omitempty"`
}

type jsonTxnResult struct {
	Succeeded bool           `json:"succeeded,omitempty"`
	Responses []jsonResponse `json:"responses,omitempty"`
}
