// Package paging reads from a request which page of a list it asks for, and writes the token of the page that follows: a
// token holds the key of the last item shown; see [github.com/casino-loyalty/loyalty/internal/keyset].
package paging

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

const (
	// defaultSize is the size of a page of which nothing is said.
	defaultSize = 20
	// maxSize is the greatest size of a page; more is lowered to it.
	maxSize = 100

	maxToken = 512
)

// Field is the name of the parameter that a token is the value of.
const Field = "page_token"

// Request is a request for a page of a list.
type Request interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// Parse reads which page is asked for; parse reads the key of an item. A token that NextToken did not write, or wrote for a
// request with other filters, is VALIDATION_FAILED.
func Parse[Key any](r Request, parse func(string) (Key, error)) (keyset.PageRequest[Key], error) {
	page := keyset.PageRequest[Key]{Size: size(r.GetPageSize())}
	key, err := position(r)
	if err != nil || key == "" {
		return page, err
	}
	if page.Before, err = parse(key); err != nil {
		return page, bad() // it is a client's text all the same
	}
	return page, nil
}

// Number parses the key of an item that has a number, above zero.
func Number(key string) (int64, error) {
	n, err := strconv.ParseInt(key, 10, 64)
	if err == nil && n <= 0 {
		err = errors.New("is no number of an item")
	}
	return n, err
}

// Next returns the token of the page after listed, empty where nothing follows; key writes the key of an item, which is
// not empty.
func NextToken[T any](r Request, page keyset.Page[T], key func(T) string) (string, error) {
	if !page.More {
		return "", nil
	}
	return token(r, key(page.Items[len(page.Items)-1]))
}

// size returns the number of items for a requested page size, which validation has found not to be negative.
func size(n int32) int {
	switch {
	case n <= 0:
		return defaultSize
	case n > maxSize:
		return maxSize
	default:
		return int(n)
	}
}

// A token is a version, the fingerprint of the request without its paging, and the key. It is opaque to clients, and no
// secret: it names only what the client has seen. It is not signed, since a key that a client makes up shows it nothing
// that it could not list.
const (
	version    = 1
	filterSize = 8
)

// position returns the key after which the requested page begins, or "" for the first page.
func position(r Request) (string, error) {
	text := r.GetPageToken()
	if text == "" {
		return "", nil
	}
	if len(text) > maxToken {
		return "", bad()
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) <= 1+filterSize || b[0] != version {
		return "", bad()
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

// token writes a key as position reads it.
func token(r Request, key string) (string, error) {
	filter, err := fingerprint(r)
	if err != nil {
		return "", err
	}
	b := append([]byte{version}, filter...)
	return base64.RawURLEncoding.EncodeToString(append(b, key...)), nil
}

// bad is the error of a token that cannot be read.
func bad() error { return apperr.Invalid(Field, Field, "the page token is not one that was given out") }

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
