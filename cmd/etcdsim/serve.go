package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
	"google.golang.org/grpc/grpclog"

	"etcdsim/scenarios"
	"etcdsim/sim/live/control"
	"etcdsim/sim/live/endpoint"
	"etcdsim/sim/live/host"
	"etcdsim/sim/live/loopback"
	"etcdsim/store"
)

// controlAddress is where a served universe takes the words of etcdsim ctl.
const controlAddress = "127.0.0.1:2399"

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "open a cluster on this machine as a real etcd, to be used and to be broken",
		ArgsUsage: "[SCENARIO|FILE]",
		Description: "The members take etcd's clients at the addresses of etcd's own Procfile: 2379, 22379, 32379...\n" +
			"A scenario sets the universe up: its statements happen first. \"etcdsim ctl\" changes it afterwards,\n" +
			"and what enters is recorded for \"etcdsim replay\". Ctrl-C ends it.",
		Flags: slices.Concat([]cli.Flag{
			&cli.UintFlag{Name: "nodes", Usage: "number of members: `N`"},
			&cli.StringFlag{Name: "from-snapshot", Usage: "begin with the data in a `FILE` of etcdctl snapshot save, from here or from a real etcd"},
			&cli.StringFlag{Name: "seed", Aliases: []string{"s"}, Value: "1", Usage: "what decides everything that is left open: `N`"},
			&cli.StringFlag{Name: "speed", Value: "1", Usage: "seconds of virtual time in one of real time; 0 lets the clock stand: `X`"},
			&cli.StringFlag{
				Name: "listen", Value: "127.0.0.1",
				Usage: "`ADDRESS` for clients: a host, HOST:0 for any ports, or HOST:PORT for each member, separated by commas",
			},
			&cli.BoolFlag{Name: "allow-remote", Usage: "listen on an address that other machines reach"},
			&cli.StringFlag{Name: "control", Value: controlAddress, Usage: "`ADDRESS` for etcdsim ctl, on this machine"},
			&cli.StringFlag{Name: "record", Usage: "`FILE` for the recording; \"none\" for none (default: a new one among temporary files)"},
			configFileFlag(),
		}, universeFlags(), etcdFlags()),
		Action: serveAction,
	}
}

// service is what the arguments of serve ask for.
type service struct {
	config  host.Config
	control string
	record  string
	// selfSigned: clients trust the certificate itself.
	selfSigned bool
	// cleanup removes what was made for the time of the service.
	cleanup func()
}

func serveAction(c *cli.Context) error {
	s, err := parseService(c)
	if err != nil {
		return err
	}
	defer s.cleanup()
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return s.run(ctx, c.App.Writer, c.App.ErrWriter)
}

func parseService(c *cli.Context) (s service, err error) {
	if c.NArg() > 1 {
		return s, usage("serve: %d arguments: expected at most one, the name of a scenario or a file", c.NArg())
	}
	settings, err := parseSettings(c)
	if err != nil {
		return s, err
	}
	if s.config.Seed, err = parseSeed(c, "seed", c.String("seed")); err != nil {
		return s, err
	}
	if s.config.Options, err = parseUniverse(c); err != nil {
		return s, err
	}
	if c.IsSet("nodes") {
		nodes, err := scenarios.ParseSetting("cluster.nodes=" + strconv.FormatUint(uint64(c.Uint("nodes")), 10))
		if err != nil {
			return s, usage("serve: --nodes: %w", err)
		}
		s.config.Options.Settings = append(s.config.Options.Settings, nodes)
	}
	if path := c.String("from-snapshot"); path != "" {
		s.config.Options.Settings = append(s.config.Options.Settings, scenarios.Setting{Section: "cluster", Name: "from", Value: path})
	}
	if s.config.Speed, err = host.ParseSpeed(c.String("speed")); err != nil {
		return s, usage("serve: --speed: %w", err)
	}
	if c.NArg() == 1 {
		if s.config.Scenario, err = open("serve", c.Args().First()); err != nil {
			return s, err
		}
	}
	listen, from := c.String("listen"), "listen"
	if settings.Listen != nil {
		if c.IsSet("listen") {
			return s, usage("serve: --listen and listen-client-urls: expected one of them")
		}
		listen, from = strings.Join(settings.Listen, ","), "listen-client-urls"
	}
	if s.config.Address, err = parseListen(from, listen, c.Bool("allow-remote")); err != nil {
		return s, err
	}
	s.control, s.record = c.String("control"), c.String("record")
	if err := checkLoopback("control", s.control, false); err != nil {
		return s, err
	}
	if s.cleanup, err = settings.Apply(&s.config, hostsOf(listen)); err != nil {
		s.cleanup()
		return s, usage("serve: %w", err)
	}
	s.selfSigned = settings.TLS.Empty()
	return s, nil
}

