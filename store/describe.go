package store

import (
	"fmt"
	"strconv"
	"strings"
)

// Describe prints a request on one line, as reports show it: "put k1=9",
// "get k1", "range [a, b) limit 5", "txn if(version k1 = 0) then(put k1=1) else()".
func Describe(req Request) string {
	var b strings.Builder
	describe(&b, req)
	return b.String()
}

// DescribeAnswered prints a request with what was answered: "get k1 = 4",
// "put k1=9", "get k1 = nothing", "compact 7: etcdserver: mvcc: required revision
// has been compacted".
func DescribeAnswered(req Request, resp Response) string {
	var b strings.Builder
	describe(&b, req)
	if resp.Err != nil {
		b.WriteString(": ")
		b.WriteString(resp.Err.Text)
	} else {
		describeResult(&b, resp.Result)
	}
	return b.String()
}

func describe(b *strings.Builder, req Request) {
	switch req := req.(type) {
	case nil:
		b.WriteString("nothing")
	case *RangeRequest:
		describeRange(b, req)
	case *RangeStreamRequest:
		b.WriteString("stream ")
		describeRange(b, &req.Range)
	case *PutRequest:
		describePut(b, req)
	case *DeleteRangeRequest:
		b.WriteString("delete ")
		describeKeys(b, req.Key, req.RangeEnd)
		describeFlag(b, req.PrevKV, "prev-kv")
	case *TxnRequest:
		describeTxn(b, req)
	case *CompactionRequest:
		describeNumber(b, "compact ", req.Revision)
		describeFlag(b, req.Physical, "physical")
	case *LeaseGrantRequest:
		describeNumber(b, "lease grant ", req.ID)
		describeNumber(b, " ttl ", req.TTL)
		b.WriteByte('s')
	case *LeaseRevokeRequest:
		describeNumber(b, "lease revoke ", req.ID)
	case *LeaseCheckpointRequest:
		b.WriteString("lease checkpoint")
		for _, c := range req.Checkpoints {
			describeNumber(b, " ", c.ID)
			describeNumber(b, "=", c.RemainingTTL)
			b.WriteByte('s')
		}
	case *LeaseKeepAliveRequest:
		describeNumber(b, "lease keep-alive ", req.ID)
	case *LeaseTimeToLiveRequest:
		describeNumber(b, "lease time-to-live ", req.ID)
		describeFlag(b, req.Keys, "keys")
	case *LeaseLeasesRequest:
		b.WriteString("leases")
	case *HashKVRequest:
		b.WriteString("hash")
		describeRevision(b, req.Revision)
	case *WatchRequest:
		describeWatch(b, req)
	case *MemberListRequest:
		b.WriteString("members")
		describeFlag(b, !req.Linearizable, "serializable")
	case *MemberAddRequest:
		b.WriteString("member add " + strings.Join(req.PeerURLs, ","))
		describeFlag(b, req.Learner, "learner")
	case *MemberRemoveRequest:
		b.WriteString("member remove " + MemberName(req.ID))
	case *MemberUpdateRequest:
		b.WriteString("member update " + MemberName(req.ID) + " " + strings.Join(req.PeerURLs, ","))
	case *MemberPromoteRequest:
		b.WriteString("member promote " + MemberName(req.ID))
	case *MemberPublishRequest:
		b.WriteString("member " + MemberName(req.ID) + " publish " + req.Name)
	case *MoveLeaderRequest:
		b.WriteString("move leader to " + MemberName(req.Target))
	case *HTTPRequest, *OlderRequest:
		describeOlder(b, req)
	default:
		if !describeAuth(b, req) && !describeService(b, req) && !describeMaintenance(b, req) {
			fmt.Fprintf(b, "%T", req)
		}
	}
}

