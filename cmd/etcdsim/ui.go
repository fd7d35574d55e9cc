package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"etcdsim/scenarios"
	"etcdsim/scenarios/learn"
	"etcdsim/scenarios/playground"
	"etcdsim/scenarios/playground/web"
	"etcdsim/sim/bug"
	"etcdsim/sim/live/loopback"
	"etcdsim/store/saved"
	"etcdsim/store/saved/files"
)

func uiCommand() *cli.Command {
	return &cli.Command{
		Name:      "ui",
		Usage:     "a playground in the browser: watch a universe, break it, go back, try another future",
		ArgsUsage: "[SCENARIO|FILE]",
		Description: "It begins with a scenario, or with a session that serve recorded, of which all has happened: go back to any moment.\n" +
			"Serves the playground on loopback until it is interrupted. With --export it writes static files instead, for any\n" +
			"web server: the simulator is compiled to WebAssembly then, which needs Go and the sources of etcdsim.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "seed", Aliases: []string{"s"}, Value: "1", Usage: "the seed to begin with: `N`"},
			&cli.StringFlag{Name: "bug", Usage: "begin with defects switched on, separated by commas: `NAME,...` (see etcdsim bugs)"},
			&cli.StringFlag{Name: "listen", Value: "127.0.0.1:8379", Usage: "the `ADDRESS` to serve on; only loopback"},
			&cli.StringFlag{Name: "progress", Usage: "keep the progress in lessons in `FILE` instead of the configuration folder"},
			&cli.StringFlag{Name: "export", Usage: "write static files to the folder `DIR`"},
		},
		Action: uiAction,
	}
}

func uiAction(c *cli.Context) error {
	begin, err := parseBeginning(c)
	if err != nil {
		return err
	}
	if c.IsSet("export") {
		return exportUI(c, begin)
	}
	address := c.String("listen")
	host, _, err := net.SplitHostPort(address)
	if err != nil || !loopback.Is(host) {
		return usage("ui: --listen: %q: expected an address on loopback, such as 127.0.0.1:8379", address)
	}
	progress, err := progressFile(c)
	if err != nil {
		progress = "" // the browser keeps it
	} else if _, err := readProgress(progress); err != nil {
		return usage("ui: %w", err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return usage("ui: --listen: %w", err)
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt)
	defer stop()
	server := &http.Server{Handler: newUI(progress, begin), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Fprintf(c.App.Writer, "http://%s\n", l.Addr())
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return &exit{exitInternal, fmt.Errorf("ui: %w", err)}
	}
	return nil
}

// mostSessions is how many pages may play at the same time; the one not used for
// longest makes room.
const mostSessions = 8

// mostRequest bounds what a page sends at once, in bytes: a recorded session is long.
const mostRequest = 16 << 20

// ui serves the playground. Each page has a session of its own.
type ui struct {
	mu sync.Mutex
	// progress is the file of the progress in lessons, or empty.
	progress string
	// snapshot is that of the scenario that pages begin with, or nil.
	snapshot *saved.Snapshot
	sessions []*uiSession // the one used last comes last
}

type uiSession struct {
	name   string
	mu     sync.Mutex
	player playground.Player
}

// parseBeginning reads what the page opens first; nil if nothing is said.
func parseBeginning(c *cli.Context) (*playground.Open, error) {
	if c.NArg() > 1 {
		return nil, usage("ui: %d arguments: expected at most one, the name of a scenario or a file", c.NArg())
	}
	var o playground.Open
	var options scenarios.Options
	var err error
	if o.Seed, err = parseSeed(c, "seed", c.String("seed")); err != nil {
		return nil, err
	}
	if options.Bugs, err = bug.Parse(c.String("bug")); err != nil {
		return nil, usage("ui: --bug: %w", err)
	}
	if c.NArg() == 1 {
		f, err := open(c.Command.Name, c.Args().First())
		if err != nil {
			return nil, err
		}
		recall(c, f, &o.Seed, &options)
		options.Open = new(files.Opener).Open
		u, err := scenarios.Configure(f, options)
		if err != nil {
			return nil, usage("%w", err)
		}
		if f.Session() == nil { // which holds it itself
			o.Snapshot = u.From
		}
		if scenarios.Lookup(f.Name) == f {
			o.Scenario = f.Name
		} else {
			o.Text = scenarios.Format(f)
		}
	} else if !c.IsSet("seed") && !c.IsSet("bug") {
		return nil, nil //nolint:nilnil // nothing is said
	}
	o.Bugs = options.Bugs.String()
	return &o, nil
}

func newUI(progress string, begin *playground.Open) http.Handler {
	u := &ui{progress: progress}
	if begin != nil {
		u.snapshot = begin.Snapshot
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = web.Page(w, web.Around{Progress: progress != "", Begin: begin})
	})
	mux.HandleFunc("POST /do", u.do)
	if progress != "" {
		mux.HandleFunc("GET /progress", u.tellProgress)
		mux.HandleFunc("POST /progress", u.keepProgress)
	}
	return loopback.Guard(mux)
}

