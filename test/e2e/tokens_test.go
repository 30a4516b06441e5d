package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// tokens tests sessions: login, refresh, logout and registration.
func tokens(t *testing.T, p platform, callers map[string]client) {
	for name, run := range map[string]func(*testing.T, platform){
		"refresh cookie":                       cookie,
		"rotation, grace period and reuse":     rotation,
		"concurrent refreshes return one pair": parallelRefreshes,
		"precedence of refresh tokens":         precedence,
		"logout":                               logout,
		"registration":                         registration,
		"rate limit of failed logins":          failedLogins,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, p)
		})
	}
	t.Run("staff registration", func(t *testing.T) { staffRegistration(t, p, callers["A"].in(t)) })
}

// refreshToken logs c in and returns the refresh token.
func refreshToken(c client, password string) string {
	c.t.Helper()
	a := c.call(200, "POST", "/api/v1/auth/login", object{"email": c.email, "password": password, "refreshTokenIn": "BODY"})
	return a.text("refreshToken")
}

// inBody logs c in and returns both tokens from the body.
func inBody(c client) (access, refresh string) {
	c.t.Helper()
	a := c.call(200, "POST", "/api/v1/auth/login", object{"email": c.email, "password": password, "refreshTokenIn": "BODY"})
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Set-Cookie") != "" {
		c.t.Errorf("login with the tokens in the body: the header is %v, want no-store and no cookie", a.header)
	}
	return a.text("accessToken"), a.text("refreshToken")
}

// cookie logs in, refreshes and logs out with the refresh cookie.
func cookie(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	a := c.call(200, "POST", "/api/v1/auth/login", object{"email": strings.ToUpper(c.email), "password": password})
	set := a.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "Secure", "SameSite=Strict", "Path=/api/v1/auth"} {
		if !strings.Contains(set, want) {
			t.Errorf("the cookie is %q, want the attribute %s", set, want)
		}
	}
	if a.header.Get("Cache-Control") != "no-store" || a.body["refreshToken"] != nil {
		t.Errorf("login: got %v with header %v, want no-store and no refreshToken", a, a.header)
	}
	pair, _, _ := strings.Cut(set, ";")
	c.token = ""
	refreshed := c.call(200, "POST", "/api/v1/auth/refresh", nil, "Cookie", pair)
	if refreshed.body["refreshToken"] != nil || refreshed.header.Get("Set-Cookie") == "" {
		t.Errorf("refresh with the cookie: got %v, want a new cookie and no refreshToken", refreshed)
	}
	again, _, _ := strings.Cut(refreshed.header.Get("Set-Cookie"), ";")
	out := c.call(204, "POST", "/api/v1/auth/logout", nil, "Cookie", again)
	if cleared := out.header.Get("Set-Cookie"); !strings.Contains(cleared, "Max-Age=0") || out.raw != "" {
		t.Errorf("logout: Set-Cookie is %q, the body is %q, want a cleared cookie and no body", cleared, out.raw)
	}
}

// rotation reuses a rotated refresh token during and after the grace period.
func rotation(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	_, first := inBody(c)
	c.token = ""
	pair := c.call(200, "POST", "/api/v1/auth/refresh", object{"refreshToken": first})
	same := c.call(200, "POST", "/api/v1/auth/refresh", object{}, "Authorization", "Bearer "+first)
	if pair.text("refreshToken") != same.text("refreshToken") || pair.text("accessToken") != same.text("accessToken") {
		t.Errorf("within the grace period: got %v, then %v, want the same pair", pair, same)
	}
	fresh := client{t: t, url: p.url, token: pair.text("accessToken")}
	fresh.call(200, "GET", "/api/v1/users/me", nil)
	eventually(t, "the grace period is over", func() error {
		a, err := c.try("POST", "/api/v1/auth/refresh", object{"refreshToken": first})
		if err == nil && a.status == 200 {
			err = errors.New("still within the grace period")
		}
		if err == nil && a.text("code") != "TOKEN_REUSED" && a.text("code") != "TOKEN_REVOKED" {
			t.Errorf("refresh with a reused token: got %v, want TOKEN_REUSED or TOKEN_REVOKED", a)
		}
		return err
	})
	fresh.refused(401, "TOKEN_REVOKED", "GET", "/api/v1/users/me", nil)
	c.refused(401, "TOKEN_REVOKED", "POST", "/api/v1/auth/refresh", object{"refreshToken": pair.text("refreshToken")})
	c.refused(401, "TOKEN_INVALID", "POST", "/api/v1/auth/refresh", object{"refreshToken": "unknown"})
	access := client{t: t, url: p.url, token: first}
	access.refused(401, "TOKEN_INVALID", "GET", "/api/v1/users/me", nil)
}