func describeRange(b *strings.Builder, req *RangeRequest) {
	switch {
	case req.CountOnly:
		b.WriteString("count ")
	case req.RangeEnd == "":
		b.WriteString("get ")
	default:
		b.WriteString("range ")
	}
	describeKeys(b, req.Key, req.RangeEnd)
	describeRevision(b, req.Revision)
	describeOption(b, "limit", req.Limit)
	if req.SortOrder != SortNone || req.SortTarget != SortByKey {
		b.WriteString(" sort " + req.SortTarget.String() + " " + req.SortOrder.String())
	}
	describeOption(b, "mod>=", req.MinModRevision)
	describeOption(b, "mod<=", req.MaxModRevision)
	describeOption(b, "create>=", req.MinCreateRevision)
	describeOption(b, "create<=", req.MaxCreateRevision)
	describeFlag(b, req.KeysOnly, "keys-only")
	describeFlag(b, req.Serializable, "serializable")
}

func describePut(b *strings.Builder, req *PutRequest) {
	b.WriteString("put ")
	b.WriteString(Text(req.Key))
	if req.IgnoreValue {
		b.WriteString(" keeping its value")
	} else {
		b.WriteByte('=')
		b.WriteString(Text(req.Value))
	}
	describeOption(b, "lease", req.Lease)
	describeFlag(b, req.IgnoreLease, "keeping its lease")
	describeFlag(b, req.PrevKV, "prev-kv")
}

func describeTxn(b *strings.Builder, req *TxnRequest) {
	b.WriteString("txn if(")
	for i := range req.Compare {
		if i > 0 {
			b.WriteString("; ")
		}
		c := &req.Compare[i]
		b.WriteString(c.Target.String() + " ")
		describeKeys(b, c.Key, c.RangeEnd)
		b.WriteString(" " + c.Result.String() + " ")
		if c.Target == CompareValue {
			b.WriteString(Text(c.Value))
		} else {
			describeNumber(b, "", c.Num)
		}
	}
	b.WriteString(") then(")
	describeOps(b, req.Success)
	b.WriteString(") else(")
	describeOps(b, req.Failure)
	b.WriteByte(')')
}

func describeOps(b *strings.Builder, ops []Op) {
	for i, op := range ops {
		if i > 0 {
			b.WriteString("; ")
		}
		if op == nil {
			b.WriteString("nothing")
			continue
		}
		describe(b, op)
	}
}

func describeWatch(b *strings.Builder, req *WatchRequest) {
	b.WriteString("watch ")
	describeKeys(b, req.Key, req.RangeEnd)
	describeOption(b, "from", req.StartRevision)
	describeFlag(b, req.NoPut, "no-put")
	describeFlag(b, req.NoDelete, "no-delete")
	describeFlag(b, req.PrevKV, "prev-kv")
	describeFlag(b, req.ProgressNotify, "progress-notify")
}

func describeKeys(b *strings.Builder, key, end string) {
	switch {
	case end == "":
		b.WriteString(Text(key))
	case key == "\x00" && end == "\x00":
		b.WriteString("all keys")
	case end == "\x00":
		b.WriteString("[" + Text(key) + ", ...)")
	default:
		b.WriteString("[" + Text(key) + ", " + Text(end) + ")")
	}
}

func describeResult(b *strings.Builder, result Result) {
	switch res := result.(type) {
	case *RangeResult:
		describeRangeResult(b, res)
	case *PutResult:
		if res.PrevKV != nil {
			b.WriteString(", before: " + Text(res.PrevKV.Value))
		}
	case *DeleteRangeResult:
		describeNumber(b, " = ", res.Deleted)
		b.WriteString(" deleted")
		for i := range res.PrevKVs {
			b.WriteString(separator(i, ", before: ") + Text(res.PrevKVs[i].Key) + "=" + Text(res.PrevKVs[i].Value))
		}
	case *TxnResult:
		describeTxnResult(b, res)
	case *LeaseGrantResult:
		describeNumber(b, " = ", res.ID)
		describeNumber(b, " ttl ", res.TTL)
		b.WriteByte('s')
	case *LeaseKeepAliveResult:
		describeNumber(b, " = ", res.TTL)
		b.WriteByte('s')
	case *LeaseTimeToLiveResult:
		describeNumber(b, " = ", res.TTL)
		describeNumber(b, "s of ", res.GrantedTTL)
		b.WriteByte('s')
		for i, key := range res.Keys {
			b.WriteString(separator(i, " keys ") + Text(key))
		}
	case *LeaseLeasesResult:
		b.WriteString(" =")
		for _, id := range res.Leases {
			describeNumber(b, " ", id)
		}
	case *MembersResult:
		describeMembers(b, res.Members)
	case *MemberAddResult:
		b.WriteString(" = ")
		describeMember(b, &res.Member)
	case *HashKVResult:
		fmt.Fprintf(b, " = %08x at %d, compacted %d", res.Hash, res.HashRevision, res.CompactRevision)
	case *HTTPResult, *OlderResult:
		describeOlderResult(b, res)
	default:
		if !describeMaintenanceResult(b, res) {
			describeAuthResult(b, res)
		}
		describeServiceResult(b, res)
	}
}

