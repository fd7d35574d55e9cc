package token

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"etcdsim/store"
)

// Keys sign and verify. They may be used from any goroutine.
type Keys struct {
	method          jwt.SigningMethod
	private, public any // private is nil where tokens are made elsewhere
	parser          *jwt.Parser
	// epoch is when the members' clocks stood at 0, in seconds of Unix time.
	epoch int64
}

// ErrVerifyOnly is why no token can be made, in etcd's words.
var ErrVerifyOnly = errors.New("auth: token signing attempted with verify-only key")

// New returns the keys of a universe.
func New(o Options) (*Keys, error) {
	method, private, public, err := o.keys()
	if err != nil {
		return nil, err
	}
	// Whether the time of a token is over is seen by the members.
	parser := jwt.NewParser(jwt.WithValidMethods([]string{method.Alg()}), jwt.WithoutClaimsValidation())
	k := &Keys{method: method, private: private, public: public, parser: parser}
	if private == nil {
		return k, nil
	}
	if _, err := k.Sign(store.Claims{}); err != nil { // a key may be too short for the method
		return nil, fmt.Errorf("priv-key: %w", err)
	}
	return k, nil
}

// Begin says when, by the real clock, those of the members stood at 0. Tokens are made
// and verified afterwards.
func (k *Keys) Begin(at time.Time) { k.epoch = at.Unix() }

// Sign returns a token with the claims that a member made.
func (k *Keys) Sign(c store.Claims) (string, error) {
	if k.private == nil {
		return "", ErrVerifyOnly
	}
	return jwt.NewWithClaims(k.method, jwt.MapClaims{
		"username": c.User, "revision": c.Revision, "exp": c.Expires/int64(time.Second) + k.epoch,
	}).SignedString(k.private)
}

// Verify returns what a token claims; false if it was not signed with these keys, or
// is none.
func (k *Keys) Verify(token string) (c store.Claims, ok bool) {
	parsed, err := k.parser.Parse(token, func(*jwt.Token) (any, error) { return k.public, nil })
	if err != nil {
		return c, false
	}
	claims := parsed.Claims.(jwt.MapClaims)
	user, named := claims["username"].(string)
	revision, dated := claims["revision"].(float64)
	if !named || !dated || !(revision >= 0 && revision < 1<<63) {
		return c, false
	}
	c.User, c.Revision = user, uint64(revision)
	var ends, begins error
	c.Expires, ends = k.instant(claims.GetExpirationTime())
	c.Begins, begins = k.instant(claims.GetNotBefore())
	return c, ends == nil && begins == nil
}

// instant translates a time of a token to one of the members; 0 is none.
func (k *Keys) instant(d *jwt.NumericDate, err error) (int64, error) {
	if err != nil || d == nil {
		return 0, err
	}
	const far = int64(1) << 32 // seconds since 1970, which nanoseconds still hold
	at := (min(max(d.Unix(), -far), far) - k.epoch) * int64(time.Second)
	if at == 0 {
		at = -1 // as long ago, and not the absence of a bound
	}
	return at, nil
}
