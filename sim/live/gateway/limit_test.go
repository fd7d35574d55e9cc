package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A request may be as large as the limit and no larger; each message of a dialogue may.
func TestLimit(t *testing.T) {
	const most = 10
	for size, want := range map[int]string{0: "", 9: "", most: "", most + 1: "the request is too large: expected at most 10 bytes"} {
		got := ""
		h := limit(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			text, err := io.ReadAll(r.Body)
			if len(text) != min(size, most) {
				t.Errorf("of %d bytes %d arrive", size, len(text))
			}
			if err != nil {
				got = err.Error()
			}
		}), most)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", size))))
		if got != want {
			t.Errorf("%d bytes: %q, want %q", size, got, want)
		}
	}
	l := &limited{io.NopCloser(strings.NewReader(strings.Repeat("x", 3*most))), most, most}
	for range 3 {
		if n, err := io.ReadFull(l, make([]byte, most)); n != most || err != nil {
			t.Errorf("a message is cut off after %d bytes: %v", n, err)
		}
		l.another()
	}
}
