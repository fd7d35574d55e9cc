package loopback_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"etcdsim/sim/live/loopback"
)

func TestIs(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "localhost.example.com": false, "127.0.0.1.example.com": false,
		"[::1]": false, "127.0.0.1:80": false,
	} {
		if got := loopback.Is(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}

// What a page of the web can make a browser send is refused, and nothing else.
func TestGuard(t *testing.T) {
	guarded := loopback.Guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, tt := range []struct {
		name, host, origin string
		want               int
	}{
		{"a program", "127.0.0.1:2399", "", http.StatusOK},
		{"a program, by name", "localhost:2399", "", http.StatusOK},
		{"a program, over IPv6", "[::1]:2399", "", http.StatusOK},
		{"without a port", "localhost", "", http.StatusOK},
		{"without a port, over IPv6", "[::1]", "", http.StatusOK},
		{"a page of this server", "localhost:2399", "http://localhost:2399", http.StatusOK},
		{"a page elsewhere", "localhost:2399", "http://evil.example", http.StatusForbidden},
		{"a page of another server here", "localhost:2399", "http://localhost:8080", http.StatusForbidden},
		{"a page of nowhere", "localhost:2399", "null", http.StatusForbidden},
		{"a name that was directed here", "evil.example:2399", "http://evil.example:2399", http.StatusForbidden},
		{"such a name, asked for by a link", "evil.example:2399", "", http.StatusForbidden},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Host = tt.host
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.want)
		}
	}
}
