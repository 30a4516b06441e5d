package accesstoken_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/accesstoken"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
)

const (
	issuerName = "https://issuer.example"
	audience   = "loyalty"
)

// noon is the time at which the tests issue tokens.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// sessions is a fake Sessions.
type sessions func() (bool, error)

func (s sessions) Active(context.Context, uuid.UUID) (bool, error) { return s() }

func allActive() (bool, error) { return true, nil }

func newKey(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func newIssuer(t testing.TB, key ed25519.PrivateKey, issuer, audience string) *accesstoken.Issuer {
	t.Helper()
	i, err := accesstoken.NewIssuer(key, issuer, audience)
	if err != nil {
		t.Fatal(err)
	}
	i.SetClock(func() time.Time { return noon })
	return i
}

func newVerifier(t testing.TB, keys accesstoken.KeySource, s sessions, at time.Time) *accesstoken.Verifier {
	t.Helper()
	v, err := accesstoken.NewVerifier(issuerName, audience, keys, s)
	if err != nil {
		t.Fatal(err)
	}
	v.SetClock(func() time.Time { return at })
	return v
}

func issue(t testing.TB, i *accesstoken.Issuer) (string, authn.Caller) {
	t.Helper()
	c := authn.Caller{UserID: uuid.New(), Role: authn.RoleStaff, Session: uuid.New()}
	token, expires, err := i.Issue(authn.Grant{
		User: c.UserID, Role: c.Role, Session: c.Session, End: noon.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Expires = expires
	return token, c
}

func TestTokenExpiresNotAfterItsSession(t *testing.T) {
	_, private := newKey(t)
	i := newIssuer(t, private, issuerName, audience)
	for end, want := range map[time.Time]time.Time{
		noon.Add(time.Hour): noon.Add(accesstoken.Lifetime),
		noon.Add(accesstoken.Lifetime - time.Nanosecond): noon.Add(accesstoken.Lifetime - time.Second),
		noon.Add(90 * time.Second):                       noon.Add(90 * time.Second),
	} {
		_, expires, err := i.Issue(authn.Grant{User: uuid.New(), Role: authn.RolePlayer, Session: uuid.New(), End: end})
		if err != nil || expires != want {
			t.Errorf("token of a session until %s expires at %s, %v; want %s", end, expires, err, want)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	public, private := newKey(t)
	token, want := issue(t, newIssuer(t, private, issuerName, audience))
	if want.Expires != noon.Add(10*time.Minute) {
		t.Errorf("the token expires at %s, want %s", want.Expires, noon.Add(10*time.Minute))
	}
	for name, tt := range map[string]struct {
		at       time.Time
		sessions sessions
		want     apperr.Code
	}{
		"just issued":                   {noon, allActive, ""},
		"issuer's clock ahead":          {noon.Add(-4 * time.Second), allActive, ""},
		"ahead by more than the leeway": {noon.Add(-6 * time.Second), allActive, apperr.TokenInvalid},
		"in the last second":            {want.Expires.Add(-time.Second), allActive, ""},
		"expired, within the leeway":    {want.Expires.Add(4 * time.Second), allActive, ""},
		"expired":                       {want.Expires.Add(6 * time.Second), allActive, apperr.TokenExpired},
		"session ended":                 {noon, func() (bool, error) { return false, nil }, apperr.TokenRevoked},
		"sessions unavailable": {noon, func() (bool, error) {
			return false, apperr.New(apperr.DependencyUnavailable, "Redis is not available")
		}, apperr.DependencyUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVerifier(t, accesstoken.NewStaticKeys(public), tt.sessions, tt.at)
			for range 2 { // the second call finds the token in the cache
				got, err := v.Authenticate(t.Context(), token)
				if apperr.CodeOf(err) != tt.want {
					t.Fatalf("error %v, want %q", err, tt.want)
				}
				if err == nil && got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
		})
	}
}

func TestCachedTokenExpiresAndIsRevoked(t *testing.T) {
	public, private := newKey(t)
	token, c := issue(t, newIssuer(t, private, issuerName, audience))
	active := true
	v := newVerifier(t, accesstoken.NewStaticKeys(public), func() (bool, error) { return active, nil }, noon)
	if _, err := v.Authenticate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	v.SetClock(func() time.Time { return c.Expires.Add(authn.Leeway + time.Second) })
	if _, err := v.Authenticate(t.Context(), token); apperr.CodeOf(err) != apperr.TokenExpired {
		t.Errorf("after the expiry: error %v, want TOKEN_EXPIRED", err)
	}
	v.SetClock(func() time.Time { return noon })
	active = false
	if _, err := v.Authenticate(t.Context(), token); apperr.CodeOf(err) != apperr.TokenRevoked {
		t.Errorf("after the end of the session: error %v, want TOKEN_REVOKED", err)
	}
}

// forge returns a JWT with the given header and claims.
func forge(t testing.TB, method jwt.SigningMethod, key any, header, claims map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	maps.Copy(token.Header, header)
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAuthenticateRefusesForgedTokens(t *testing.T) {
	public, private := newKey(t)
	_, otherKey := newKey(t)
	genuine, c := issue(t, newIssuer(t, private, issuerName, audience))
	header := func() map[string]any { return map[string]any{"kid": accesstoken.KeyID(public), "typ": "at+jwt"} }
	claims := func() map[string]any {
		return map[string]any{
			"iss": issuerName, "aud": audience, "sub": c.UserID.String(), "sid": c.Session.String(), "role": "ADMIN",
			"iat": noon.Unix(), "exp": noon.Add(time.Minute).Unix(),
		}
	}
	with := func(m map[string]any, key string, value any) map[string]any {
		if m[key] = value; value == nil {
			delete(m, key)
		}
		return m
	}
	signed := func(header, claims map[string]any) string {
		return forge(t, jwt.SigningMethodEdDSA, private, header, claims)
	}
	parts := strings.Split(genuine, ".")
	otherIssuer, _ := issue(t, newIssuer(t, private, "https://other.example", audience))
	otherAudience, _ := issue(t, newIssuer(t, private, issuerName, "another product"))
	signedWithOtherKey, _ := issue(t, newIssuer(t, otherKey, issuerName, audience))
	promoted, _ := base64.RawURLEncoding.DecodeString(parts[1])
	promoted = []byte(strings.Replace(string(promoted), "STAFF", "ADMIN", 1))

	v := newVerifier(t, accesstoken.NewStaticKeys(public), allActive, noon)
	if _, err := v.Authenticate(t.Context(), signed(header(), claims())); err != nil {
		t.Fatalf("valid token: %v", err)
	}
	for name, token := range map[string]string{
		"empty":                      "",
		"garbage":                    "a.b.c",
		"two parts":                  parts[0] + "." + parts[1],
		"refresh token":              strings.Repeat("A", 64),
		"too long":                   genuine + strings.Repeat("A", accesstoken.MaxTokenBytes),
		"alg none":                   forge(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, header(), claims()),
		"no signature":               parts[0] + "." + parts[1] + ".",
		"HMAC with the public key":   forge(t, jwt.SigningMethodHS256, []byte(public), header(), claims()),
		"payload changed":            parts[0] + "." + base64.RawURLEncoding.EncodeToString(promoted) + "." + parts[2],
		"signature of another token": parts[0] + "." + parts[1] + "." + strings.Split(signedWithOtherKey, ".")[2],
		"another key":                signedWithOtherKey,
		"another key, known key id":  forge(t, jwt.SigningMethodEdDSA, otherKey, header(), claims()),
		"no key id":                  signed(with(header(), "kid", nil), claims()),
		"key id is a number":         signed(with(header(), "kid", 7), claims()),
		"another token type":         signed(with(header(), "typ", "JWT"), claims()),
		"critical extension":         signed(with(header(), "crit", []string{"b64"}), claims()),
		"other issuer":               otherIssuer,
		"other audience":             otherAudience,
		"no audience":                signed(header(), with(claims(), "aud", nil)),
		"no expiry":                  signed(header(), with(claims(), "exp", nil)),
		"not valid yet":              signed(header(), with(claims(), "nbf", noon.Add(time.Hour).Unix())),
		"no subject":                 signed(header(), with(claims(), "sub", nil)),
		"subject is not a UUID":      signed(header(), with(claims(), "sub", "root")),
		"no session":                 signed(header(), with(claims(), "sid", nil)),
		"no role":                    signed(header(), with(claims(), "role", nil)),
		"unknown role":               signed(header(), with(claims(), "role", "OWNER")),
		"expired, other audience": signed(header(), with(with(claims(), "exp", noon.Add(-time.Hour).Unix()),
			"aud", "another product")),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := v.Authenticate(t.Context(), token)
			if apperr.CodeOf(err) != apperr.TokenInvalid {
				t.Errorf("error %v, want TOKEN_INVALID", err)
			}
		})
	}
}

func TestTokensStayValidWhenTheCacheIsFull(t *testing.T) {
	public, private := newKey(t)
	i := newIssuer(t, private, issuerName, audience)
	v := newVerifier(t, accesstoken.NewStaticKeys(public), allActive, noon)
	v.SetCacheSize(8)
	first, want := issue(t, i)
	for n := range 50 {
		token := first
		if n > 0 {
			token, _ = issue(t, i)
		}
		if _, err := v.Authenticate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if got, err := v.Authenticate(t.Context(), first); err != nil || got != want {
			t.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestConstructorsRefuseMissingParameters(t *testing.T) {
	public, private := newKey(t)
	_, noKey := accesstoken.NewIssuer(nil, issuerName, audience)
	_, noIssuer := accesstoken.NewIssuer(private, "", audience)
	_, noSessions := accesstoken.NewVerifier(issuerName, audience, accesstoken.NewStaticKeys(public), nil)
	_, noKeys := accesstoken.NewVerifier(issuerName, audience, nil, sessions(allActive))
	for name, err := range map[string]error{
		"no key": noKey, "no issuer": noIssuer, "no sessions": noSessions, "no keys": noKeys,
	} {
		if err == nil {
			t.Errorf("%s: the constructor returns no error", name)
		}
	}
}

func TestCallerInContext(t *testing.T) {
	if _, ok := authn.From(t.Context()); ok {
		t.Error("an empty context has a caller")
	}
	want := authn.Caller{UserID: uuid.New(), Role: authn.RolePlayer}
	if got, ok := authn.From(authn.With(t.Context(), want)); !ok || got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// FuzzAuthenticate checks that only the issued token is accepted and that every other text is TOKEN_INVALID.
func FuzzAuthenticate(f *testing.F) {
	public, private := newKey(f)
	genuine, want := issue(f, newIssuer(f, private, issuerName, audience))
	v := newVerifier(f, accesstoken.NewStaticKeys(public), allActive, noon)
	none, _ := json.Marshal(map[string]string{"alg": "none", "kid": accesstoken.KeyID(public), "typ": "at+jwt"})
	payload := strings.Split(genuine, ".")[1]
	f.Add(genuine)
	f.Add(base64.RawURLEncoding.EncodeToString(none) + "." + payload + ".")
	f.Add("..")
	f.Add(genuine[:len(genuine)-1])
	f.Fuzz(func(t *testing.T, token string) {
		got, err := v.Authenticate(context.Background(), token)
		var e *apperr.Error
		switch {
		case err == nil && (token != genuine || got != want):
			t.Errorf("%q is accepted as %+v", token, got)
		case err != nil && (!errors.As(err, &e) || e.Code != apperr.TokenInvalid):
			t.Errorf("%q: error %v, want TOKEN_INVALID", token, err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	public, private := newKey(b)
	token, _ := issue(b, newIssuer(b, private, issuerName, audience))
	v := newVerifier(b, accesstoken.NewStaticKeys(public), allActive, noon)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Authenticate(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
