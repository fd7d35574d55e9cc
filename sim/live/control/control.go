package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"etcdsim/sim/cluster"
	"etcdsim/sim/live/host"
	"etcdsim/sim/live/loopback"
	"etcdsim/sim/trace"
)

// Word is one of this package's own.
type Word struct {
	Name, Syntax, Doc string
	do                func(ctx context.Context, h *host.Host, args []string) (string, error)
}

// Words are the words that are not statements.
var Words = []Word{
	{"status", "status", "the clock, and how each member is", status},
	{"pause", "pause", "let the clock stand; \"pause n1\" pauses a member", pause},
	{"resume", "resume", "let the clock go on; \"resume n1\" resumes a member", resume},
	{"speed", "speed X", "let virtual time pass X times as fast as real time", speed},
	{"advance", "advance DURATION", "turn the clock: so much virtual time passes at once", advance},
	{"step", "step [N]", "let the next event happen, or the next N, whatever the clock says", step},
}

// errArguments is wrapped by errors about arguments.
var errArguments = errors.New("expected")

// Execute does what one line of words says, and returns what there is to tell.
func Execute(ctx context.Context, h *host.Host, line string) (string, error) {
	words := strings.Fields(line)
	for _, w := range Words {
		if len(words) == 0 || words[0] != w.Name {
			continue
		}
		if len(words) > 1 && w.Name == w.Syntax {
			break // the statement of this name
		}
		text, err := w.do(ctx, h, words[1:])
		if errors.Is(err, errArguments) {
			err = fmt.Errorf("%s: %w", w.Syntax, err)
		}
		return text, err
	}
	return h.Do(ctx, line)
}

func pause(ctx context.Context, h *host.Host, _ []string) (string, error) {
	err := h.Driver.SetSpeed(ctx, 0)
	return fmt.Sprintf("the clock stands at %v", h.Driver.Now()), err
}

func resume(ctx context.Context, h *host.Host, _ []string) (string, error) {
	return "the clock goes on", h.Driver.SetSpeed(ctx, h.Speed())
}

func speed(ctx context.Context, h *host.Host, args []string) (string, error) {
	if len(args) != 1 {
		return "", fmt.Errorf("%w one number", errArguments)
	}
	x, err := host.ParseSpeed(args[0])
	if err != nil {
		return "", err
	}
	return "speed " + args[0], h.Driver.SetSpeed(ctx, x)
}

func advance(ctx context.Context, h *host.Host, args []string) (string, error) {
	if len(args) == 1 {
		if by, err := time.ParseDuration(args[0]); err == nil && by > 0 {
			err := h.Driver.Advance(ctx, by)
			return fmt.Sprintf("it is %v", h.Driver.Now()), err
		}
	}
	return "", fmt.Errorf("%w a duration such as 30s", errArguments)
}

// maxSteps bounds the events of one step, during which nothing else can be asked.
const maxSteps = 1_000_000

func step(ctx context.Context, h *host.Host, args []string) (string, error) {
	n := 1
	if len(args) > 0 {
		var err error
		if n, err = strconv.Atoi(args[0]); err != nil || n < 1 || n > maxSteps || len(args) > 1 {
			return "", fmt.Errorf("%w a number from 1 to %d", errArguments, maxSteps)
		}
	}
	err := h.Driver.StepEvents(ctx, n)
	return fmt.Sprintf("it is %v", h.Driver.Now()), err
}

func status(ctx context.Context, h *host.Host, _ []string) (string, error) {
	var b strings.Builder
	err := h.Driver.Inspect(ctx, func(c *cluster.Cluster) {
		fmt.Fprintf(&b, "time %v\n", c.Now())
		for id := uint64(1); id <= uint64(c.Size()); id++ {
			describe(&b, c.Member(id), h.Address(id))
		}
	})
	if broken := h.Driver.Err(); broken != nil {
		fmt.Fprintf(&b, "%v\n", broken)
	}
	return strings.TrimSuffix(b.String(), "\n"), err
}

func describe(b *strings.Builder, m cluster.View, address string) {
	fmt.Fprintf(b, "n%d  %-21s  ", m.ID, address)
	switch {
	case m.Removed:
		b.WriteString("removed\n")
	case m.State == cluster.Down && m.Incarnation == 0:
		b.WriteString("announced\n")
	case m.State == cluster.Down:
		b.WriteString("down\n")
	default:
		role := trace.RoleName(m.Role)
		if m.Learner {
			role = "learner"
		}
		fmt.Fprintf(b, "%-6v  %-13s  term %d  commit %d  applied %d  rev %d\n", m.State, role, m.Term, m.Commit, m.Applied, m.Revision)
	}
}

// marker is a header that requests must have: what a page makes a browser send without a
// script has none.
const marker = "X-Etcdsim-Control"

// maxLine bounds what is taken in at once.
const maxLine = 1 << 16

// Handler serves a host to this machine alone.
func Handler(h *host.Host) http.Handler {
	return loopback.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get(marker) == "" {
			http.Error(w, "expected a POST by etcdsim ctl", http.StatusForbidden)
			return
		}
		line, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLine))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text, err := Execute(r.Context(), h, string(line))
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		_, _ = io.WriteString(w, text)
	}))
}

// ErrRefused is wrapped by errors about what was asked; others are about the way
// to the host.
var ErrRefused = errors.New("refused")

// Send sends one line of words to the host at the address, and returns what it tells.
func Send(ctx context.Context, address, line string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/", strings.NewReader(line))
	if err != nil {
		return "", err
	}
	req.Header.Set(marker, "1")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "", err
	case resp.StatusCode == http.StatusOK:
		return string(text), nil
	case resp.StatusCode == http.StatusUnprocessableEntity:
		return "", fmt.Errorf("%w: %s", ErrRefused, strings.TrimSpace(string(text)))
	}
	return "", fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(text)))
}
