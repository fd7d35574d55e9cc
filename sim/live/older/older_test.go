package older_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"etcdsim/sim/live/older"
)

// A request that does not arrive in time is refused, before a member hears of it.
func TestDawdler(t *testing.T) {
	mux := http.NewServeMux()
	older.Register(mux, older.Member{ID: 1, Patience: 50 * time.Millisecond})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, path := range []string{"/v2/keys/k", "/v1/keys/k"} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\nvalue="); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "did not arrive") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
}
