package sessionredis

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/session"
)

const (
	secretSize     = 32
	generationSize = 6
	tokenMACSize   = 16
)

// token is a refresh token: the session's id and a secret. It is opaque to clients. The secret is a generation, a random
// number of 80 bits, and a MAC of 128 bits. So nobody can make a token by writing to Redis, and no key for each used token
// is needed to recognize it: an authentic token with an earlier generation than the session's record was rotated.
//
// In a token of a release without generations, the generation is random.
type token struct {
	session uuid.UUID
	secret  [secretSize]byte
}

// generation orders the refresh tokens of a session. It is the time of the rotation in milliseconds, or one more than the
// previous generation if that is later. A counter would restart when a replica without generations rotates the token.
type generation uint64

// after returns the generation that follows g.
func (g generation) after() generation {
	now := generation(time.Now().UnixMilli())
	return max(now, g+1)
}

// newToken returns a token of a session with a generation of at most 48 bits.
func (s *Store) newToken(session uuid.UUID, g generation) (token, error) {
	if len(s.keys) == 0 {
		return token{}, errNoKey
	}
	t := token{session: session}
	binary.BigEndian.PutUint64(t.secret[:], uint64(g)<<(64-8*generationSize))
	text := t.secret[:secretSize-tokenMACSize]
	_, _ = rand.Read(text[generationSize:]) // never fails, see crypto/rand
	copy(t.secret[len(text):], s.keys[0].mac(tokenPurpose, session, text))
	return t, nil
}

func (t token) generation() generation {
	return generation(binary.BigEndian.Uint64(t.secret[:]) >> (64 - 8*generationSize))
}

// authenticToken parses a token. It returns false for any text that is not a token that a key of the store has made.
func (s *Store) authenticToken(text string) (token, bool) {
	t, ok := parseToken(text)
	signed := t.secret[:secretSize-tokenMACSize]
	return t, ok && s.made(t.secret[len(signed):], tokenPurpose, t.session, signed)
}

// parseToken parses the result of String. It returns false for any other text. It does not check the MAC.
func parseToken(s string) (token, bool) {
	var t token
	if len(s) != base64.RawURLEncoding.EncodedLen(len(t.session)+secretSize) {
		return token{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(t.session)+secretSize { // the decoder ignores line breaks
		return token{}, false
	}
	copy(t.session[:], b)
	copy(t.secret[:], b[len(t.session):])
	return t, true
}

func (t token) bytes() []byte { return append(t.session[:], t.secret[:]...) }

// String returns the token in the form that clients receive.
func (t token) String() string { return base64.RawURLEncoding.EncodeToString(t.bytes()) }

// hash returns the SHA-256 of the token in hexadecimal. Keys in Redis contain the hash instead of the token. A password hash
// is not needed, because nobody can guess a random number of 80 bits and a MAC of 128 bits.
func (t token) hash() string {
	sum := sha256.Sum256(t.bytes())
	return hex.EncodeToString(sum[:])
}

// seal encrypts a pair with a key that is derived from the token. The token's hash in Redis is not enough to decrypt the
// pair.
func (t token) seal(p session.Pair) (string, error) {
	aead, err := t.aead()
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	return string(aead.Seal(nil, nil, b, t.session[:])), nil //nolint:gosec // Seal generates the nonce
}

// open decrypts the result of seal.
func (t token) open(sealed []byte) (session.Pair, error) {
	var p session.Pair
	aead, err := t.aead()
	if err != nil {
		return p, err
	}
	b, err := aead.Open(nil, nil, sealed, t.session[:])
	if err != nil {
		return p, fmt.Errorf("decrypt the token pair of session %s: %w", t.session, err)
	}
	return p, json.Unmarshal(b, &p)
}

// aead returns AES-256-GCM with random nonces. Its key is derived from the secret with HKDF (RFC 5869).
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
