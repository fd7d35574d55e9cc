package outside

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"etcdsim/store"
)

// Requests are one word of a statement: a JSON object with the fields of the request's
// type; fields without a value are left out. Keys and values are bytes, which JSON
// cannot hold: each byte stands there as the character of its number, so that most
// text in ASCII reads as it is. Bytes that mean something to the language are
// escaped.

// requestTypes are the types by their names in statements: those in package store
// without "Request", in lower case.
var requestTypes = index(
	&store.RangeRequest{}, &store.RangeStreamRequest{}, &store.PutRequest{}, &store.DeleteRangeRequest{}, &store.TxnRequest{},
	&store.CompactionRequest{}, &store.HashKVRequest{},
	&store.LeaseGrantRequest{}, &store.LeaseRevokeRequest{}, &store.LeaseKeepAliveRequest{}, &store.LeaseTimeToLiveRequest{},
	&store.LeaseLeasesRequest{},
	&store.StreamOpenRequest{}, &store.WatchRequest{}, &store.WatchCancelRequest{}, &store.WatchProgressRequest{},
	&store.StreamTakenRequest{}, &store.StreamPingRequest{},
	&store.AuthEnableRequest{}, &store.AuthDisableRequest{}, &store.AuthStatusRequest{}, &store.AuthenticateRequest{},
	&store.UserAddRequest{}, &store.UserDeleteRequest{}, &store.UserChangePasswordRequest{}, &store.UserGrantRoleRequest{},
	&store.UserRevokeRoleRequest{}, &store.UserGetRequest{}, &store.UserListRequest{},
	&store.RoleAddRequest{}, &store.RoleDeleteRequest{}, &store.RoleGetRequest{}, &store.RoleListRequest{},
	&store.RoleGrantPermissionRequest{}, &store.RoleRevokePermissionRequest{}, &store.AlarmRequest{},
	&store.MemberListRequest{}, &store.MemberAddRequest{}, &store.MemberRemoveRequest{}, &store.MemberUpdateRequest{},
	&store.MemberPromoteRequest{}, &store.MoveLeaderRequest{},
	&store.StatusRequest{}, &store.DefragmentRequest{}, &store.BackendHashRequest{}, &store.SnapshotRequest{},
	&store.LockRequest{}, &store.UnlockRequest{}, &store.CampaignRequest{}, &store.ProclaimRequest{}, &store.LeaderRequest{},
	&store.ObserveRequest{}, &store.ResignRequest{}, &store.HTTPRequest{},
)

func index(requests ...store.Request) map[string]reflect.Type {
	types := make(map[string]reflect.Type, len(requests))
	for _, r := range requests {
		types[requestName(r)] = reflect.TypeOf(r).Elem()
	}
	return types
}

func requestName(r store.Request) string {
	return strings.ToLower(strings.TrimSuffix(reflect.TypeOf(r).Elem().Name(), "Request"))
}

// AppendRequest appends a request as `{"put":{"Key":"k","Value":"v"}}`.
func AppendRequest(buf []byte, r store.Request) []byte {
	buf = append(appendText(append(buf, '{'), requestName(r)), ':')
	return append(appendValue(buf, reflect.ValueOf(r).Elem()), '}')
}

func appendValue(buf []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Struct:
		buf = append(buf, '{')
		first := true
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				continue
			}
			if !first {
				buf = append(buf, ',')
			}
			first = false
			buf = append(appendText(buf, v.Type().Field(i).Name), ':')
			buf = appendValue(buf, v.Field(i))
		}
		return append(buf, '}')
	case reflect.String:
		return appendText(buf, v.String())
	case reflect.Slice:
		buf = append(buf, '[')
		for i := range v.Len() {
			if i > 0 {
				buf = append(buf, ',')
			}
			buf = appendValue(buf, v.Index(i))
		}
		return append(buf, ']')
	case reflect.Interface:
		if v.IsNil() {
			return append(buf, "null"...)
		}
		return AppendRequest(buf, v.Interface().(store.Request))
	case reflect.Pointer:
		return appendValue(buf, v.Elem())
	case reflect.Bool:
		return strconv.AppendBool(buf, v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.AppendInt(buf, v.Int(), 10)
	case reflect.Uint64:
		return strconv.AppendUint(buf, v.Uint(), 10)
	}
	panic("outside: a request with a field of type " + v.Type().String())
}

// appendText appends a string of bytes as a JSON string that is one word.
func appendText(buf []byte, s string) []byte {
	const hex = "0123456789abcdef"
	buf = append(buf, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			buf = append(buf, '\\', c)
		case c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '|' || c == '=':
			buf = append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			buf = append(buf, c)
		}
	}
	return append(buf, '"')
}

// ParseRequest is the inverse of AppendRequest.
func ParseRequest(data []byte) (store.Request, error) {
	var named map[string]json.RawMessage
	if err := json.Unmarshal(data, &named); err != nil {
		return nil, fmt.Errorf("expected a request: %w", err)
	}
	if len(named) != 1 {
		return nil, fmt.Errorf("expected a request with one name, found %d", len(named))
	}
	for name, fields := range named { // unordered: there is one
		t := requestTypes[name]
		if t == nil {
			return nil, fmt.Errorf("expected the name of a request, found %q", name)
		}
		v := reflect.New(t)
		if err := decodeValue(fields, v.Elem()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return v.Interface().(store.Request), nil
	}
	panic("unreachable")
}

func decodeValue(data json.RawMessage, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Struct:
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(data, &fields); err != nil {
			return err
		}
		for name, value := range fields { // unordered: each has a place of its own
			f := v.FieldByName(name)
			if !f.IsValid() {
				return fmt.Errorf("no field %s", name)
			}
			if err := decodeValue(value, f); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	case reflect.String:
		text, err := ParseText(data)
		v.SetString(text)
		return err
	case reflect.Slice:
		var items []json.RawMessage
		if err := json.Unmarshal(data, &items); err != nil {
			return err
		}
		v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
		for i := range items {
			if err := decodeValue(items[i], v.Index(i)); err != nil {
				return fmt.Errorf("%d: %w", i, err)
			}
		}
		return nil
	case reflect.Interface:
		if string(data) == "null" {
			return nil
		}
		r, err := ParseRequest(data)
		if err != nil {
			return err
		}
		if !reflect.TypeOf(r).AssignableTo(v.Type()) {
			return fmt.Errorf("a %s cannot stand in a transaction", requestName(r))
		}
		v.Set(reflect.ValueOf(r))
		return nil
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decodeValue(data, v.Elem())
	}
	return json.Unmarshal(data, v.Addr().Interface())
}

// ParseText reads a string of bytes.
func ParseText(data []byte) (string, error) {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return "", err
	}
	b := make([]byte, 0, len(s))
	for _, c := range s {
		if c > 0xff {
			return "", fmt.Errorf("expected bytes, found the character %q", c)
		}
		b = append(b, byte(c))
	}
	return string(b), nil
}
