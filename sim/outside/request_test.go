package outside

import (
	"reflect"
	"slices"
	"testing"

	"etcdsim/store"
)

// fill sets every field of a request to something that is easily lost: bytes that
// are no text, the smallest number, one of each operation.
func fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), depth)
		}
	case reflect.String:
		v.SetString("\x00k\"\\\n\x7f\x80é\xff")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(-1 << 31)
	case reflect.Uint64:
		v.SetUint(1<<64 - 1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth)
	case reflect.Slice:
		if v.Type().Elem() == reflect.TypeFor[store.Op]() {
			ops := []store.Op{nil, &store.RangeRequest{}, &store.PutRequest{}, &store.DeleteRangeRequest{}}
			if depth > 0 {
				ops = append(ops, &store.TxnRequest{})
			}
			for _, op := range ops[1:] {
				fill(reflect.ValueOf(op).Elem(), depth-1)
			}
			v.Set(reflect.ValueOf(ops))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), depth)
		fill(v.Index(1), depth)
	default:
		panic("no value for " + v.Type().String())
	}
}

// Every request comes out of a recording as it went in, empty and full.
func TestRequestsAreRecorded(t *testing.T) {
	for name, typ := range requestTypes {
		empty, full := reflect.New(typ), reflect.New(typ)
		fill(full.Elem(), 2)
		for _, v := range []reflect.Value{empty, full} {
			r := v.Interface().(store.Request)
			text := AppendRequest(nil, r)
			got, err := ParseRequest(text)
			if err != nil || !reflect.DeepEqual(got, r) {
				t.Errorf("%s: %#v, %v; want %#v, from %s", name, got, err, r, text)
			}
		}
	}
}

func TestRequestsAreReadable(t *testing.T) {
	got := string(AppendRequest(nil, &store.TxnRequest{
		Compare: []store.Compare{{Key: "a", Target: store.CompareValue, Value: "1"}},
		Success: []store.Op{&store.PutRequest{Key: "a", Value: "\xff= 2"}},
	}))
	const want = `{"txn":{"Compare":[{"Target":3,"Key":"a","Value":"1"}],"Success":[{"put":{"Key":"a","Value":"\u00ff\u003d\u00202"}}]}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDamagedRequests(t *testing.T) {
	for _, text := range []string{
		``, `7`, `{}`, `{"put":{},"range":{}}`, `{"putt":{}}`, `{"put":{"Kex":"a"}}`, `{"put":{"Key":7}}`, `{"put":{"Key":"€"}}`,
		`{"put":{"Lease":"x"}}`, `{"put":[]}`, `{"txn":{"Success":[{"status":{}}]}}`, `{"txn":{"Success":[{"put":1}]}}`, `{"txn":{"Compare":{}}}`,
	} {
		if r, err := ParseRequest([]byte(text)); err == nil {
			t.Errorf("%s was taken for %#v", text, r)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"put":{"Key":"k","Value":"v"}}`))
	f.Add([]byte(`{"txn":{"Success":[null,{"txn":{}}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRequest(data)
		if err != nil {
			return
		}
		text := AppendRequest(nil, r)
		again, err := ParseRequest(text)
		if err != nil || !slices.Equal(AppendRequest(nil, again), text) {
			t.Errorf("%s came back as %#v, %v", text, again, err)
		}
	})
}
