package rpc

import (
	"context"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"etcdsim/store"
)

// Names under which the metadata of a call holds a token, as in etcd's rpctypes.
const (
	metaToken   = "token"
	metaGateway = "authorization" // as the JSON gateway passes it on
)

// credential returns in whose name a call is made: a token counts before a
// certificate.
func (s *server) credential(ctx context.Context) store.Credential {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, key := range [...]string{metaToken, metaGateway} {
		if v := md.Get(key); len(v) > 0 {
			return store.Credential{Token: s.verified(strings.TrimPrefix(v[0], "Bearer "))}
		}
	}
	if s.CertAuth {
		return certified(ctx)
	}
	return store.Credential{}
}

// forged stands for a token that says nothing: no member knows it or can read it. Where
// authentication is off, nobody asks.
const forged = "forged"

// verified returns what members are shown for a client's token: where tokens are
// signed, what it claims. An empty one is shown, too: to members its absence would mean
// that the client is nobody, or who its certificate says.
func (s *server) verified(token string) string {
	switch {
	case token == "":
		return forged
	case s.Tokens == nil:
		return token
	}
	claims, ok := s.Tokens.Verify(token)
	if !ok {
		return forged
	}
	return claims.String()
}

// signed returns what a client is given for a token that a member made.
func (s *server) signed(token string) (string, error) {
	if s.Tokens == nil {
		return token, nil
	}
	claims, _ := store.ParseClaims(token)
	text, err := s.Tokens.Sign(claims)
	if err != nil {
		return "", status.Error(codes.Unknown, err.Error())
	}
	return text, nil
}

// certified returns who a client is by the certificate that was verified when it
// connected. Calls through the JSON gateway come without one.
func certified(ctx context.Context) store.Credential {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return store.Credential{}
	}
	secured, ok := from.AuthInfo.(credentials.TLSInfo)
	if !ok || len(secured.State.VerifiedChains) == 0 {
		return store.Credential{}
	}
	return store.Credential{Certified: true, Name: secured.State.VerifiedChains[0][0].Subject.CommonName}
}
