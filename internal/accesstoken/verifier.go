package accesstoken

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

// maxTokenBytes is the maximum length of a token. Issued tokens are much shorter.
const maxTokenBytes = 2048

// Sessions reports whether a session is active.
type Sessions interface {
	Active(ctx context.Context, session uuid.UUID) (bool, error)
}

// Verifier verifies access tokens. It is safe for concurrent use.
type Verifier struct {
	parser   *jwt.Parser
	keys     KeySource
	sessions Sessions
	now      func() time.Time
	cache    *tokenCache
}

// NewVerifier returns a verifier that accepts only tokens with the given issuer and audience. It returns an error if an
// argument is empty or nil.
func NewVerifier(issuer, audience string, keys KeySource, sessions Sessions) (*Verifier, error) {
	if issuer == "" || audience == "" || keys == nil || sessions == nil {
		return nil, errors.New("access tokens: the verifier needs an issuer, an audience, keys and sessions")
	}
	v := &Verifier{keys: keys, sessions: sessions, now: time.Now, cache: newTokenCache(cacheSize)}
	v.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), // reject "none", and HMAC with the public key
		jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(authn.Leeway), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return v.now() }),
	)
	return v, nil
}

// Authenticate returns the caller for whom an access token was issued. Errors: TOKEN_INVALID if the token is malformed, or
// its signature, header or a claim is not valid; TOKEN_EXPIRED; TOKEN_REVOKED if the session has ended;
// DEPENDENCY_UNAVAILABLE if the key cannot be fetched. Authenticate wraps an error of Sessions.
func (v *Verifier) Authenticate(ctx context.Context, token string) (authn.Caller, error) {
	c, err := v.verify(ctx, token)
	if err != nil {
		return authn.Caller{}, err
	}
	active, err := v.sessions.Active(ctx, c.Session)
	switch {
	case err != nil:
		return authn.Caller{}, fmt.Errorf("look up the session: %w", err)
	case !active:
		return authn.Caller{}, apperr.New(apperr.TokenRevoked, "the session has ended")
	}
	return c, nil
}

// verify checks the token but not its session. It caches valid tokens, because verifying a signature costs more than the
// rest of a small request.
func (v *Verifier) verify(ctx context.Context, token string) (authn.Caller, error) {
	if len(token) > maxTokenBytes {
		return authn.Caller{}, invalid(fmt.Errorf("the access token exceeds %d bytes", maxTokenBytes))
	}
	id := fingerprint(token)
	c, ok := v.cache.get(id)
	if !ok {
		var err error
		if c, err = v.parse(ctx, token); err != nil {
			return authn.Caller{}, err
		}
		v.cache.put(id, c)
	}
	if v.now().After(c.Expires.Add(authn.Leeway)) {
		return authn.Caller{}, expired()
	}
	return c, nil
}

func (v *Verifier) parse(ctx context.Context, token string) (authn.Caller, error) {
	var c claims
	var keyErr error
	_, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		var key ed25519.PublicKey
		key, keyErr = v.key(ctx, t)
		return key, keyErr
	})
	switch {
	case keyErr != nil && !errors.Is(keyErr, ErrUnknownKey):
		return authn.Caller{}, apperr.New(apperr.DependencyUnavailable, "try again in a moment").WithCause(keyErr)
	case errors.Is(err, jwt.ErrTokenExpired) && !errors.Is(err, jwt.ErrTokenInvalidIssuer) &&
		!errors.Is(err, jwt.ErrTokenInvalidAudience):
		return authn.Caller{}, expired()
	case err != nil:
		return authn.Caller{}, invalid(err)
	}
	user, err := uuid.Parse(c.Subject)
	if err != nil || user == uuid.Nil || c.Session == uuid.Nil || !slices.Contains(authn.Roles(), c.Role) {
		return authn.Caller{}, invalid(errors.New("the subject, the session or the role is missing or not valid"))
	}
	if c.Scope != "" && c.Scope != scopeEnrolment {
		return authn.Caller{}, invalid(errors.New("the scope is unknown"))
	}
	return authn.Caller{
		UserID: user, Role: c.Role, Session: c.Session, Enrolling: c.Scope != "", Expires: c.ExpiresAt.UTC(),
	}, nil
}

// key returns the key that the token's header names. It returns ErrUnknownKey if the header has no key id, has another "typ"
// than an access token, or has critical extensions.
func (v *Verifier) key(ctx context.Context, t *jwt.Token) (ed25519.PublicKey, error) {
	kid, _ := t.Header["kid"].(string)
	if typ, _ := t.Header["typ"].(string); typ != tokenType || kid == "" || t.Header["crit"] != nil {
		return nil, ErrUnknownKey
	}
	return v.keys.Key(ctx, kid)
}

func invalid(cause error) error {
	return apperr.New(apperr.TokenInvalid, "the access token is not valid").WithCause(cause)
}

func expired() error { return apperr.New(apperr.TokenExpired, "the access token has expired") }
