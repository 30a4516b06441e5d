// Package paging writes and reads page tokens, and bounds page sizes. Lists are paged by keyset: a token holds the key
// of the last element shown, and the next page begins after it, so that inserts in between move nothing.
package paging

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const (
	// DefaultSize is the size of a page of which nothing is said.
	DefaultSize = 20
	// MaxSize is the greatest size of a page; more is lowered to it.
	MaxSize = 100

	version    = 1
	filterSize = 8
	maxToken   = 512
	maxParts   = 8
)

// Field is the name of the parameter that a token is the value of.
const Field = "page_token"

// Size returns the number of elements for a requested page size, which validation has found not to be negative.
func Size(n int32) int {
	switch {
	case n <= 0:
		return DefaultSize
	case n > MaxSize:
		return MaxSize
	default:
		return int(n)
	}
}

// Filter is the fingerprint of what a list is filtered by. A token is worth something only with the filter it was made
// under. The zero value is a list without filters.
type Filter [filterSize]byte

// FilterOf returns the fingerprint of filter values, in a fixed order. Absent ones are given as "".
func FilterOf(values ...string) Filter {
	h := sha256.New()
	var n [4]byte
	for _, v := range values {
		binary.BigEndian.PutUint32(n[:], uint32(len(v)))
		h.Write(n[:])
		h.Write([]byte(v))
	}
	return Filter(h.Sum(nil)[:filterSize])
}

// Encode returns the token of the page after the element with the given key. It is opaque to clients, and no secret:
// it names only what the client has seen. It is not signed, since a key that a client makes up shows it nothing that it
// could not list.
func Encode(filter Filter, key ...string) string {
	b := append([]byte{version}, filter[:]...)
	for _, part := range key {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Decode returns the key in a token, which has parts parts, or nil for an empty token: the first page. A token that
// Encode did not write, or wrote under another filter, is ValidationFailed. The parts are a client's text all the same:
// parse them, and answer Bad where they do not parse.
func Decode(token string, filter Filter, parts int) ([]string, error) {
	if token == "" {
		return nil, nil
	}
	if len(token) > maxToken || parts > maxParts {
		return nil, Bad()
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) < 1+filterSize || b[0] != version {
		return nil, Bad()
	}
	if !slices.Equal(b[1:1+filterSize], filter[:]) {
		return nil, apperr.Invalid(Field, Field, "the page token belongs to a list with other filters")
	}
	key := make([]string, 0, parts)
	for rest := b[1+filterSize:]; len(rest) > 0; {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size) || len(key) == parts {
			return nil, Bad()
		}
		key = append(key, string(rest[size:size+int(n)]))
		rest = rest[size+int(n):]
	}
	if len(key) != parts {
		return nil, Bad()
	}
	return key, nil
}

// Bad is the error of a token that cannot be read.
func Bad() error { return apperr.Invalid(Field, Field, "the page token is not one that was given out") }
