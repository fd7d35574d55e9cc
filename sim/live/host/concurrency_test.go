package host_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// text is a field of bytes, as it stands in a message.
func text(number protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

// field returns the bytes of a field of a message, or nil.
func field(message []byte, number protowire.Number) []byte {
	for len(message) > 0 {
		n, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return nil
		}
		length := protowire.ConsumeFieldValue(n, kind, message[tag:])
		if length < 0 {
			return nil
		}
		if n == number && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message[tag:])
			return value
		}
		message = message[tag+length:]
	}
	return nil
}

// asker calls methods with bytes, for messages whose types are in etcd's server.
type asker struct {
	t    *testing.T
	conn *grpc.ClientConn
}

func (a asker) ask(ctx context.Context, method string, in ...[]byte) ([]byte, error) {
	request := bytes.Join(in, nil)
	var out []byte
	err := a.conn.Invoke(ctx, method, &request, &out, grpc.ForceCodec(raw{}))
	return out, err
}

func (a asker) must(method string, in ...[]byte) []byte {
	a.t.Helper()
	out, err := a.ask(soon(a.t), method, in...)
	if err != nil {
		a.t.Fatalf("%s: %v", method, err)
	}
	if len(field(out, 1)) == 0 {
		a.t.Errorf("%s: no header in %x", method, out)
	}
	return out
}

// A lock has one holder; the next gets it when it is given up, and one that gives up
// waiting leaves the queue.
func TestLockService(t *testing.T) {
	s := start(t)
	a := asker{t, s.client(s.Endpoints()[0]).ActiveConnection()}
	key := field(a.must("/v3lockpb.Lock/Lock", text(1, "l")), 2)
	if !bytes.HasPrefix(key, []byte("l/")) {
		t.Fatalf("the key is %q", key)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := a.ask(ctx, "/v3lockpb.Lock/Lock", text(1, "l")); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("a second holder: %v", err)
	}
	got := make(chan []byte)
	go func() {
		out, _ := a.ask(context.WithoutCancel(ctx), "/v3lockpb.Lock/Lock", text(1, "l"))
		got <- field(out, 2)
	}()
	a.must("/v3lockpb.Lock/Unlock", text(1, string(key)))
	if next := <-got; !bytes.HasPrefix(next, []byte("l/")) || bytes.Equal(next, key) {
		t.Errorf("the next holder's key is %q, the first one's was %q", next, key)
	}
}

// An election has one leader, whose words observers hear until it resigns.
func TestElectionService(t *testing.T) {
	s := start(t)
	a := asker{t, s.client(s.Endpoints()[0]).ActiveConnection()}
	if _, err := a.ask(soon(t), "/v3electionpb.Election/Leader", text(1, "e")); status.Convert(err).Message() != "election: no leader" {
		t.Errorf("who leads before: %v", err)
	}
	leader := field(a.must("/v3electionpb.Election/Campaign", text(1, "e"), text(3, "first")), 2)
	if name := field(leader, 1); string(name) != "e" {
		t.Fatalf("the leader's key is of %q", name)
	}
	observe, err := a.conn.NewStream(soon(t), &grpc.StreamDesc{ServerStreams: true}, "/v3electionpb.Election/Observe", grpc.ForceCodec(raw{}))
	if err != nil {
		t.Fatal(err)
	}
	request := text(1, "e")
	if err := observe.SendMsg(&request); err != nil {
		t.Fatal(err)
	}
	_ = observe.CloseSend()
	hear := func(want string) {
		t.Helper()
		var out []byte
		if err := observe.RecvMsg(&out); err != nil {
			t.Fatal(err)
		}
		if value := field(field(out, 2), 5); string(value) != want {
			t.Errorf("heard %q, want %q", value, want)
		}
	}
	hear("first")
	a.must("/v3electionpb.Election/Proclaim", text(1, string(leader)), text(2, "second"))
	hear("second")
	if value := field(field(a.must("/v3electionpb.Election/Leader", text(1, "e")), 2), 5); string(value) != "second" {
		t.Errorf("the leader says %q", value)
	}
	if _, err := a.ask(soon(t), "/v3electionpb.Election/Proclaim", text(2, "nobody")); status.Convert(err).Message() !=
		`"leader" field must be provided` {
		t.Errorf("a proclamation of nobody: %v", err)
	}
	a.must("/v3electionpb.Election/Resign", text(1, string(leader)))
}
