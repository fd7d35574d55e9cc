package host_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// get asks a member by plain HTTP.
func get(t *testing.T, method, url string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(soon(t), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// A member tells how it is in etcd's words, at the address at which it takes gRPC.
func TestVitals(t *testing.T) {
	s := start(t)
	if _, err := s.client(s.Endpoints()[0]).Put(soon(t), "k", "v"); err != nil {
		t.Fatal(err)
	}
	ask := func(path, want string, wantStatus int) {
		t.Helper()
		if status, body := get(t, http.MethodGet, s.URLs()[0]+path); status != wantStatus || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s; want %d %s", path, status, body, wantStatus, want)
		}
	}
	ask("/version", `{"etcdserver":"3.7.3","etcdcluster":"3.7.0","storage":"3.7.0"}`, 200)
	ask("/health", `{"health":"true","reason":""}`, 200)
	ask("/livez", "ok\n", 200)
	ask("/readyz?verbose", "[+]linearizable_read ok\n", 200)
	ask("/readyz/non_learner", "ok\n", 200)
	ask("/metrics", "\netcd_server_has_leader 1\n", 200)
	ask("/metrics", `grpc_server_handled_total{grpc_code="OK",grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"} 1`, 200)
	ask("/metrics", "\netcd_debugging_mvcc_current_revision 2\n", 200)
	ask("/nothing", "404", 404)
	if status, _ := get(t, http.MethodPost, s.URLs()[0]+"/health"); status != http.StatusMethodNotAllowed {
		t.Errorf("POST /health: %d", status)
	}

	s.do("kill n2")
	s.do("kill n3")
	s.do("wait elapsed 5s")
	ask("/health", `{"health":"false","reason":"RAFT NO LEADER"}`, 503)
	ask("/health?serializable=true", `{"health":"true","reason":""}`, 200)
	ask("/livez", "ok\n", 200)
	ask("/metrics", "\netcd_server_has_leader 0\n", 200)
}

// An alarm makes a member unwell, unless whoever asks says that it does not matter.
func TestVitalsUnderAlarm(t *testing.T) {
	s := start(t)
	c := s.client(s.Endpoints()...)
	ask := func(path, want string, wantStatus int) {
		t.Helper()
		if status, body := get(t, http.MethodGet, s.URLs()[0]+path); status != wantStatus || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s; want %d %s", path, status, body, wantStatus, want)
		}
	}
	raise := func(alarm pb.AlarmType) {
		t.Helper()
		maintenance := pb.NewMaintenanceClient(c.ActiveConnection())
		if _, err := maintenance.Alarm(soon(t), &pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, MemberID: 1, Alarm: alarm}); err != nil {
			t.Fatal(err)
		}
	}
	raise(pb.AlarmType_NOSPACE)
	ask("/health", `{"health":"false","reason":"ALARM NOSPACE"}`, 503)
	ask("/health?exclude=NOSPACE", `{"health":"true","reason":""}`, 200)
	ask("/readyz", "ok\n", 200)
	raise(pb.AlarmType_CORRUPT)
	ask("/health?exclude=NOSPACE", `"ALARM CORRUPT"`, 503)
	ask("/health?exclude=NOSPACE&exclude=CORRUPT", `{"health":"true","reason":""}`, 200)
	ask("/readyz", "[-]data_corruption failed: alarm activated: CORRUPT\n[+]serializable_read ok\n", 503)
	ask("/readyz?exclude=data_corruption", "ok\n", 200)
	ask("/livez", "ok\n", 200)
}

// A learner says that it is not ready, and serves no streams but its data.
func TestLearner(t *testing.T) {
	s := start(t)
	c := s.client(s.Endpoints()...)
	s.do("wait elapsed 6s") // before that its members have not known each other long enough
	if _, err := c.MemberAddAsLearner(soon(t), []string{"http://n4:2380"}); err != nil {
		t.Fatal(err)
	}
	s.do("start n4")
	s.do("wait joined n4 within=10s")
	url := "http://" + s.Address(4)
	if status, body := get(t, http.MethodGet, url+"/readyz"); status != 503 || !strings.Contains(body, "[-]non_learner failed") {
		t.Errorf("/readyz: %d %s", status, body)
	}
	conn := s.client(s.Address(4)).ActiveConnection()
	w, err := pb.NewWatchClient(conn).Watch(soon(t))
	if err == nil {
		_, err = w.Recv()
	}
	if got := status.Convert(err).Message(); got != "etcdserver: rpc not supported for learner" {
		t.Errorf("a watch: %v", err)
	}
	snapshot, err := pb.NewMaintenanceClient(conn).Snapshot(soon(t), &pb.SnapshotRequest{})
	if err == nil {
		_, err = snapshot.Recv()
	}
	if err != nil {
		t.Errorf("a snapshot: %v", err)
	}
}

// A call that requires a leader is refused where there is none, and does not wait; a
// stream that does ends when there is none any more.
func TestRequiredLeader(t *testing.T) {
	s := startAt(t, 10)
	c := s.client(s.Endpoints()[0])
	grant, err := c.Grant(soon(t), 600)
	if err != nil {
		t.Fatal(err)
	}
	required := metadata.AppendToOutgoingContext(soon(t), "hasleader", "true")
	conn := c.ActiveConnection()
	renewals, err := pb.NewLeaseClient(conn).LeaseKeepAlive(required)
	if err != nil {
		t.Fatal(err)
	}
	renew := func() error {
		_ = renewals.Send(&pb.LeaseKeepAliveRequest{ID: int64(grant.ID)})
		_, err := renewals.Recv()
		return err
	}
	if err := renew(); err != nil {
		t.Fatal(err)
	}
	watch, err := pb.NewWatchClient(conn).Watch(required)
	if err != nil {
		t.Fatal(err)
	}
	create := &pb.WatchRequest_CreateRequest{CreateRequest: &pb.WatchCreateRequest{Key: []byte("k")}}
	if err := watch.Send(&pb.WatchRequest{RequestUnion: create}); err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	s.do("kill n2")
	s.do("kill n3")
	s.do("wait elapsed 5s")
	const none = "etcdserver: no leader"
	_, err = pb.NewKVClient(conn).Range(required, &pb.RangeRequest{Key: []byte("k")})
	if got := status.Convert(err).Message(); got != none {
		t.Errorf("a read: %v", err)
	}
	if _, err := watch.Recv(); status.Convert(err).Message() != none {
		t.Errorf("a watch: %v", err)
	}
	for err = nil; err == nil; {
		_, err = renewals.Recv()
	}
	if status.Convert(err).Message() != none {
		t.Errorf("renewals: %v", err)
	}
}
