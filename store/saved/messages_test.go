package saved

import (
	"reflect"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"etcdsim/store"
)

// A field that holds something else than the schema says is one that is not known: what
// another field of its number said stays.
func TestFieldsOfAnotherType(t *testing.T) {
	const (
		varint, fixed64, bytes, fixed32 = "\x05", "\x09\x00\x00\x00\x00\x00\x00\x00", "\x01x", "\x09\x00\x00\x00"
	)
	for what, c := range map[string]struct {
		text      string
		got, want func(string) (any, error)
	}{
		"a key that is a number":        {text: "\x0a\x01k" + "\x08" + varint, got: keyValue, want: theirKeyValue},
		"a value that is a number":      {text: "\x2a\x01v" + "\x28" + varint, got: keyValue, want: theirKeyValue},
		"a lease that is a text":        {text: "\x30\x07" + "\x32" + bytes, got: keyValue, want: theirKeyValue},
		"a version of eight bytes":      {text: "\x20\x07" + "\x21" + fixed64, got: keyValue, want: theirKeyValue},
		"a revision of four bytes":      {text: "\x18\x07" + "\x1d" + fixed32, got: keyValue, want: theirKeyValue},
		"a password that is a number":   {text: "\x12\x01p" + "\x10" + varint, got: user, want: theirUser},
		"a role that is a number":       {text: "\x1a\x01r" + "\x18" + varint, got: user, want: theirUser},
		"options that are a number":     {text: "\x22\x02\x08\x01" + "\x20" + varint, got: user, want: theirUser},
		"an option that is a text":      {text: "\x22\x05\x08\x01" + "\x0a" + bytes, got: user, want: theirUser},
		"an option that is taken back":  {text: "\x22\x02\x08\x01" + "\x22\x02\x08\x00", got: user, want: theirUser},
		"a permission that is a number": {text: "\x0a\x01r" + "\x10" + varint, got: role, want: theirRole},
		"a type of permission in words": {text: "\x12\x05\x08\x02" + "\x0a" + bytes, got: role, want: theirRole},
		"a range end that is a number":  {text: "\x12\x05\x1a\x01e" + "\x18" + varint, got: role, want: theirRole},
		"a type of alarm in words":      {text: "\x10\x01" + "\x12" + bytes, got: alarm, want: theirAlarm},
	} {
		got, err := c.got(c.text)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if want, err := c.want(c.text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read %+v, and protobuf reads %+v, %v", what, got, want, err)
		}
	}
	l, err := decodeLease("\x08\x07" + "\x10\x3c" + "\x18\x14" + "\x0a" + bytes + "\x12" + bytes + "\x1d" + fixed32)
	if want := (Lease{ID: 7, TTL: 60, Remaining: 20}); err != nil || l != want {
		t.Errorf("a lease: read %+v, %v; want %+v", l, err, want)
	}
}

// What can be read is what protobuf reads from the same bytes, and what protobuf refuses
// is refused.
func TestMessagesAreReadAsProtobufReadsThem(t *testing.T) {
	for what, c := range map[string]struct{ ours, theirs func(string) (any, error) }{
		"mvccpb.KeyValue":          {keyValue, theirKeyValue},
		"authpb.User":              {user, theirUser},
		"authpb.Role":              {role, theirRole},
		"etcdserverpb.AlarmMember": {alarm, theirAlarm},
	} {
		t.Run(what, rapid.MakeCheck(func(t *rapid.T) {
			data := someMessage(t, 2)
			got, err := c.ours(data)
			want, theirErr := c.theirs(data)
			switch {
			case err == nil && theirErr != nil:
				t.Errorf("%x: read %+v, and protobuf refuses: %v", data, got, theirErr)
			case err == nil && !reflect.DeepEqual(got, want):
				t.Errorf("%x: read %+v, and protobuf reads %+v", data, got, want)
			case err != nil && theirErr == nil && !peculiar(err):
				t.Errorf("%x: %v, and protobuf reads %+v", data, err, want)
			}
		}))
	}
}

// peculiar tells whether an error says of a message that it has what protobuf would read
// and no etcd writes.
func peculiar(err error) bool {
	return strings.Contains(err.Error(), "wire type 3") || strings.Contains(err.Error(), "expected an integer")
}

// someMessage draws a message: of numbers that are known and others, with contents of any
// type, other messages among them, and now and then cut off.
func someMessage(t *rapid.T, depth int) string {
	var data []byte
	for range rapid.IntRange(0, 6).Draw(t, "fields") {
		number := rapid.OneOf(rapid.Int32Range(1, 7), rapid.SampledFrom([]int32{0, 16, 1<<29 - 1})).Draw(t, "number")
		kind := protowire.Type(rapid.SampledFrom([]int8{0, 0, 0, 2, 2, 2, 2, 1, 5, 3}).Draw(t, "type"))
		data = protowire.AppendVarint(data, uint64(number)<<3|uint64(kind))
		switch kind {
		case protowire.VarintType:
			data = protowire.AppendVarint(data, rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64()).Draw(t, "integer"))
		case protowire.BytesType:
			content := rapid.SampledFrom([]string{"", "a", "b", "\xff"}).Draw(t, "text")
			if depth > 0 && rapid.Bool().Draw(t, "nested") {
				content = someMessage(t, depth-1)
			}
			data = protowire.AppendString(data, content)
		case protowire.Fixed64Type:
			data = protowire.AppendFixed64(data, 1)
		case protowire.Fixed32Type:
			data = protowire.AppendFixed32(data, 1)
		case protowire.StartGroupType:
			data = protowire.AppendVarint(data, uint64(number)<<3|uint64(protowire.EndGroupType))
		}
	}
	if len(data) > 0 && rapid.IntRange(0, 9).Draw(t, "cut off") == 0 {
		data = data[:rapid.IntRange(0, len(data)-1).Draw(t, "left")]
	}
	return string(data)
}

func keyValue(data string) (any, error) { return decodeKeyValue(data) }
func user(data string) (any, error)     { return decodeUser(data) }
func role(data string) (any, error)     { return decodeRole(data) }
func alarm(data string) (any, error)    { return decodeAlarm(data) }

func theirKeyValue(data string) (any, error) {
	var m mvccpb.KeyValue
	err := proto.Unmarshal([]byte(data), &m)
	return store.KeyValue{
		Key: string(m.Key), CreateRevision: m.CreateRevision, ModRevision: m.ModRevision,
		Version: m.Version, Value: string(m.Value), Lease: m.Lease,
	}, err
}

func theirUser(data string) (any, error) {
	var m authpb.User
	err := proto.Unmarshal([]byte(data), &m)
	return User{
		Name: string(m.Name), Password: string(m.Password), Roles: m.Roles, NoPassword: m.GetOptions().GetNoPassword(),
	}, err
}

func theirRole(data string) (any, error) {
	var m authpb.Role
	err := proto.Unmarshal([]byte(data), &m)
	r := Role{Name: string(m.Name)}
	for _, p := range m.KeyPermission {
		r.Permissions = append(r.Permissions, store.Permission{
			Type: store.PermissionType(p.PermType), Key: string(p.Key), RangeEnd: string(p.RangeEnd),
		})
	}
	return r, err
}

func theirAlarm(data string) (any, error) {
	var m etcdserverpb.AlarmMember
	err := proto.Unmarshal([]byte(data), &m)
	return store.Alarm{MemberID: m.MemberID, Type: store.AlarmType(m.Alarm)}, err
}
