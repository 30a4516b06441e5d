package sessionredis

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/session"
)

const secretSize = 32

// token is a refresh token: the session's id and a secret. To clients it is opaque.
type token struct {
	session uuid.UUID
	secret  [secretSize]byte
}

func newToken(session uuid.UUID) token {
	t := token{session: session}
	_, _ = rand.Read(t.secret[:]) // never fails, see crypto/rand
	return t
}

// parseToken reads what String wrote; false for anything else.
func parseToken(s string) (token, bool) {
	var t token
	if len(s) != base64.RawURLEncoding.EncodedLen(len(t.session)+secretSize) {
		return token{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(t.session)+secretSize { // the decoder passes over line ends
		return token{}, false
	}
	copy(t.session[:], b)
	copy(t.secret[:], b[len(t.session):])
	return t, true
}

func (t token) bytes() []byte { return append(t.session[:], t.secret[:]...) }

// String is the token as its client holds it.
func (t token) String() string { return base64.RawURLEncoding.EncodeToString(t.bytes()) }

// hash is the token as Redis knows it. The secret has 256 bits, so a plain hash cannot be searched.
func (t token) hash() string {
	sum := sha256.Sum256(t.bytes())
	return hex.EncodeToString(sum[:])
}

// seal encrypts a pair so that only the holder of the token can open it: its hash, which Redis knows, does not help.
func (t token) seal(p session.Pair) (string, error) {
	aead, err := t.aead()
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return string(aead.Seal(nil, nil, b, t.session[:])), nil //nolint:gosec // it makes its own nonce
}

func (t token) open(sealed []byte) (session.Pair, error) {
	var p session.Pair
	aead, err := t.aead()
	if err != nil {
		return p, err
	}
	b, err := aead.Open(nil, nil, sealed, t.session[:])
	if err != nil {
		return p, fmt.Errorf("the sealed pair of session %s: %w", t.session, err)
	}
	return p, json.Unmarshal(b, &p)
}

// aead is AES-256-GCM with random nonces under a key that is derived from the secret (HKDF, RFC 5869).
func (t token) aead() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, t.secret[:], nil, "loyalty session grace v1", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
