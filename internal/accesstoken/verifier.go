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

// maxToken is more than any access token of ours has.
const maxToken = 2048

// Sessions tells whether a session is still active.
type Sessions interface {
	Active(ctx context.Context, session uuid.UUID) (bool, error)
}

// Verifier tells who an access token speaks for. It is safe for concurrent use.
type Verifier struct {
	parser   *jwt.Parser
	keys     KeySource
	sessions Sessions
	now      func() time.Time
	seen     *seen
}

// NewVerifier returns a verifier of the tokens that the named issuer signs for the named audience.
func NewVerifier(issuer, audience string, keys KeySource, sessions Sessions) (*Verifier, error) {
	if issuer == "" || audience == "" || keys == nil || sessions == nil {
		return nil, errors.New("access tokens: the verifier needs an issuer, an audience, keys and sessions")
	}
	v := &Verifier{keys: keys, sessions: sessions, now: time.Now, seen: newSeen(generation)}
	v.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), // never "none", never HMAC with the public key
		jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(authn.Leeway), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return v.now() }),
	)
	return v, nil
}

// Authenticate returns who an access token speaks for. The errors are TOKEN_INVALID (it is no access token of our
// issuer for us), TOKEN_EXPIRED, TOKEN_REVOKED (its session has ended) and DEPENDENCY_UNAVAILABLE (the session, or the
// key, cannot be looked up: a token that cannot be checked opens nothing).
func (v *Verifier) Authenticate(ctx context.Context, token string) (authn.Caller, error) {
	c, err := v.verify(ctx, token)
	if err != nil {
		return authn.Caller{}, err
	}
	active, err := v.sessions.Active(ctx, c.Session)
	switch {
	case err != nil:
		return authn.Caller{}, fmt.Errorf("looking up the session: %w", err)
	case !active:
		return authn.Caller{}, apperr.New(apperr.TokenRevoked, "the session has ended")
	}
	return c, nil
}

// verify checks all that the token itself says. A signature that was found good is remembered, since checking it costs
// more than the rest of a small request.
func (v *Verifier) verify(ctx context.Context, token string) (authn.Caller, error) {
	if len(token) > maxToken {
		return authn.Caller{}, invalid(errors.New("too long"))
	}
	id := fingerprint(token)
	c, ok := v.seen.get(id)
	if !ok {
		var err error
		if c, err = v.parse(ctx, token); err != nil {
			return authn.Caller{}, err
		}
		v.seen.put(id, c)
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
		return authn.Caller{}, invalid(errors.New("subject, session or role is missing"))
	}
	return authn.Caller{UserID: user, Role: c.Role, Session: c.Session, Expires: c.ExpiresAt.UTC()}, nil
}

// key finds the key that a token names. A key's id that is unknown, or missing, is ErrUnknownKey.
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
