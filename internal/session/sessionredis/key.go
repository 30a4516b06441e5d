package sessionredis

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/session"
)

// Key authenticates the records and refresh tokens of sessions. Redis does not hold it, so write access to Redis is not
// enough to make a session, to change one, or to make a refresh token.
type Key []byte

// NewKey derives a key from the key that signs access tokens.
func NewKey(signing ed25519.PrivateKey) (Key, error) {
	return hkdf.Key(sha256.New, signing.Seed(), nil, "loyalty session records v1", sha256.Size)
}

// The purposes of a MAC. A MAC for one purpose is not valid for another.
const (
	recordPurpose = "record"
	tokenPurpose  = "refresh token"
)

// mac returns the MAC of a text that belongs to a session.
func (k Key) mac(purpose string, of uuid.UUID, text []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(purpose))
	h.Write([]byte{0}) // purposes contain no zero byte
	h.Write(of[:])
	h.Write(text)
	return h.Sum(nil)
}

// errNoKey is returned by a store without keys. It is a mistake of the caller.
var errNoKey = errors.New("sessions: the store has no key")

// record is a session as it is stored.
type record struct {
	session.Session

	// Generation is the generation of the session's current refresh token; see [token]. It is zero in a record of a release
	// that did not store it.
	Generation generation `json:"generation,omitempty"`
}

// encode returns the text of a record: the MAC, a dot, and the record as JSON.
func (s *Store) encode(of record) (string, error) {
	if len(s.keys) == 0 {
		return "", errNoKey
	}
	text, err := json.Marshal(of)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.keys[0].mac(recordPurpose, of.ID, text)) + "." + string(text), nil
}

// decode returns the record of a session from its text. The error is TOKEN_REVOKED if no key of the store has made the text
// for this session, or if the session has expired, whatever time to live the key has in Redis.
func (s *Store) decode(id uuid.UUID, stored string) (record, error) {
	text, ok := s.authentic(id, stored)
	if !ok {
		return record{}, forged(id)
	}
	found := record{Session: session.Session{ID: id}}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return record{}, fmt.Errorf("decode session %s: %w", id, err)
	}
	if now := time.Now(); now.After(found.Ends) || now.Sub(found.LastUsedAt) > session.TTL+clockTolerance {
		return record{}, revoked()
	}
	return found, nil
}

// authentic reports whether a key of the store has made the stored text for this session. It returns the record as JSON.
func (s *Store) authentic(id uuid.UUID, stored string) (text string, ok bool) {
	mac, text, _ := strings.Cut(stored, ".")
	sum, err := base64.RawURLEncoding.DecodeString(mac)
	return text, err == nil && s.made(sum, recordPurpose, id, []byte(text))
}

// forged returns the error for a session whose record is not authentic.
func forged(id uuid.UUID) error { return revoked().WithCause(&authn.ForgedSessionError{Session: id}) }

// wrongType reports whether the value of a key has a type that the platform never writes to it.
func wrongType(err error) bool {
	reply, ok := rueidis.IsRedisErr(err)
	return ok && strings.HasPrefix(reply.Error(), "WRONGTYPE")
}

// clockTolerance is the maximum difference between the clocks of the replicas. The time to live in Redis is exact; the times
// in the record only limit a record that was kept longer.
const clockTolerance = time.Minute

// made reports whether a key of the store has made a MAC. A MAC may be truncated.
func (s *Store) made(sum []byte, purpose string, of uuid.UUID, text []byte) bool {
	valid := false
	for _, k := range s.keys {
		valid = valid || hmac.Equal(sum, k.mac(purpose, of, text)[:min(len(sum), sha256.Size)])
	}
	return valid && len(sum) >= tokenMACSize
}