// describeRangeResult prints the one value of a get, and keys with values
// otherwise.
func describeRangeResult(b *strings.Builder, res *RangeResult) {
	b.WriteString(" = ")
	switch {
	case len(res.KVs) == 1 && res.Count == 1:
		b.WriteString(Text(res.KVs[0].Value))
		return
	case len(res.KVs) == 0 && res.Count == 0:
		b.WriteString("nothing")
		return
	}
	describeNumber(b, "", res.Count)
	b.WriteString(" keys")
	for i := range res.KVs {
		if i == shown {
			fmt.Fprintf(b, ", and %d more", len(res.KVs)-i)
			return
		}
		b.WriteString(separator(i, ": ") + Text(res.KVs[i].Key) + "=" + Text(res.KVs[i].Value))
	}
}

// shown is how many key-values a line shows at most.
const shown = 8

func describeTxnResult(b *strings.Builder, res *TxnResult) {
	if res.Succeeded {
		b.WriteString(" = then(")
	} else {
		b.WriteString(" = else(")
	}
	for i := range res.Responses {
		if i > 0 {
			b.WriteString("; ")
		}
		var one strings.Builder
		describeResult(&one, res.Responses[i].Result)
		b.WriteString(strings.TrimPrefix(strings.TrimPrefix(one.String(), " = "), ", "))
	}
	b.WriteByte(')')
}

func separator(i int, first string) string {
	if i == 0 {
		return first
	}
	return ", "
}

func describeRevision(b *strings.Builder, rev int64) {
	if rev > 0 {
		describeNumber(b, " at ", rev)
	}
}

func describeOption(b *strings.Builder, name string, n int64) {
	if n != 0 {
		b.WriteString(" " + name)
		if !strings.HasSuffix(name, "=") {
			b.WriteByte(' ')
		}
		describeNumber(b, "", n)
	}
}

func describeFlag(b *strings.Builder, set bool, name string) {
	if set {
		b.WriteString(" " + name)
	}
}

func describeNumber(b *strings.Builder, before string, n int64) {
	b.WriteString(before)
	b.WriteString(strconv.FormatInt(n, 10))
}

// String tells all of a key-value.
func (kv *KeyValue) String() string {
	return fmt.Sprintf("%s=%s (rev %d, created %d, version %d, lease %d)",
		Text(kv.Key), Text(kv.Value), kv.ModRevision, kv.CreateRevision, kv.Version, kv.Lease)
}

// Text prints a key or a value as a word if it is one, and quoted otherwise. Of a
// long one it prints the beginning and the length.
func Text(s string) string {
	const longest = 40
	if len(s) > longest {
		return fmt.Sprintf("%s...(%d bytes)", Text(s[:longest-8]), len(s))
	}
	if s == "" {
		return `""`
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"()[]{},;=", c) >= 0 {
			return strconv.Quote(s)
		}
	}
	return s
}

// String returns the order's name.
func (o SortOrder) String() string { return name(int(o), "none", "ascending", "descending") }

// String returns the target's name.
func (t SortTarget) String() string { return name(int(t), "key", "version", "create", "mod", "value") }

// String returns the relation's sign.
func (r CompareResult) String() string { return name(int(r), "=", ">", "<", "!=") }

// String returns the target's name.
func (t CompareTarget) String() string {
	return name(int(t), "version", "create", "mod", "value", "lease")
}

func name(i int, names ...string) string {
	if i >= 0 && i < len(names) {
		return names[i]
	}
	return strconv.Itoa(i)
}
