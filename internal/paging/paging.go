// Package paging reads and writes the page tokens of lists. A list runs by a key that never changes, so pages are stable
// while items are added; a token holds the key of the last item seen and a hash of the filter it belongs to. It is opaque,
// not secret: it gives nobody anything that the list itself does not.
package paging

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	defaultSize = 20
	maxSize     = 100
	version     = 1
	hashLen     = 8
	maxPosition = 128
)

// Request is a request for a page of a list.
type Request interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// Size returns how many items the page takes: what was asked for up to 100, or 20.
func Size(r Request) int {
	switch n := r.GetPageSize(); {
	case n <= 0:
		return defaultSize
	case n > maxSize:
		return maxSize
	default:
		return int(n)
	}
}

// Position returns what [Next] was given for the page before, or "" for the first page. A token that is malformed, or that
// belongs to another filter, is a ValidationFailed on page_token.
func Position(r Request) (string, error) {
	token := r.GetPageToken()
	if token == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= 1+hashLen || len(raw) > 1+hashLen+maxPosition || raw[0] != version {
		return "", apperr.Invalid("page_token", "page_token", "is not a token of this list")
	}
	hash, err := filter(r)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(raw[1:1+hashLen], hash) {
		return "", apperr.Invalid("page_token", "page_token", "belongs to a list with another filter")
	}
	return string(raw[1+hashLen:]), nil
}

// Next returns the token of the page that follows the item at position, the last one of r's page.
func Next(r Request, position string) (string, error) {
	hash, err := filter(r)
	if err != nil {
		return "", err
	}
	raw := append([]byte{version}, hash...)
	return base64.RawURLEncoding.EncodeToString(append(raw, position...)), nil
}

// filter hashes the request without its paging.
func filter(r Request) ([]byte, error) {
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
	sum := sha256.Sum256(append([]byte(m.Descriptor().FullName()+"\x00"), encoded...))
	return sum[:hashLen], nil
}
