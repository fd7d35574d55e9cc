package store

import (
	"strconv"
	"strings"
)

// Credential says in whose name a client asks. The zero value is nobody.
type Credential struct {
	// Token is what a member gave for a password; empty without. Whoever shows one
	// asks in nobody else's name, whatever the certificate says.
	Token string
	// Certified: the client has shown a certificate, which was verified on arrival.
	// Name is the common name in it, which may be empty.
	Certified bool
	Name      string
}

// Claims is what a token says by itself where tokens are signed (etcd's
// --auth-token=jwt): every member believes it, and none remembers it. Signatures are
// made and verified where clients come in; within the cluster claims stand for the
// whole token.
type Claims struct {
	// User is who asks, Revision the auth revision under which the password was
	// checked: the token is good for as long as users and roles stay as they were.
	User     string
	Revision uint64
	// Begins and Expires bound when it is valid, by the members' wall clocks in
	// nanoseconds; Begins is the first instant of it, Expires the first after it. 0
	// means no bound.
	Begins, Expires int64
}

// String prints the claims as ParseClaims reads them.
func (c Claims) String() string {
	var b []byte
	b = append(strconv.AppendUint(b, c.Revision, 10), ' ')
	b = append(strconv.AppendInt(b, c.Begins, 10), ' ')
	b = append(strconv.AppendInt(b, c.Expires, 10), ' ')
	return string(append(b, c.User...))
}

// ParseClaims reads claims; false means that the text says none.
func ParseClaims(text string) (c Claims, ok bool) {
	fields := strings.SplitN(text, " ", 4)
	if len(fields) < 4 {
		return c, false
	}
	var err error
	if c.Revision, err = strconv.ParseUint(fields[0], 10, 64); err != nil {
		return c, false
	}
	for i, to := range []*int64{&c.Begins, &c.Expires} {
		if *to, err = strconv.ParseInt(fields[1+i], 10, 64); err != nil {
			return c, false
		}
	}
	c.User = fields[3]
	return c, true
}

// ValidAt reports whether the claims hold at an instant of a wall clock.
func (c Claims) ValidAt(wall int64) bool {
	return (c.Begins == 0 || wall >= c.Begins) && (c.Expires == 0 || wall < c.Expires)
}
