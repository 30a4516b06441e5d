package rpc_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/session"
)

const expiresAt = "2026-03-10T12:10:00Z"

func loginRequest(body string) request {
	return request{method: "POST", path: "/auth/login", body: body}
}

func TestLogin(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		in     session.RefreshTokenIn
		cookie string
		member any
	}{
		"default": {`{"email":"anna@example.com","password":"correct horse"}`, session.InCookie, cookieToken, nil},
		"cookie": {
			`{"email":"anna@example.com","password":"correct horse","refreshTokenIn":"COOKIE"}`,
			session.InCookie, cookieToken, nil,
		},
		"body": {
			`{"email":"anna@example.com","password":"correct horse","refreshTokenIn":"BODY"}`,
			session.InBody, "", cookieToken,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			got := f.send(http.StatusOK, loginRequest(tt.body))
			want := object{"accessToken": "access-token", "expiresAt": expiresAt, "user": player()}
			if tt.member != nil {
				want["refreshToken"] = tt.member
			}
			equal(t, got.body, want)
			checkCookie(t, got.header, tt.cookie)
			if f.sessions.in != tt.in {
				t.Errorf("the session returns refresh tokens in %s, want %s", f.sessions.in, tt.in)
			}
		})
	}
}

// checkCookie checks that a response sets the cookie to a refresh token, or sets no cookie if the token is empty.
func checkCookie(t *testing.T, h http.Header, token string) {
	t.Helper()
	var want []string
	if token != "" {
		want = []string{"__Secure-refresh_token=" + token + "; Path=/api/v1/auth; Max-Age=86400; HttpOnly; Secure; SameSite=Strict"}
	}
	checkSetCookie(t, h, want...)
	if h.Get("Cache-Control") != "no-store" {
		t.Errorf("got Cache-Control %q, want no-store", h.Get("Cache-Control"))
	}
}

func TestLoginRefusesInvalidInput(t *testing.T) {
	f := start(t)
	for body, field := range map[string]string{
		`{"password":"correct horse"}`:                                                    "email",
		`{"email":"anna@example.com"}`:                                                    "password",
		`{"email":"anna\u0000@example.com","password":"correct horse"}`:                   "email",
		`{"email":"anna@example.com","password":"correct horse","refreshTokenIn":"POST"}`: "refreshTokenIn",
		`{"email":"anna@example.com","password":"correct horse","refreshToken":"x"}`:      "refreshToken",
	} {
		f.invalid(field, loginRequest(body))
	}
}

func TestLoginRefusals(t *testing.T) {
	f := start(t)
	right := loginRequest(`{"email":"anna@example.com","password":"correct horse"}`)
	wrong := loginRequest(`{"email":"anna@example.com","password":"wrong horse"}`)
	f.refused(apperr.InvalidCredentials, wrong)
	f.refused(apperr.InvalidCredentials, loginRequest(`{"email":"bob@example.com","password":"correct horse"}`))
	f.limiter.err = apperr.New(apperr.RateLimited, "too many failed logins")
	f.refused(apperr.RateLimited, right)
	f.limiter.err = nil

	id := uuid.MustParse(playerID)
	u := f.store.users[id]
	u.IsActive = false
	f.store.users[id] = u
	f.refused(apperr.InvalidCredentials, wrong)
	checkSetCookie(t, f.refused(apperr.AccountDeactivated, right).header)
}

func TestLoginSetsADeviceCookie(t *testing.T) {
	for in, want := range map[string]int{"COOKIE": 1, "BODY": 0} {
		f := start(t)
		h := f.send(http.StatusOK, loginRequest(`{"email":"anna@example.com","password":"correct horse","refreshTokenIn":"`+in+`"}`)).header
		found := 0
		for _, c := range (&http.Response{Header: h}).Cookies() {
			if c.Name != "__Secure-device_token" {
				continue
			}
			found++
			if c.Value == "" || c.Path != "/api/v1/auth" || c.MaxAge != 180*24*3600 || !c.HttpOnly || !c.Secure ||
				c.SameSite != http.SameSiteStrictMode {
				t.Errorf("got the cookie %+v, want a secure cookie for 180 days", c)
			}
		}
		if found != want {
			t.Errorf("%s: got %d device cookies, want %d", in, found, want)
		}
	}
}
