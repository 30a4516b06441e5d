// Package totp implements time-based one-time passwords (RFC 6238) with the parameters that all authenticator apps support:
// SHA-1, six digits and steps of 30 seconds.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238; HMAC does not depend on the collision resistance of SHA-1
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

const (
	// secretSize is the size of a secret in bytes, which RFC 4226 recommends.
	secretSize = 20
	period     = 30
	// window is the number of steps before and after the current step whose codes are accepted.
	window = 1
)

// Secret is the shared secret of a user and the server.
type Secret []byte

// NewSecret returns a random secret.
func NewSecret() Secret {
	s := make(Secret, secretSize)
	_, _ = rand.Read(s) // never fails, see crypto/rand
	return s
}

// String returns the secret in Base32 without padding.
func (s Secret) String() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s)
}

// URI returns the Key URI of the secret. Authenticator apps read it from a QR code.
func (s Secret) URI(issuer, account string) string {
	query := url.Values{"secret": {s.String()}, "issuer": {issuer}}
	return (&url.URL{
		Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account, RawQuery: query.Encode(),
	}).String()
}

// Step returns the number of the time step that contains t.
func Step(t time.Time) int64 { return t.Unix() / period }

// Code returns the code of a time step.
func (s Secret) Code(step int64) string {
	h := hmac.New(sha1.New, s)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := h.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// Match returns the time step whose code is code, from one step before t to one step after it, and after the step last. It
// returns false if there is none.
func (s Secret) Match(code string, t time.Time, last int64) (step int64, ok bool) {
	for step := max(Step(t)-window, last+1); step <= Step(t)+window; step++ {
		if subtle.ConstantTimeCompare([]byte(s.Code(step)), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}
