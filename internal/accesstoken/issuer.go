// Package accesstoken issues and verifies access tokens: JWTs (RFC 9068) that the users service signs with an Ed25519 key.
// Other services fetch the public key as a JWK Set. A token is valid only while its session is active.
package accesstoken

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

// Lifetime is the time from the issue of an access token to its expiry.
const Lifetime = 10 * time.Minute

// tokenType is the header "typ" of an access token (RFC 9068, section 2.1). JWTs of other types are refused.
const tokenType = "at+jwt"

// claims is the payload of an access token.
type claims struct {
	Role    authn.Role `json:"role"`
	Session uuid.UUID  `json:"sid"`
	// Scope is scopeEnrolment, or empty for full access.
	Scope string `json:"scope,omitempty"`
	jwt.RegisteredClaims
}

// scopeEnrolment is the scope of a token that gives access only to the enrolment of a second factor.
const scopeEnrolment = "mfa-enrolment"

// Issuer signs access tokens. It is safe for concurrent use.
type Issuer struct {
	key      ed25519.PrivateKey
	kid      string
	issuer   string
	audience string
	now      func() time.Time
}

// NewIssuer returns an issuer that signs with key. The claims "iss" and "aud" of its tokens are issuer and audience.
func NewIssuer(key ed25519.PrivateKey, issuer, audience string) (*Issuer, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("access tokens: the signing key is not an Ed25519 private key")
	}
	if issuer == "" || audience == "" {
		return nil, errors.New("access tokens: the issuer or the audience is empty")
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return &Issuer{key: key, kid: KeyID(public), issuer: issuer, audience: audience, now: time.Now}, nil
}

// Issue returns an access token and its expiry. The expiry is the current time plus Lifetime, or the end of the session if
// that is earlier, rounded down to a second.
func (i *Issuer) Issue(g authn.Grant) (token string, expires time.Time, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", time.Time{}, err
	}
	now := i.now().UTC().Truncate(time.Second) // "exp" has whole seconds
	expires = now.Add(Lifetime)
	if g.End.Before(expires) {
		expires = g.End.UTC().Truncate(time.Second)
	}
	scope := ""
	if g.Enrolling {
		scope = scopeEnrolment
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		Role:    g.Role,
		Session: g.Session,
		Scope:   scope,
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: i.issuer, Audience: jwt.ClaimStrings{i.audience}, Subject: g.User.String(), ID: id.String(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
	})
	t.Header["kid"] = i.kid
	t.Header["typ"] = tokenType
	if token, err = t.SignedString(i.key); err != nil {
		return "", time.Time{}, fmt.Errorf("sign an access token: %w", err)
	}
	return token, expires, nil
}
