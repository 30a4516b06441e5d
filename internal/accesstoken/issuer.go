// Package accesstoken issues access tokens, and verifies them against their signature and their session. They are JWTs (RFC
// 9068) that the users service signs with an Ed25519 key, whose public half it publishes as a JWK Set.
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

// Lifetime is how long an access token is valid.
const Lifetime = 10 * time.Minute

// tokenType is the header "typ" of an access token (RFC 9068, section 2.1); it keeps other tokens from passing for one.
const tokenType = "at+jwt"

// claims is the payload of an access token.
type claims struct {
	Role    authn.Role `json:"role"`
	Session uuid.UUID  `json:"sid"`
	jwt.RegisteredClaims
}

// Issuer signs access tokens. It is safe for concurrent use.
type Issuer struct {
	key      ed25519.PrivateKey
	kid      string
	issuer   string
	audience string
	now      func() time.Time
}

// NewIssuer returns an issuer that signs with key and puts the given names into "iss" and "aud".
func NewIssuer(key ed25519.PrivateKey, issuer, audience string) (*Issuer, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("access tokens: the signing key is not an Ed25519 private key")
	}
	if issuer == "" || audience == "" {
		return nil, errors.New("access tokens: the issuer and the audience need names")
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return &Issuer{key: key, kid: KeyID(public), issuer: issuer, audience: audience, now: time.Now}, nil
}

// Issue returns an access token of a session, valid for Lifetime from now, and when it ends.
func (i *Issuer) Issue(user uuid.UUID, role authn.Role, session uuid.UUID) (token string, expires time.Time, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", time.Time{}, err
	}
	now := i.now().UTC().Truncate(time.Second) // "exp" counts whole seconds
	expires = now.Add(Lifetime)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		Role:    role,
		Session: session,
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: i.issuer, Audience: jwt.ClaimStrings{i.audience}, Subject: user.String(), ID: id.String(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
	})
	t.Header["kid"] = i.kid
	t.Header["typ"] = tokenType
	if token, err = t.SignedString(i.key); err != nil {
		return "", time.Time{}, fmt.Errorf("signing an access token: %w", err)
	}
	return token, expires, nil
}
