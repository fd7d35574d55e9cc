// Package loopback keeps servers that are for this machine alone to it: those that
// anybody who reaches them may use. It says which addresses others do not reach, and
// refuses what pages of the web make a browser on this machine ask.
package loopback

import (
	"net"
	"net/http"
	"strings"
)

// Is reports whether a host, a name or an address without a port, is this machine and
// can be no other.
func Is(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Guard refuses requests that a page elsewhere makes a browser send here: across
// origins, or by another name for this machine, which makes them the page's own (DNS
// rebinding, CVE-2018-5702). Its answer says so.
func Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil { // without a port
			host = strings.TrimSuffix(strings.TrimPrefix(r.Host, "["), "]")
		}
		origin := r.Header.Get("Origin")
		if !Is(host) || origin != "" && origin != "http://"+r.Host {
			http.Error(w, "expected a request from this machine, by localhost or a loopback address, and from no other page", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
