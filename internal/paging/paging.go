// Package paging reads the requested page of a list from a request and writes the token of the next page. A token contains
// the key of the last item of the page; see [github.com/casino-loyalty/loyalty/internal/keyset].
package paging

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

const (
	// defaultSize is the page size of a request without a page size.
	defaultSize = 20
	// maxSize is the maximum page size. A larger requested size is lowered to it.
	maxSize = 100
	// maxToken is the maximum length of a token, in bytes.
	maxToken = 512
)

// Field is the request field of the page token. Violations name it.
const Field = "page_token"

// Request is a request for a page of a list.
type Request interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// Parse returns the requested page. It converts the text of the key in the token with parse. It returns VALIDATION_FAILED if
// the token is malformed, or if it belongs to a request with other filters.
func Parse[Key any](r Request, parse func(string) (Key, error)) (keyset.PageRequest[Key], error) {
	page := keyset.PageRequest[Key]{Size: size(r.GetPageSize())}
	key, err := decode(r)
	if err != nil || key == "" {
		return page, err
	}
	if page.Before, err = parse(key); err != nil {
		return page, errInvalidToken() // clients can forge tokens, so this is a client's error
	}
	return page, nil
}

// Number parses a key that is a positive number.
func Number(key string) (int64, error) {
	n, err := strconv.ParseInt(key, 10, 64)
	if err == nil && n <= 0 {
		err = errors.New("the key is not a positive number")
	}
	return n, err
}

// NextToken returns the token of the page that follows page, or "" if page is the last one. The function key returns the
// text of an item's key. It must not return "".
func NextToken[T any](r Request, page keyset.Page[T], key func(T) string) (string, error) {
	if !page.More {
		return "", nil
	}
	return encode(r, key(page.Items[len(page.Items)-1]))
}

// size returns the page size for a requested size. Validation has refused negative sizes.
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

// A token consists of a version, a fingerprint of the request without its paging fields, and the key. Clients treat it as
// opaque, but it is not secret: its key belongs to an item that the client has seen. It needs no signature, because a
// forged key gives access only to items that the client may list anyway.
const (
	version         = 1
	fingerprintSize = 8
)

// decode returns the key in the request's token, or "" for the first page.
func decode(r Request) (string, error) {
	text := r.GetPageToken()
	if text == "" {
		return "", nil
	}
	if len(text) > maxToken {
		return "", errInvalidToken()
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	skipped := strings.ContainsAny(text, "\r\n") // the decoder skips line breaks
	if err != nil || skipped || len(b) <= 1+fingerprintSize || b[0] != version {
		return "", errInvalidToken()
	}
	sum, err := fingerprint(r)
	if err != nil {
		return "", err
	}
	if !bytes.Equal(b[1:1+fingerprintSize], sum) {
		return "", apperr.Invalid(Field, Field, "the page token belongs to a list with other filters")
	}
	return string(b[1+fingerprintSize:]), nil
}

// encode returns a token for the request that contains key.
func encode(r Request, key string) (string, error) {
	sum, err := fingerprint(r)
	if err != nil {
		return "", err
	}
	b := append([]byte{version}, sum...)
	return base64.RawURLEncoding.EncodeToString(append(b, key...)), nil
}

func errInvalidToken() error { return apperr.Invalid(Field, Field, "the page token is not valid") }

// fingerprint returns a hash of the request's type and of all its fields except the paging fields.
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
	return sum[:fingerprintSize], nil
}
