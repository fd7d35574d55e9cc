package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"

	"etcdsim/store"
)

// The structures below mirror etcd's messages as protojson writes them: field
// names as in the .proto files, bytes in base64, 64-bit integers as strings,
// enumerations by name, or by number if they have none.

type jsonLine struct {
	I        int             `json:"i"`
	Op       string          `json:"op"`
	Desc     string          `json:"desc"`
	Request  json.RawMessage `json:"request"`
	Response json.RawMessage `json:"response"`
	Error    *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
	Volatile []string `json:"volatile"`
	Stream   string   `json:"stream"`
	Watch    *struct {
		Created      *jsonWatchResponse `json:"created"`
		Events       []jsonEvent        `json:"events"`
		Canceled     *jsonWatchResponse `json:"canceled"`
		UpToRevision int64              `json:"up_to_revision"`
	} `json:"watch"`
}

type jsonHeader struct {
	Revision int64 `json:"revision,string"`
}

type jsonKV struct {
	Key            []byte `json:"key"`
	CreateRevision int64  `json:"create_revision,string"`
	ModRevision    int64  `json:"mod_revision,string"`
	Version        int64  `json:"version,string"`
	Value          []byte `json:"value"`
	Lease          int64  `json:"lease,string"`
}

type jsonRange struct {
	Key               []byte   `json:"key"`
	RangeEnd          []byte   `json:"range_end"`
	Limit             int64    `json:"limit,string"`
	Revision          int64    `json:"revision,string"`
	SortOrder         jsonEnum `json:"sort_order"`
	SortTarget        jsonEnum `json:"sort_target"`
	Serializable      bool     `json:"serializable"`
	KeysOnly          bool     `json:"keys_only"`
	CountOnly         bool     `json:"count_only"`
	MinModRevision    int64    `json:"min_mod_revision,string"`
	MaxModRevision    int64    `json:"max_mod_revision,string"`
	MinCreateRevision int64    `json:"min_create_revision,string"`
	MaxCreateRevision int64    `json:"max_create_revision,string"`
}

type jsonRangeResult struct {
	Header jsonHeader `json:"header"`
	KVs    []jsonKV   `json:"kvs"`
	More   bool       `json:"more"`
	Count  int64      `json:"count,string"`
}

type jsonPut struct {
	Key         []byte `json:"key"`
	Value       []byte `json:"value"`
	Lease       int64  `json:"lease,string"`
	PrevKV      bool   `json:"prev_kv"`
	IgnoreValue bool   `json:"ignore_value"`
	IgnoreLease bool   `json:"ignore_lease"`
}

type jsonPutResult struct {
	Header jsonHeader `json:"header"`
	PrevKV *jsonKV    `json:"prev_kv"`
}

type jsonDeleteRange struct {
	Key      []byte `json:"key"`
	RangeEnd []byte `json:"range_end"`
	PrevKV   bool   `json:"prev_kv"`
}

type jsonDeleteRangeResult struct {
	Header  jsonHeader `json:"header"`
	Deleted int64      `json:"deleted,string"`
	PrevKVs []jsonKV   `json:"prev_kvs"`
}

type jsonCompare struct {
	Result         jsonEnum `json:"result"`
	Target         jsonEnum `json:"target"`
	Key            []byte   `json:"key"`
	RangeEnd       []byte   `json:"range_end"`
	Version        int64    `json:"version,string"`
	CreateRevision int64    `json:"create_revision,string"`
	ModRevision    int64    `json:"mod_revision,string"`
	Lease          int64    `json:"lease,string"`
	Value          []byte   `json:"value"`
}

type jsonTxn struct {
	Compare []jsonCompare `json:"compare"`
	Success []jsonOp      `json:"success"`
	Failure []jsonOp      `json:"failure"`
}

type jsonOp struct {
	Range       *jsonRange       `json:"request_range"`
	Put         *jsonPut         `json:"request_put"`
	DeleteRange *jsonDeleteRange `json:"request_delete_range"`
	Txn         *jsonTxn         `json:"request_txn"`
}