// hostsOf returns the hosts of a list of addresses, and by which names this machine
// calls itself.
func hostsOf(listen string) []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	for _, a := range strings.Split(listen, ",") {
		h, _, err := net.SplitHostPort(a)
		if err != nil {
			h = a
		}
		if !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// parseListen reads the flag --listen, or another one with addresses.
func parseListen(flag, text string, remote bool) (func(uint64) string, error) {
	addresses := strings.Split(text, ",")
	if len(addresses) == 1 && (net.ParseIP(text) != nil || !strings.Contains(text, ":")) {
		return endpoint.Procfile(text), checkLoopback(flag, net.JoinHostPort(text, "0"), remote)
	}
	for _, a := range addresses {
		if err := checkLoopback(flag, a, remote); err != nil {
			return nil, err
		}
	}
	return func(id uint64) string {
		if id <= uint64(len(addresses)) {
			return addresses[id-1]
		}
		h, _, _ := net.SplitHostPort(addresses[0])
		return net.JoinHostPort(h, "0")
	}, nil
}

// checkLoopback refuses an address that other machines reach, unless that is
// wanted.
func checkLoopback(flag, address string, remote bool) error {
	h, port, err := net.SplitHostPort(address)
	if err != nil {
		return usage("serve: --%s: %q: expected HOST:PORT", flag, address)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return usage("serve: --%s: %q: expected a port from 0 to 65535", flag, address)
	}
	if remote || loopback.Is(h) {
		return nil
	}
	return usage("serve: --%s: %q: expected an address of this machine alone, such as 127.0.0.1; "+
		"others could use the cluster (--allow-remote listens all the same)", flag, address)
}

// gRPC and its gateway write down what clients do wrong, as much as these like. It must
// be told before anything of gRPC begins.
func init() { grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard)) }

// run serves until somebody interrupts.
func (s *service) run(ctx context.Context, stdout, stderr io.Writer) error {
	file, err := s.recording()
	if err != nil {
		return err
	}
	if file != nil {
		defer func() { _ = file.Close() }() // a failed write was told before
		s.config.Record = file
	}
	s.config.Failed = func(err error) { fmt.Fprintf(stderr, "etcdsim: %v\n", err) }
	began := time.Now()
	h, err := host.Start(s.config)
	if err != nil {
		return serveFailure(err)
	}
	l, err := net.Listen("tcp", s.control)
	if err != nil {
		return errors.Join(serveFailure(fmt.Errorf("control: %w", err)), h.Close())
	}
	server := &http.Server{Handler: control.Handler(h), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	s.announce(stdout, h, l.Addr().String())
	fmt.Fprintf(stderr, "ready in %v\n", time.Since(began).Round(time.Millisecond))
	<-ctx.Done()
	_ = server.Close()
	if err := h.Close(); err != nil {
		return unwritten("the recording", err)
	}
	if file != nil {
		fmt.Fprintf(stdout, "replay   etcdsim replay %s\n", file.Name())
	}
	return nil
}

// serveFailure is an error that keeps a universe from being served.
func serveFailure(err error) error { return &exit{exitUsage, fmt.Errorf("serve: %w", err)} }

// recording creates the file that the recording goes to, or returns nil. What
// clients ask may hold passwords: only the owner may read it.
func (s *service) recording() (*os.File, error) {
	var f *os.File
	var err error
	switch s.record {
	case "none":
		return nil, nil //nolint:nilnil // no file is wanted
	case "":
		f, err = os.CreateTemp("", "etcdsim-*"+scenarios.Suffix)
	default:
		f, err = createPrivate(s.record)
	}
	if err != nil {
		return nil, usage("serve: --record: %w", err)
	}
	return f, nil
}

// announce tells where everything is.
func (s *service) announce(w io.Writer, h *host.Host, control string) {
	for i, url := range h.URLs() {
		fmt.Fprintf(w, "%-8s %s\n", store.MemberName(uint64(i+1)), url)
	}
	if from := h.Settings.From; from != nil {
		fmt.Fprintf(w, "from     revision %d, sha256:%s\n", from.Revision, from.Sum())
	}
	fmt.Fprintf(w, "control  %s\n", control)
	ctl := "etcdsim ctl"
	if control != controlAddress {
		ctl += " --control " + control
	}
	fmt.Fprintf(w, "break it %s kill leader\n", ctl)
	endpoints := h.Endpoints()
	use := "etcdsim etcdctl" + s.credentials()
	if !slices.Contains(endpoints, "127.0.0.1:2379") {
		use += " --endpoints " + strings.Join(endpoints, ",")
	}
	fmt.Fprintf(w, "use it   %s put key value\n", use)
}

// credentials returns the flags that etcdctl needs for TLS.
func (s *service) credentials() (flags string) {
	tls := s.config.TLS
	switch {
	case tls.Empty():
		return ""
	case s.selfSigned:
		flags = " --cacert " + tls.CertFile
	default:
		flags = " --cacert " + cmp.Or(tls.TrustedCAFile, "CA.crt")
	}
	if tls.TrustedCAFile != "" {
		flags += " --cert USER.crt --key USER.key"
	}
	return flags
}
