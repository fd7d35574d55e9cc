package host_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// What crowds and slow clients cost a member, and the others that it serves. Bounds are
// generous, for machines are slow; figures are logged.

// memory returns what the process uses of heap and stacks, in bytes.
func memory() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools let go at the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// rounds measures how long puts take: the median and the longest.
func (s *started) rounds(c *clientv3.Client, n int) (median, longest time.Duration) {
	s.t.Helper()
	var all []time.Duration
	for i := range n {
		began := time.Now()
		if _, err := c.Put(soon(s.t), fmt.Sprint("round", i%10), "v"); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	return all[n/2], all[n-1]
}

// A crowd is another process of this test: both ends of so many connections are more
// files than one process may have open, and what clients keep is not the server's.
const (
	crowdSize    = "ETCDSIM_CROWD" // how many come; set in that process alone
	crowdAddress = "ETCDSIM_CROWD_ADDRESS"
	crowdKind    = "ETCDSIM_CROWD_KIND"
)

// kinds of crowds, by what one of them does once it has come.
var kinds = map[string]func(address string) error{
	"idle":              idle,
	"watch k":           watchAsleep,
	"get a large value": func(address string) error { return askAndLookAway(address, "/v2/keys/large") },
}

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(crowdSize)); err == nil {
		os.Exit(beCrowd(n, kinds[os.Getenv(crowdKind)]))
	}
	os.Exit(m.Run())
}

// beCrowd is there until its input ends.
func beCrowd(n int, come func(string) error) int {
	for i := range n {
		if err := come(os.Getenv(crowdAddress)); err != nil {
			fmt.Printf("connection %d: %v\n", i, err)
			return 1
		}
	}
	fmt.Println("there")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// held keeps connections from being collected.
var held []any

func idle(address string) error {
	c, err := net.Dial("tcp", address)
	held = append(held, c)
	return err
}

// watchAsleep watches a key and reads nothing of it.
func watchAsleep(address string) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	w, err := pb.NewWatchClient(conn).Watch(context.Background())
	if err != nil {
		return err
	}
	held = append(held, w)
	create := &pb.WatchCreateRequest{Key: []byte("k")}
	if err := w.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: create}}); err != nil {
		return err
	}
	_, err = w.Recv() // it was created
	return err
}

// askAndLookAway asks over HTTP and reads nothing of the answer.
func askAndLookAway(address, path string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	held = append(held, c)
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, err = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
	return err
}

// crowd brings so many clients of a kind.
func crowd(t *testing.T, n int, kind, address string) (leave func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crowdSize+"="+strconv.Itoa(n), crowdKind+"="+kind, crowdAddress+"="+address)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	leave = func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	t.Cleanup(leave)
	if told, _ := bufio.NewReader(out).ReadString('\n'); told != "there\n" {
		t.Fatalf("the crowd says %q", told)
	}
	return leave
}

// Ten thousand connections that say nothing cost some kilobytes each, and nobody else
// notices them.
func TestIdleConnections(t *testing.T) {
	const idle = 10_000
	s := start(t)
	c := s.client(s.Endpoints()[0])
	calm, _ := s.rounds(c, 50)
	before, routines := memory(), runtime.NumGoroutine()
	leave := crowd(t, idle, "idle", s.Endpoints()[0])
	for i := 0; runtime.NumGoroutine() < routines+idle-100; i++ {
		if i == 500 {
			t.Fatalf("%d connections of %d were taken in", runtime.NumGoroutine()-routines, idle)
		}
		time.Sleep(10 * time.Millisecond)
	}
	each := (memory() - before) / idle
	crowded, longest := s.rounds(c, 50)
	t.Logf("%d idle connections: %d bytes each; a put took %v before, %v beside them (at most %v)", idle, each, calm, crowded, longest)
	if each > 32<<10 {
		t.Errorf("an idle connection costs %d bytes", each)
	}
	if longest > 5*time.Second {
		t.Errorf("a put took %v", longest)
	}
	if _, err := s.client(s.Endpoints()[0]).Put(soon(t), "k", "v"); err != nil {
		t.Errorf("one more client: %v", err)
	}
	leave()
	for i := 0; runtime.NumGoroutine() > routines+100; i++ {
		if i == 500 {
			t.Fatalf("%d goroutines after the crowd has left, %d before it came", runtime.NumGoroutine(), routines)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Watchers that read nothing while much happens make the server keep a bounded amount for
// each. Neither writers nor other watchers wait for them; and when they read, nothing is
// missing.
func TestSlowWatchers(t *testing.T) {
	const slow, puts, size = 40, 60, 64 << 10
	s := startAt(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := s.client(s.Endpoints()[0])
	calm, _ := s.rounds(c, 50)
	quick, late := c.Watch(ctx, "k"), s.client(s.Endpoints()[0]).Watch(ctx, "k")
	value := strings.Repeat("v", size)
	write := func() (grown int64) {
		before := memory()
		for range puts {
			if _, err := c.Put(soon(t), "k", value); err != nil {
				t.Fatal(err)
			}
		}
		for seen := 0; seen < puts; {
			seen += len((<-quick).Events)
		}
		return memory() - before
	}
	alone := write() // what the store keeps of as many puts
	crowd(t, slow, "watch k", s.Endpoints()[0])
	each := (write() - alone) / slow
	busy, longest := s.rounds(c, 50)
	t.Logf("%d watchers that read nothing of %d MiB: %d KiB each; a put took %v before, %v beside them (at most %v)",
		slow, puts*size>>20, each>>10, calm, busy, longest)
	if most := int64(1 << 20); each > most {
		t.Errorf("a slow watcher costs %d bytes, expected at most %d", each, most)
	}
	if longest > 5*time.Second {
		t.Errorf("a put took %v", longest)
	}
	for seen, last := 0, int64(0); seen < 2*puts; {
		resp := <-late
		if err := resp.Err(); err != nil {
			t.Fatal(err)
		}
		for _, e := range resp.Events {
			if e.Kv.ModRevision <= last {
				t.Fatalf("revision %d after %d", e.Kv.ModRevision, last)
			}
			last = e.Kv.ModRevision
			seen++
		}
	}
}

// Clients of HTTP that read nothing of a large answer cost no more than that answer, and
// nobody waits for them.
func TestSlowReaders(t *testing.T) {
	const slow, size = 30, 1 << 20
	s := start(t)
	c := s.client(s.Endpoints()[0])
	calm, _ := s.rounds(c, 50)
	large := strings.Repeat("v", size)
	status, text := ask(t, http.DefaultClient, http.MethodPut, s.URLs()[0]+"/v2/keys/large?value=", "value="+large)
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, text)
	}
	before := memory()
	crowd(t, slow, "get a large value", s.Endpoints()[0])
	busy, longest := s.rounds(c, 50)
	each := (memory() - before) / slow
	t.Logf("%d clients that read nothing of %d KiB: %d KiB each; a put took %v before, %v beside them (at most %v)",
		slow, size>>10, each>>10, calm, busy, longest)
	if each > 4*size || longest > 5*time.Second {
		t.Errorf("%d KiB each, and a put took %v", each>>10, longest)
	}
}