type jsonTxnResult struct {
	Header    jsonHeader `json:"header"`
	Succeeded bool       `json:"succeeded"`
	Responses []struct {
		Range       *jsonRangeResult       `json:"response_range"`
		Put         *jsonPutResult         `json:"response_put"`
		DeleteRange *jsonDeleteRangeResult `json:"response_delete_range"`
		Txn         *jsonTxnResult         `json:"response_txn"`
	} `json:"responses"`
}

type jsonCompaction struct {
	Revision int64 `json:"revision,string"`
	Physical bool  `json:"physical"`
}

type jsonHashKVResult struct {
	Header          jsonHeader `json:"header"`
	Hash            uint32     `json:"hash"`
	CompactRevision int64      `json:"compact_revision,string"`
	HashRevision    int64      `json:"hash_revision,string"`
}

// jsonLease is the fields of all requests about leases.
type jsonLease struct {
	ID   int64 `json:"ID,string"`
	TTL  int64 `json:"TTL,string"`
	Keys bool  `json:"keys"`
}

// jsonLeaseResult is the fields of all answers about leases.
type jsonLeaseResult struct {
	Header     jsonHeader `json:"header"`
	ID         int64      `json:"ID,string"`
	TTL        int64      `json:"TTL,string"`
	GrantedTTL int64      `json:"grantedTTL,string"`
	Keys       [][]byte   `json:"keys"`
	Leases     []struct {
		ID int64 `json:"ID,string"`
	} `json:"leases"`
}

type jsonWatch struct {
	Key            []byte     `json:"key"`
	RangeEnd       []byte     `json:"range_end"`
	StartRevision  int64      `json:"start_revision,string"`
	WatchID        int64      `json:"watch_id,string"`
	ProgressNotify bool       `json:"progress_notify"`
	PrevKV         bool       `json:"prev_kv"`
	Fragment       bool       `json:"fragment"`
	Filters        []jsonEnum `json:"filters"`
}

type jsonWatchResponse struct {
	Header          jsonHeader `json:"header"`
	WatchID         int64      `json:"watch_id,string"`
	Created         bool       `json:"created"`
	Canceled        bool       `json:"canceled"`
	CompactRevision int64      `json:"compact_revision,string"`
	CancelReason    string     `json:"cancel_reason"`
}

type jsonEvent struct {
	Type   jsonEnum `json:"type"`
	KV     jsonKV   `json:"kv"`
	PrevKV *jsonKV  `json:"prev_kv"`
}

// jsonEnum is the number of an enumeration's value.
type jsonEnum int32

var enumNumbers = map[string]jsonEnum{
	"NONE": 0, "ASCEND": 1, "DESCEND": 2, // orders
	"KEY": 0, "VERSION": 1, "CREATE": 2, "MOD": 3, "VALUE": 4, // targets of a sort
	"EQUAL": 0, "GREATER": 1, "LESS": 2, "NOT_EQUAL": 3, // relations
	"NOPUT": 0, "NODELETE": 1, // filters
	"PUT": 0, "DELETE": 1, // events
}

// compareTargets are named like targets of a sort, but count otherwise.
var compareTargets = [...]store.CompareTarget{
	0: store.CompareVersion, // the default, which protojson leaves out
	1: store.CompareVersion, 2: store.CompareCreate, 3: store.CompareMod, 4: store.CompareValue, leaseTarget: store.CompareLease,
}

const leaseTarget = 5

func (e *jsonEnum) UnmarshalJSON(data []byte) error {
	var name string
	if json.Unmarshal(data, &name) != nil {
		return json.Unmarshal(data, (*int32)(e))
	}
	if name == "LEASE" {
		*e = leaseTarget
		return nil
	}
	number, ok := enumNumbers[name]
	if !ok {
		return fmt.Errorf("unknown name %q of an enumeration", name)
	}
	*e = number
	return nil
}

// parse reads a message; an absent one is empty.
func parse[T any](data json.RawMessage) (T, error) {
	var message T
	if data == nil {
		return message, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&message)
	return message, err
}
