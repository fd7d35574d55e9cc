// Package older speaks etcd's older APIs over plain HTTP: /v2/keys, /v2/members,
// /v2/machines and /v2/stats, and v1's keys, watches, leader and machines. It carries requests to a
// member and answers back; what they mean is the member's business (store/v2).
package older

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"etcdsim/sim/live"
	"etcdsim/store"
)

// MaxBody bounds what a request may carry, which etcd leaves to its users.
const MaxBody = 2 << 20

// DefaultPatience is how long a request may take to arrive.
const DefaultPatience = 30 * time.Second

// Member serves one member.
type Member struct {
	Driver *live.Driver
	ID     uint64
	// Patience is how long a request may take to arrive; 0 means DefaultPatience.
	Patience time.Duration
}

// Register adds the APIs of a member to a mux.
func Register(mux *http.ServeMux, m Member) {
	mux.Handle("/v1/", m)
	mux.Handle("/v2/", m)
}

// ServeHTTP implements http.Handler.
func (m Member) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(cmp.Or(m.Patience, DefaultPatience))) // a test's recorder has no deadlines
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case err == nil:
		_ = control.SetReadDeadline(time.Time{}) // otherwise what is left of the request is not waited for
	case errors.As(err, &large):
		http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
		return
	default:
		http.Error(w, "the request did not arrive", http.StatusBadRequest)
		return
	}
	ctx := r.Context()
	stream, err := m.Driver.Stream(ctx, m.ID, store.Credential{}, &store.HTTPRequest{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Body: string(body),
	})
	if err != nil {
		unavailable(w, err)
		return
	}
	defer stream.Close()
	for begun := false; ; begun = true {
		part, err := next(ctx, stream)
		if err != nil {
			if begun {
				panic(http.ErrAbortHandler) // the connection ends in the middle, as the member did
			}
			unavailable(w, err)
			return
		}
		if !begun {
			for _, f := range part.Header {
				w.Header().Set(f.Name, f.Value)
			}
			w.WriteHeader(part.Status)
		}
		_, _ = io.WriteString(w, part.Body) // who is gone is noticed by the context
		if !part.More {
			return
		}
		_ = control.Flush()
	}
}

// next returns the next part of an answer.
func next(ctx context.Context, stream *live.Stream) (*store.HTTPResult, error) {
	a, err := stream.Recv(ctx)
	if err != nil {
		return nil, err
	}
	if a.Err != nil {
		return nil, a.Err
	}
	return a.Result.(*store.HTTPResult), nil
}

func unavailable(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}
