package store

import "testing"

func TestServicesDescribed(t *testing.T) {
	leader := &LeaderKey{Name: "e", Key: "e/a", Rev: 7, Lease: 10}
	seen := map[uint64]string{}
	for _, c := range []struct {
		req  Request
		resp Response
		want string
	}{
		{&LockRequest{Name: "l", Lease: 10}, Response{Result: &LockResult{Key: "l/a"}}, "lock l lease 10 = l/a"},
		{&LockRequest{Name: "l", Lease: 11}, Response{Err: ErrSessionExpired}, "lock l lease 11: mutex: session is expired"},
		{&UnlockRequest{Key: "l/a"}, Response{Result: &UnlockResult{}}, "unlock l/a"},
		{
			&CampaignRequest{Name: "e", Value: "me", Lease: 10},
			Response{Result: &CampaignResult{Leader: *leader}},
			"campaign e=me lease 10 = e/a of rev 7",
		},
		{&ProclaimRequest{Leader: leader, Value: "me"}, Response{Result: &ProclaimResult{}}, "proclaim e/a of rev 7=me"},
		{&ProclaimRequest{Value: "me"}, Response{Err: ErrMissingLeaderKey}, `proclaim nobody=me: "leader" field must be provided`},
		{&LeaderRequest{Name: "e"}, Response{Result: &LeaderResult{KV: KeyValue{Key: "e/a", Value: "me"}}}, "leader e = e/a=me"},
		{&ObserveRequest{Name: "e"}, Response{}, "observe e"},
		{&ResignRequest{Leader: leader}, Response{Result: &ResignResult{}}, "resign e/a of rev 7"},
	} {
		if got := DescribeAnswered(c.req, c.resp); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
		if !Service(c.req) || ReadOnly(c.req) || Serializable(c.req) {
			t.Errorf("%s is not taken for a service", c.want)
		}
		for _, h := range []uint64{HashRequest(c.req), HashResponse(c.resp)} {
			if other, ok := seen[h]; ok {
				t.Errorf("%q and %q have a hash in common", c.want, other)
			}
			seen[h] = c.want
		}
	}
	if Service(&PutRequest{Key: "k"}) {
		t.Error("a put is taken for a service")
	}
}

// Keys are those of etcd's client library, which prints leases in hexadecimal.
func TestQueueKey(t *testing.T) {
	if got := QueueKey("my/lock", 0x694d7d5c2a1bc512); got != "my/lock/694d7d5c2a1bc512" {
		t.Errorf("got %s", got)
	}
	if got := QueueKey("l", -31); got != "l/-1f" {
		t.Errorf("got %s", got)
	}
	if prefix, end := QueuePrefix("l"); !(prefix < QueueKey("l", 1) && QueueKey("l", -1) < end && QueueKey("l1", 1) > end) {
		t.Errorf("the queue of l is [%s, %s)", prefix, end)
	}
}
