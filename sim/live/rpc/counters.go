package rpc

import (
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"etcdsim/sim/live/vitals"
)

// Types of methods, as metrics name them.
const (
	typeUnary  = "unary"
	typeClient = "client_stream"
	typeServer = "server_stream"
	typeBoth   = "bidi_stream"
)

func typeOf(client, server bool) string {
	switch {
	case client && server:
		return typeBoth
	case client:
		return typeClient
	case server:
		return typeServer
	}
	return typeUnary
}

// handled names an answer by the full name of its method: "/package.Service/Method".
func handled(full, kind string, code codes.Code) vitals.Handled {
	service, method, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
	return vitals.Handled{Service: service, Method: method, Type: kind, Code: code.String()}
}

// expectAnswers makes every answer known that a server can give, as etcd does.
func expectAnswers(c *vitals.Counters, g *grpc.Server) {
	for service, info := range g.GetServiceInfo() { // unordered: each has counters of its own
		for _, m := range info.Methods {
			for code := codes.OK; code <= codes.Unauthenticated; code++ {
				c.Expect(handled("/"+service+"/"+m.Name, typeOf(m.IsClientStream, m.IsServerStream), code))
			}
		}
	}
}