func (u *ui) do(w http.ResponseWriter, r *http.Request) {
	name := r.Header.Get("X-Session")
	if name == "" || len(name) > 64 {
		http.Error(w, "expected the header X-Session", http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostRequest))
	if err != nil {
		http.Error(w, "expected a request of at most 16 MiB", http.StatusRequestEntityTooLarge)
		return
	}
	s := u.session(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(s.player.Do(body))
}

// tellProgress sends the progress in lessons.
func (u *ui) tellProgress(w http.ResponseWriter, _ *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken, err := readProgress(u.progress)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(taken)
}

// keepProgress keeps how one lesson went.
func (u *ui) keepProgress(w http.ResponseWriter, r *http.Request) {
	var went struct {
		Lesson string `json:"lesson"`
		learn.Score
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostRequest)).Decode(&went); err != nil {
		http.Error(w, fmt.Sprintf("%v: expected a lesson and its score", err), http.StatusBadRequest)
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := took(u.progress, went.Lesson, went.Score); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// session returns the session of this name, a new one if there is none.
func (u *ui) session(name string) *uiSession {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, s := range u.sessions {
		if s.name == name {
			u.sessions = append(append(u.sessions[:i:i], u.sessions[i+1:]...), s)
			return s
		}
	}
	if len(u.sessions) == mostSessions {
		u.sessions = u.sessions[1:]
	}
	s := &uiSession{name: name, player: playground.Player{Snapshot: u.snapshot}}
	u.sessions = append(u.sessions, s)
	return s
}

// exportUI writes the playground as static files. What can go wrong goes wrong first.
func exportUI(c *cli.Context, begin *playground.Open) error {
	for _, flag := range []string{"listen", "progress"} {
		if c.IsSet(flag) {
			return usage("ui: --export and --%s: expected one of them", flag)
		}
	}
	if begin != nil && begin.Snapshot != nil {
		return usage("ui: --export: %s begins with a snapshot, which static files cannot read: expected a recorded session, which holds it",
			c.Args().First())
	}
	dir := c.String("export")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return unwritten("the playground", err)
	}
	glue, err := compileUI(c.Context, dir)
	if err != nil {
		return usage("ui: --export: %w", err)
	}
	var page strings.Builder
	if err := web.Page(&page, web.Around{Wasm: true, Begin: begin}); err != nil {
		return &exit{exitInternal, err}
	}
	for name, text := range map[string]string{"wasm_exec.js": glue, "worker.js": web.Worker(), "index.html": page.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return unwritten("the playground", err)
		}
	}
	fmt.Fprintf(c.App.ErrWriter, "written to %s; serve the folder with any web server\n", dir)
	return nil
}

// compileUI compiles the simulator to a file of the folder, and returns what goes
// between it and a browser. The error says what is not there.
func compileUI(ctx context.Context, dir string) (glue string, err error) {
	root, err := goEnv(ctx, "GOROOT")
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(root, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return "", fmt.Errorf("%w: expected a Go installation of %s", err, runtime.Version())
	}
	out, err := filepath.Abs(filepath.Join(dir, "etcdsim.wasm"))
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "etcdsim/cmd/etcdsim/wasm")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the simulator cannot be compiled to WebAssembly here (%w): expected Go, and the sources of etcdsim in the "+
			"present folder: %s", err, strings.TrimSpace(string(said)))
	}
	return string(text), nil
}

func goEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	if err != nil {
		return "", fmt.Errorf("go env %s: %w: expected Go to be installed", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}
