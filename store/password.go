package store

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// HashPassword returns what the log and the store keep of a password. etcd uses
// bcrypt, which is slow on purpose and draws its salt; a simulation needs neither:
// the salt is an argument, and must be drawn by whoever takes the password in.
func HashPassword(password, salt string) string {
	sum := sha256.Sum256([]byte(salt + "\x00" + password))
	return salt + "$" + hex.EncodeToString(sum[:])
}

// CheckPassword reports whether a hash is that of the password.
func CheckPassword(hash, password string) bool {
	i := strings.LastIndexByte(hash, '$')
	return i >= 0 && HashPassword(password, hash[:i]) == hash
}
