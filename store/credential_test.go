package store_test

import (
	"testing"

	"etcdsim/store"
)

// What is claimed is read as it was written, and nothing else is.
func TestClaims(t *testing.T) {
	for _, c := range []store.Claims{
		{},
		{User: "root", Revision: 7, Begins: 1, Expires: 2},
		{User: "a user with spaces ", Revision: 1<<64 - 1, Expires: -1},
	} {
		if got, ok := store.ParseClaims(c.String()); !ok || got != c {
			t.Errorf("%+v is read as %+v, %v", c, got, ok)
		}
	}
	for _, text := range []string{"", "abcdefgh.17", "1 2 3", "x 0 0 root", "1 y 0 root", "1 0 z root", "-1 0 0 root"} {
		if got, ok := store.ParseClaims(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	for _, tt := range []struct {
		c    store.Claims
		at   int64
		want bool
	}{
		{store.Claims{}, 5, true},
		{store.Claims{Begins: 5, Expires: 6}, 5, true},
		{store.Claims{Begins: 5, Expires: 6}, 4, false},
		{store.Claims{Begins: 5, Expires: 6}, 6, false},
	} {
		if got := tt.c.ValidAt(tt.at); got != tt.want {
			t.Errorf("%+v at %d: %v", tt.c, tt.at, got)
		}
	}
}
