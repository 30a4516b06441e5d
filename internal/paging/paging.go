// Package paging writes and reads page tokens, and bounds page sizes. Lists are paged by keyset: a token holds the key
// of the last element shown, and the next page begins after it, so that inserts in between move nothing.
package paging

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const (
	// DefaultSize is the size of a page of which nothing is said.
	DefaultSize = 20
	// MaxSize is the greatest size of a page; more is lowered to it.
	MaxSize = 100

	maxToken = 512
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

// Request is a request for a page of a list.
type Request interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// A token is a version, the fingerprint of the request without its paging, and the key. It is opaque to clients, and no
// secret: it names only what the client has seen. It is not signed, since a key that a client makes up shows it nothing
// that it could not list.
const (
	version    = 1
	filterSize = 8
)

// Position returns the key after which the requested page begins, or "" for the first page. A token that Next did not
// write, or wrote for a request with other filters, is ValidationFailed. The key is a client's text all the same: parse
// it, and answer Bad where it does not parse.
func Position(r Request) (string, error) {
	token := r.GetPageToken()
	if token == "" {
		return "", nil
	}
	if len(token) > maxToken {
		return "", Bad()
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) <= 1+filterSize || b[0] != version {
		return "", Bad()
	}
	filter, err := fingerprint(r)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(b[1:1+filterSize], filter) {
		return "", apperr.Invalid(Field, Field, "the page token belongs to a list with other filters")
	}
	return string(b[1+filterSize:]), nil
}

// Next returns the token of the page after the one that ends with the element at key, which is not empty.
func Next(r Request, key string) (string, error) {
	filter, err := fingerprint(r)
	if err != nil {
		return "", err
	}
	token := append([]byte{version}, filter...)
	return base64.RawURLEncoding.EncodeToString(append(token, key...)), nil
}

// Bad is the error of a token that cannot be read.
func Bad() error { return apperr.Invalid(Field, Field, "the page token is not one that was given out") }

// fingerprint tells requests apart by everything but their paging.
func fingerprint(r Request) ([]byte, error) {
	m := proto.Clone(r).ProtoReflect()
	for _, name := range []protoreflect.Name{"page_size", "page_token"} {
		if field := m.Descriptor().Fields().ByName(name); field != nil {
			m.Clear(field)
		}
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(m.Descriptor().FullName()+"\n"), encoded...))
	return sum[:filterSize], nil
}
