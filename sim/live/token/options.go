package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Options are those of etcd's --auth-token=jwt,...
type Options struct {
	// Method is how tokens are signed: RS256, ES256, EdDSA, HS256, PS256 and their like.
	Method string
	// Public and Private are the keys in PEM, or, of the methods HS..., Private is the
	// secret itself. Without a private key tokens are verified and none are made.
	Public, Private []byte
	// TTL is how long a token lives.
	TTL time.Duration
}

// DefaultTTL is etcd's.
const DefaultTTL = 5 * time.Minute

// Parse reads what follows "jwt," in etcd's --auth-token, and the files that it names:
//
//	pub-key=FILE,priv-key=FILE,sign-method=RS256,ttl=10m
func Parse(text string) (o Options, err error) {
	o.TTL = DefaultTTL
	var seen []string
	for _, field := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(field, "=")
		if !ok || slices.Contains(seen, name) {
			return o, fmt.Errorf("%q: expected pub-key=FILE, priv-key=FILE, sign-method=NAME or ttl=DURATION, each at most once", field)
		}
		seen = append(seen, name)
		switch name {
		case "pub-key":
			o.Public, err = os.ReadFile(value)
		case "priv-key":
			o.Private, err = os.ReadFile(value)
		case "sign-method":
			o.Method = value
		case "ttl":
			if o.TTL, err = time.ParseDuration(value); err == nil && o.TTL <= 0 {
				err = fmt.Errorf("%s: expected a positive duration", value)
			}
		default:
			err = errors.New("expected pub-key, priv-key, sign-method or ttl")
		}
		if err != nil {
			return o, fmt.Errorf("%s: %w", name, err)
		}
	}
	return o, nil
}

// keys returns what the options sign with, or nil, and what they verify by.
func (o *Options) keys() (method jwt.SigningMethod, private, public any, err error) {
	method = jwt.GetSigningMethod(o.Method)
	switch method.(type) {
	case *jwt.SigningMethodHMAC:
		if len(o.Private) == 0 {
			return nil, nil, nil, errors.New("expected the secret in priv-key")
		}
		return method, o.Private, o.Private, nil
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS:
		private, public, err = pair(o, jwt.ParseRSAPrivateKeyFromPEM, jwt.ParseRSAPublicKeyFromPEM, (*rsa.PrivateKey).Public)
	case *jwt.SigningMethodECDSA:
		private, public, err = pair(o, jwt.ParseECPrivateKeyFromPEM, jwt.ParseECPublicKeyFromPEM, (*ecdsa.PrivateKey).Public)
	case *jwt.SigningMethodEd25519:
		private, public, err = pair(o, edPrivate, jwt.ParseEdPublicKeyFromPEM, ed25519.PrivateKey.Public)
	default: // "none" too, which signs nothing
		err = fmt.Errorf("sign-method: %q: expected RS256, PS256, ES256, EdDSA, HS256 or one of their like", o.Method)
	}
	return method, private, public, err
}

func edPrivate(pem []byte) (ed25519.PrivateKey, error) {
	key, err := jwt.ParseEdPrivateKeyFromPEM(pem)
	if err != nil {
		return nil, err
	}
	return key.(ed25519.PrivateKey), nil
}

// pair reads the two keys; one of them is enough.
func pair[Private any, Public crypto.PublicKey](
	o *Options, parsePrivate func([]byte) (Private, error), parsePublic func([]byte) (Public, error),
	publicOf func(Private) crypto.PublicKey,
) (private, public any, err error) {
	if len(o.Private) > 0 {
		key, err := parsePrivate(o.Private)
		if err != nil {
			return nil, nil, fmt.Errorf("priv-key: %w", err)
		}
		private, public = key, publicOf(key)
	}
	if len(o.Public) > 0 {
		key, err := parsePublic(o.Public)
		if err != nil {
			return nil, nil, fmt.Errorf("pub-key: %w", err)
		}
		if public != nil && !public.(interface{ Equal(crypto.PublicKey) bool }).Equal(key) {
			return nil, nil, errors.New("pub-key and priv-key do not belong together")
		}
		public = key
	}
	if public == nil {
		return nil, nil, errors.New("expected pub-key, priv-key or both")
	}
	return private, public, nil
}