// parallelRefreshes refreshes twenty times at the same time with one token.
func parallelRefreshes(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	_, refresh := inBody(c)
	c.token = ""
	var mu sync.Mutex
	pairs := map[string]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			a, err := c.try("POST", "/api/v1/auth/refresh", object{"refreshToken": refresh})
			mu.Lock()
			defer mu.Unlock()
			pairs[fmt.Sprint(a.status, err, a.text("refreshToken"), a.text("accessToken"))]++
		})
	}
	wg.Wait()
	if len(pairs) != 1 {
		t.Errorf("got %d different responses, want one: %v", len(pairs), pairs)
	}
}

// precedence sends several refresh tokens. The body has precedence over the cookie, and the cookie over the bearer token.
func precedence(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	_, token := inBody(c)
	c.token = ""
	const path = "/api/v1/auth/refresh"
	good, bad := "__Secure-refresh_token="+token, "__Secure-refresh_token=bad"
	c.refused(401, "TOKEN_INVALID", "POST", path, object{"refreshToken": "bad"},
		"Cookie", good, "Authorization", "Bearer "+token)
	c.refused(401, "TOKEN_INVALID", "POST", path, object{}, "Cookie", bad, "Authorization", "Bearer "+token)
	a := c.call(200, "POST", path, object{}, "Cookie", good, "Authorization", "Bearer bad")
	if a.text("refreshToken") == "" || a.header.Get("Set-Cookie") != "" {
		t.Errorf("refresh of a BODY session: got %v with header %v, want a refreshToken and no cookie", a, a.header)
	}
	inCookie := c.call(200, "POST", "/api/v1/auth/login",
		object{"email": c.email, "password": password, "refreshTokenIn": "COOKIE"})
	pair, _, _ := strings.Cut(inCookie.header.Get("Set-Cookie"), ";")
	a = c.call(200, "POST", path, object{"refreshToken": strings.TrimPrefix(pair, "__Secure-refresh_token=")})
	if a.body["refreshToken"] != nil || a.header.Get("Set-Cookie") == "" {
		t.Errorf("refresh of a COOKIE session: got %v with header %v, want a cookie and no refreshToken", a, a.header)
	}
	access := inCookie.text("accessToken")
	for _, route := range []string{path, "/api/v1/auth/logout"} {
		c.refused(401, "TOKEN_MISSING", "POST", route, nil)
		c.refused(401, "TOKEN_MISSING", "POST", route, object{"refreshToken": ""})
		c.refused(401, "TOKEN_INVALID", "POST", route, object{"refreshToken": access})
		c.refused(401, "TOKEN_INVALID", "POST", route, nil, "Authorization", "Bearer "+access)
		c.refused(400, "VALIDATION_FAILED", "POST", route, object{"refreshToken": strings.Repeat("x", 1025)})
	}
	c.refused(401, "TOKEN_MISSING", "GET", "/api/v1/users/me", nil, "Cookie", pair)
	c.refused(401, "TOKEN_MISSING", "GET", "/api/v1/users/me?access_token="+access, nil)
}

