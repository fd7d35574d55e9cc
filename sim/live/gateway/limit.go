package gateway

import (
	"fmt"
	"io"
	"net/http"
)

// limit bounds what a request may carry. net/http has a bound of its own, but that
// also touches the answer, which in a dialogue another goroutine writes.
func limit(next http.Handler, most int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = &limited{r.Body, most, most}
		next.ServeHTTP(w, r)
	})
}

// limited reads so much.
type limited struct {
	io.ReadCloser
	left, most int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left == 0 {
		if n, err := l.ReadCloser.Read(make([]byte, 1)); n == 0 {
			return 0, err // it ends here
		}
		return 0, fmt.Errorf("the request is too large: expected at most %d bytes", l.most)
	}
	n, err := l.ReadCloser.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// another says that the next message begins: each may be so large.
func (l *limited) another() { l.left = l.most }
