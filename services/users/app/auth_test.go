package app_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// members returns the names of the members of an object, sorted and separated by spaces.
func members(o object) string {
	names := []string{}
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestRegisterAndLogin(t *testing.T) {
	s := start(t)
	a := s.want(s.call("POST", "/auth/register", credentials(" Anna@Example.com ", secret)), 201, "")
	if got := members(a.body); got != "balance createdAt email id isActive role" {
		t.Errorf("got a user with the members %s", got)
	}
	if a.body["email"] != "Anna@Example.com" || a.body["role"] != "PLAYER" || a.body["isActive"] != true ||
		a.body["balance"] != "0.00" {
		t.Errorf("registered %v, want the active player Anna@Example.com with balance 0.00", a.body)
	}
	s.want(s.call("POST", "/auth/register", credentials("ANNA@example.com", secret)), 409, "USER_EXISTS")
	s.want(s.call("POST", "/auth/register", credentials("bob@example.com", "short")), 400, "VALIDATION_FAILED")
	s.want(s.call("POST", "/auth/register", credentials("bob", secret)), 400, "VALIDATION_FAILED")
	withRole := credentials("bob@example.com", secret)
	withRole["role"] = "ADMIN"
	s.want(s.call("POST", "/auth/register", withRole), 400, "VALIDATION_FAILED")

	s.want(s.call("POST", "/auth/login", credentials("anna@example.com", "wrong horse")), 401, "INVALID_CREDENTIALS")
	s.want(s.call("POST", "/auth/login", credentials("nobody@example.com", secret)), 401, "INVALID_CREDENTIALS")
	bearer, _ := s.login("anna@example.com")
	me := s.want(s.call("GET", "/users/me", nil, "Authorization", bearer), 200, "")
	if me.body["id"] != a.body["id"] {
		t.Errorf("/users/me: got %v, want %v", me.body, a.body)
	}
}

func TestCookie(t *testing.T) {
	s := start(t)
	s.register("anna@example.com")
	a := s.want(s.call("POST", "/auth/login", credentials("anna@example.com", secret)), 200, "")
	if got := members(a.body); got != "accessToken expiresAt user" {
		t.Errorf("got a response with the members %s", got)
	}
	checkCookie := func(a response) {
		t.Helper()
		c := a.cookie
		if c == nil || c.Name != "__Secure-refresh_token" || c.Value == "" || !c.HttpOnly || !c.Secure ||
			c.SameSite != http.SameSiteStrictMode || c.Path != "/api/v1/auth" || c.MaxAge != 24*60*60 {
			t.Fatalf("got cookie %v, want a refresh token for a day", c)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("got Cache-Control %q, want no-store", got)
		}
	}
	checkCookie(a)
	next := s.want(s.call("POST", "/auth/refresh", nil, "Cookie", "a=b; __Secure-refresh_token="+a.cookie.Value), 200, "")
	if got := members(next.body); got != "accessToken expiresAt" {
		t.Errorf("got a response with the members %s", got)
	}
	checkCookie(next)
	if next.cookie.Value == a.cookie.Value {
		t.Error("the refresh token was not rotated")
	}
	out := s.want(s.call("POST", "/auth/logout", object{}, "Cookie", "__Secure-refresh_token="+next.cookie.Value), 204, "")
	if out.cookie == nil || out.cookie.MaxAge >= 0 || out.cookie.Path != "/api/v1/auth" {
		t.Errorf("logout: got cookie %v, want the cookie cleared", out.cookie)
	}
}

func TestRefreshTokenInTheBody(t *testing.T) {
	s := start(t)
	s.register("anna@example.com")
	body := credentials("anna@example.com", secret)
	body["refreshTokenIn"] = "BODY"
	a := s.want(s.call("POST", "/auth/login", body), 200, "")
	if got := members(a.body); got != "accessToken expiresAt refreshToken user" || a.cookie != nil {
		t.Errorf("got a response with the members %s and the cookie %v", got, a.cookie)
	}
	first, _ := a.body["refreshToken"].(string)
	b := s.want(s.call("POST", "/auth/refresh", object{"refreshToken": first}), 200, "")
	if got := members(b.body); got != "accessToken expiresAt refreshToken" || b.cookie != nil {
		t.Errorf("got a response with the members %s and the cookie %v", got, b.cookie)
	}
	second, _ := b.body["refreshToken"].(string)
	again := s.want(s.call("POST", "/auth/refresh", nil, "Authorization", "Bearer "+first), 200, "")
	if again.body["refreshToken"] != second || again.body["accessToken"] != b.body["accessToken"] {
		t.Errorf("rotated token within the grace period: got %v, want the same pair %v", again.body, b.body)
	}
	// The body takes precedence over the cookie, and the cookie over the bearer token.
	twice := s.call("POST", "/auth/refresh", object{"refreshToken": "x"}, "Cookie", "__Secure-refresh_token="+second)
	s.want(twice, 401, "TOKEN_INVALID")
	twice = s.call("POST", "/auth/logout", nil, "Cookie", "__Secure-refresh_token=x", "Authorization", "Bearer "+second)
	s.want(twice, 401, "TOKEN_INVALID")
	s.want(s.call("POST", "/auth/logout", nil), 401, "TOKEN_MISSING")
	s.want(s.call("POST", "/auth/logout", nil, "Authorization", "Bearer "+second), 204, "")
	s.want(s.call("POST", "/auth/refresh", object{"refreshToken": second}), 401, "TOKEN_REVOKED")
}

func TestLogoutRevokesTheAccessToken(t *testing.T) {
	s := start(t)
	s.register("anna@example.com")
	bearer, refresh := s.login("anna@example.com")
	s.want(s.call("GET", "/users/me", nil, "Authorization", bearer), 200, "")
	s.want(s.call("POST", "/auth/logout", object{"refreshToken": refresh}), 204, "")
	s.eventually("the access token is refused", func() bool {
		return s.call("GET", "/users/me", nil, "Authorization", bearer).body["code"] == "TOKEN_REVOKED"
	})
	s.want(s.call("GET", "/users/me", nil), 401, "TOKEN_MISSING")
	s.want(s.call("GET", "/users/me", nil, "Authorization", "Bearer "+refresh), 401, "TOKEN_INVALID")
}

func TestFailedLoginsAreLimited(t *testing.T) {
	s := start(t)
	s.register("anna@example.com")
	for range s.config.Limits.LoginPerAccount.N {
		s.want(s.call("POST", "/auth/login", credentials("anna@example.com", "wrong horse")), 401, "INVALID_CREDENTIALS")
	}
	a := s.want(s.call("POST", "/auth/login", credentials("anna@example.com", secret)), 429, "RATE_LIMITED")
	if a.header.Get("Retry-After") == "" {
		t.Error("the response has no Retry-After header")
	}
}

func TestJWKS(t *testing.T) {
	s := start(t)
	resp, err := http.Get(s.url + "/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/jwk-set+json" {
		t.Errorf("got status %s, header %v; want 200 and a JWK set", resp.Status, resp.Header)
	}
}