// staffRegistration registers an employee with the access token of an admin.
func staffRegistration(t *testing.T, p platform, admin client) {
	c := client{t: t, url: p.url, email: "route-staff@example.com"}
	body := object{"email": c.email, "password": password}
	a := admin.call(201, "POST", "/api/v1/auth/register-staff", body)
	if a.text("role") != "STAFF" || a.body["isActive"] != true || a.text("balance") != "0.00" {
		t.Errorf("register-staff: got %v, want an active employee with the balance 0.00", a)
	}
	admin.refused(409, "USER_EXISTS", "POST", "/api/v1/auth/register-staff", body)
	admin.refused(409, "USER_EXISTS", "POST", "/api/v1/auth/register", body)
	if a := c.login(password).call(200, "GET", "/api/v1/users/me", nil); a.text("role") != "STAFF" {
		t.Errorf("GET me of the new employee: got %v, want the role STAFF", a)
	}
}

// logout ends a session and its WebSocket.
func logout(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	access, refresh := inBody(c)
	c.token = access
	live := connect(c, "")
	anonymous := client{t: t, url: p.url}
	anonymous.call(204, "POST", "/api/v1/auth/logout", object{"refreshToken": refresh})
	c.refused(401, "TOKEN_REVOKED", "GET", "/api/v1/users/me", nil)
	c.refused(401, "TOKEN_REVOKED", "GET", "/api/v1/notifications", nil)
	anonymous.refused(401, "TOKEN_REVOKED", "POST", "/api/v1/auth/refresh", object{"refreshToken": refresh})
	if code := live.closed(); code != 4401 {
		t.Errorf("the WebSocket was closed with %d, want 4401", code)
	}
}

// registration sends duplicate and invalid registrations.
func registration(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	anonymous := client{t: t, url: p.url}
	anonymous.refused(409, "USER_EXISTS", "POST", "/api/v1/auth/register", object{"email": strings.ToUpper(c.email), "password": password})
	for field, body := range map[string]object{
		"email":    {"email": "not an address", "password": password},
		"password": {"email": "new@example.com", "password": "1234567"},
	} {
		a := anonymous.refused(400, "VALIDATION_FAILED", "POST", "/api/v1/auth/register", body)
		if !slices.Equal(fields(a), []string{field}) || strings.Contains(a.raw, "1234567") {
			t.Errorf("register with an invalid %s: got %v, want one violation and no password in the answer", field, a)
		}
	}
	anonymous.refused(401, "INVALID_CREDENTIALS", "POST", "/api/v1/auth/login", object{"email": "anonymous@example.com", "password": password})
}

// failedLogins sends wrong passwords until the rate limit refuses them.
func failedLogins(t *testing.T, p platform) {
	c := newPlayer(t, p.url)
	anonymous := client{t: t, url: p.url}
	for n := 1; ; n++ {
		a, err := anonymous.try("POST", "/api/v1/auth/login", object{"email": c.email, "password": fmt.Sprint("wrong password ", n)},
			"X-Forwarded-For", fmt.Sprintf("10.0.0.%d", n), "X-Real-IP", fmt.Sprintf("10.0.0.%d", n))
		if err != nil {
			t.Fatal(err)
		}
		if a.status == http.StatusTooManyRequests {
			seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
			if a.text("code") != "RATE_LIMITED" || err != nil || seconds < 1 || n < 5 {
				t.Errorf("login %d: got %v with header %v, want RATE_LIMITED with Retry-After after 4 or more logins", n, a, a.header)
			}
			isProblem(t, a, "/api/v1/auth/login")
			break
		}
		if a.text("code") != "INVALID_CREDENTIALS" || n > 50 {
			t.Fatalf("login %d: got %v, want INVALID_CREDENTIALS, and the rate limit by login 50", n, a)
		}
	}
	anonymous.refused(429, "RATE_LIMITED", "POST", "/api/v1/auth/login",
		object{"email": strings.ToUpper(c.email), "password": password})
	c.call(200, "GET", "/api/v1/users/me", nil) // existing sessions are not affected
	newPlayer(t, p.url)                         // neither are other accounts
}
