package control_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"etcdsim/sim/live/control"
	"etcdsim/sim/live/host"
)

// serve serves a universe whose clock stands, and returns where it is controlled.
func serve(t *testing.T) (address string) {
	t.Helper()
	h, err := host.Start(host.Config{Seed: 7, Address: func(uint64) string { return "127.0.0.1:0" }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(control.Handler(h))
	t.Cleanup(func() {
		server.Close()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.Listener.Addr().String()
}

// Words do what they say and tell of it; those with arguments are told which they take.
func TestWords(t *testing.T) {
	address := serve(t)
	for _, tt := range []struct{ line, told, refused string }{
		{"kill n1", "n1 killed", ""},
		{"status", "down", ""},
		{"restart n1", "", ""},
		{"pause n2", "", ""},
		{"status", "paused", ""},
		{"resume n2", "", ""},
		{"advance 1h", "it is 3601.", ""},
		{"step", "it is 3601.", ""},
		{"step 100", "it is 3602.", ""},
		{"step 0", "", "step [N]: expected a number from 1 to 1000000"},
		{"step 1 2", "", "step [N]: expected a number"},
		{"advance", "", "advance DURATION: expected a duration such as 30s"},
		{"advance -1s", "", "advance DURATION: expected a duration"},
		{"speed", "", "speed X: expected one number"},
		{"speed fast", "", `"fast": expected a number from 0 to 1000000`},
		{"speed NaN", "", `"NaN": expected a number`},
		{"boil n1", "", "unknown statement"},
		{"kill n9", "", "n9"},
		{"expect elections >= 99", "", "in fact: elections: 1"},
		{"", "", "expected a statement"},
		{"resume", "the clock goes on", ""},
		{"speed 2.5", "speed 2.5", ""},
		{"pause", "the clock stands at ", ""},
	} {
		told, err := control.Send(t.Context(), address, tt.line)
		refused := ""
		if errors.Is(err, control.ErrRefused) {
			refused = err.Error()
		} else if err != nil {
			t.Errorf("%s: %v", tt.line, err)
		}
		if !strings.Contains(refused, tt.refused) || tt.refused == "" && refused != "" {
			t.Errorf("%s: refused %q, want %q", tt.line, refused, tt.refused)
		}
		if !strings.Contains(told, tt.told) {
			t.Errorf("%s: told %q, want %q", tt.line, told, tt.told)
		}
	}
}

// Who is not etcdsim ctl on this machine is refused, and changes nothing.
func TestStrangers(t *testing.T) {
	address := serve(t)
	for _, tt := range []struct {
		name, method, host, marker, line string
		status                           int
	}{
		{"etcdsim ctl", http.MethodPost, address, "1", "status", http.StatusOK},
		{"a link", http.MethodGet, address, "1", "kill n1", http.StatusForbidden},
		{"a form", http.MethodPost, address, "", "kill n1", http.StatusForbidden},
		{"a name that was directed here", http.MethodPost, "evil.example:2399", "1", "kill n1", http.StatusForbidden},
		{"a book", http.MethodPost, address, "1", "kill n1" + strings.Repeat(" ", 1<<16), http.StatusBadRequest},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, "http://"+address, strings.NewReader(tt.line))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		r.Header.Set("X-Etcdsim-Control", tt.marker)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, resp.StatusCode, tt.status)
		}
	}
	if told, err := control.Send(t.Context(), address, "status"); err != nil || strings.Contains(told, "down") {
		t.Errorf("afterwards: %s, %v", told, err)
	}
}
