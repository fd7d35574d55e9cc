package compare

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// Served members beside real ones: both are three members in processes of their own
// on this machine, reached by the same clients, and asked by turns, so that what
// disturbs the machine disturbs both. Each iteration of a benchmark is a turn of each.

// memberEnv holds the place of a real etcd in its cluster, and the addresses of all,
// where the program is to be one: what etcd's own command does is in package embed.
const memberEnv = "ETCDSIM_COMPARE_MEMBER"

func TestMain(m *testing.M) {
	if place := os.Getenv(memberEnv); place != "" {
		if err := beMember(place); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beMember is a member of a real etcd that never syncs its files, until it is told to
// end. The place is its number, its folder, and the addresses for clients and for
// members of all.
func beMember(place string) error {
	words := strings.Fields(place)
	number, err := strconv.Atoi(words[0])
	if err != nil {
		return err
	}
	addresses := words[2:]
	n := len(addresses) / 2
	at := func(i int) []url.URL { return []url.URL{{Scheme: "http", Host: addresses[i]}} }
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir, cfg.UnsafeNoFsync, cfg.LogLevel = fmt.Sprintf("m%d", number), words[1], true, "error"
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = at(number), at(number)
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = at(n+number), at(n+number)
	var initial []string
	for i := range n {
		initial = append(initial, fmt.Sprintf("m%d=http://%s", i, addresses[n+i]))
	}
	cfg.InitialCluster = strings.Join(initial, ",")
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM)
	<-told
	e.Close()
	return nil
}

// buildOurs builds etcdsim.
func buildOurs(b *testing.B) string {
	b.Helper()
	binary := filepath.Join(b.TempDir(), "etcdsim")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/etcdsim")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("building etcdsim: %v\n%s", err, out)
	}
	return binary
}

// threesome is three members in processes of their own.
type threesome struct {
	endpoints []string
	processes []*exec.Cmd
	dir       string
}

// newThreesome returns one without processes, which ends with the benchmark at the latest.
func newThreesome(b *testing.B) *threesome {
	b.Helper()
	dir, err := os.MkdirTemp("", "threesome")
	if err != nil {
		b.Fatal(err)
	}
	c := &threesome{dir: dir}
	b.Cleanup(c.end)
	return c
}

func (c *threesome) start(b *testing.B, cmd *exec.Cmd) {
	b.Helper()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	c.processes = append(c.processes, cmd)
}

func (c *threesome) end() {
	for _, p := range c.processes {
		_ = p.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range c.processes {
		_ = p.Wait()
	}
	c.processes = nil
	_ = os.RemoveAll(c.dir)
}

// spent returns the time that processors have spent on a cluster's processes, if the
// system tells.
func (c *threesome) spent() (total time.Duration) {
	for _, p := range c.processes {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
		if err != nil {
			return 0
		}
		// User and system time are the 14th and 15th field, in hundredths of a second;
		// the second one is the name, in parentheses.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, f := range fields[11:13] {
			var ticks int64
			fmt.Sscan(f, &ticks)
			total += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return total
}

// startReal starts a real etcd of three members.
func startReal(b *testing.B) *threesome {
	b.Helper()
	addresses := freePorts(b, 6)
	c := newThreesome(b)
	c.endpoints = addresses[:3]
	for i := range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s", memberEnv, i, filepath.Join(c.dir, strconv.Itoa(i)), strings.Join(addresses, " ")))
		c.start(b, cmd)
	}
	return c
}

// startOurs serves three members, with a recording as it is made by default.
func startOurs(b *testing.B, binary string) *threesome {
	b.Helper()
	c := newThreesome(b)
	cmd := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--record", filepath.Join(c.dir, "rec"))
	told, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	c.start(b, cmd)
	lines := bufio.NewScanner(told)
	for len(c.endpoints) < 3 && lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "http://"); ok {
			c.endpoints = append(c.endpoints, address)
		}
	}
	if len(c.endpoints) < 3 {
		b.Fatal("serve does not tell its addresses")
	}
	go func() {
		for lines.Scan() { //nolint:revive // nobody else reads what it tells
		}
	}()
	return c
}

// freePorts returns addresses where nobody listens.
func freePorts(b *testing.B, n int) (addresses []string) {
	b.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	return addresses
}

func dial(b *testing.B, endpoints ...string) *clientv3.Client {
	b.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

const (
	clients = 32
	shift   = 2 * time.Second
)

// clientsOf returns so many clients, each with a connection to one member.
func (c *threesome) clientsOf(b *testing.B) (all []*clientv3.Client) {
	b.Helper()
	for i := range clients {
		client := dial(b, c.endpoints[i%len(c.endpoints)])
		b.Cleanup(func() { client.Close() })
		all = append(all, client)
	}
	return all
}

// puts lets all clients write for a shift and returns how many writes a second there
// were.
func puts(b *testing.B, all []*clientv3.Client) float64 {
	b.Helper()
	var count atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for i, c := range all {
		wg.Go(func() {
			key := fmt.Sprintf("/registry/pods/%08d", i)
			for time.Since(began) < shift {
				if _, err := c.Put(context.Background(), key, value); err != nil {
					b.Error(err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(count.Load()) / time.Since(began).Seconds()
}

// BenchmarkServedPuts compares puts a second of 32 clients at once, and what a put
// costs the servers' processors.
func BenchmarkServedPuts(b *testing.B) {
	sides := [2]*threesome{startReal(b), startOurs(b, buildOurs(b))}
	var all [2][]*clientv3.Client
	for i, c := range sides {
		all[i] = c.clientsOf(b)
		puts(b, all[i]) // a first shift, which does not count
	}
	var rates, costs [2][]float64
	var ratios []float64
	for b.Loop() {
		for i, c := range sides {
			before := c.spent()
			rate := puts(b, all[i])
			rates[i] = append(rates[i], rate)
			costs[i] = append(costs[i], float64((c.spent()-before).Microseconds())/(rate*shift.Seconds()))
		}
		last := len(rates[0]) - 1
		ratios = append(ratios, rates[1][last]/rates[0][last])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(rates[0]), "etcd-puts/s")
	b.ReportMetric(middle(rates[1]), "ours-puts/s")
	b.ReportMetric(middle(ratios), "times")
	b.ReportMetric(middle(costs[0]), "etcd-us-cpu/put")
	b.ReportMetric(middle(costs[1]), "ours-us-cpu/put")
}

// BenchmarkServedStart compares the time from the start of the processes to the first
// put that succeeds.
func BenchmarkServedStart(b *testing.B) {
	ours := buildOurs(b)
	var took [2][]float64
	for b.Loop() {
		for i, start := range []func() *threesome{
			func() *threesome { return startReal(b) }, func() *threesome { return startOurs(b, ours) },
		} {
			began := time.Now()
			c := start()
			client := dial(b, c.endpoints...)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			for _, err := client.Put(ctx, "k", value); err != nil; _, err = client.Put(ctx, "k", value) {
				if ctx.Err() != nil {
					b.Fatal(err)
				}
			}
			cancel()
			took[i] = append(took[i], float64(time.Since(began).Microseconds())/1000)
			client.Close()
			c.end()
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(middle(took[0]), "etcd-ms")
	b.ReportMetric(middle(took[1]), "ours-ms")
}

// middle returns the median.
func middle(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
