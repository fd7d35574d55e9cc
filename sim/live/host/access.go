package host

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"etcdsim/sim/cluster"
)

// Access is who may come over HTTP, from which web pages and by which name; gRPC is not
// asked. The zero value is etcd's default: everybody.
type Access struct {
	// Origins are those of web pages whose scripts may read answers, etcd's --cors.
	// Empty means all, and so does "*".
	Origins []string
	// Hosts are the names by which members may be called without TLS, etcd's
	// --host-whitelist. Empty means any, and so does "*". A web site that directs its own
	// name to this machine (DNS rebinding, CVE-2018-5702) is stopped by it.
	Hosts []string
}

func admits(list []string, name string) bool {
	return len(list) == 0 || slices.Contains(list, "*") || slices.Contains(list, name)
}

// guard lets requests of HTTP through to a member's handlers, as etcd's access controller
// does.
func (h *Host) guard(id uint64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/v3beta/"); ok {
			r.URL.Path = "/v3/" + rest
		}
		if r.TLS == nil {
			if name := hostname(r); !admits(h.access.Hosts, name) {
				http.Error(w, fmt.Sprintf(errHost, name), http.StatusMisdirectedRequest)
				return
			}
		} else if strings.HasPrefix(r.URL.Path, "/v3/") && h.tls.ClientCertAuth && commonName(r) != "" && h.authEnabled(r.Context(), id) {
			http.Error(w, errCommonName, http.StatusBadRequest)
			return
		}
		h.welcome(w, r)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusOK)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// welcome tells a browser which pages may read the answer.
func (h *Host) welcome(w http.ResponseWriter, r *http.Request) {
	origin := "*"
	if !admits(h.access.Origins, "*") {
		if origin = r.Header.Get("Origin"); !admits(h.access.Origins, origin) {
			return
		}
	}
	w.Header().Add("Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE")
	w.Header().Add("Access-Control-Allow-Origin", origin)
	w.Header().Add("Access-Control-Allow-Headers", "accept, content-type, authorization")
}

// hostname returns the name by which a client calls a member, without the port.
func hostname(r *http.Request) string {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		return r.Host
	}
	return name
}

// commonName returns that of the certificate that the client has shown, or "".
func commonName(r *http.Request) string {
	if len(r.TLS.VerifiedChains) == 0 {
		return ""
	}
	return r.TLS.VerifiedChains[0][0].Subject.CommonName
}

// authEnabled reports whether a member asks who its clients are.
func (h *Host) authEnabled(ctx context.Context, id uint64) (on bool) {
	_ = h.Driver.Inspect(ctx, func(c *cluster.Cluster) {
		if n := c.Node(id); n != nil {
			on = n.Store().AuthEnabled()
		}
	})
	return on
}

// What is told to those who are not let through. The second is etcd's.
const (
	errHost = "%q is no name by which this member may be called without TLS: expected one of --host-whitelist\n"

	errCommonName = "CommonName of client sending a request against gateway will be ignored and not used as expected"
)
