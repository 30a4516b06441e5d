package rpc

import (
	"net/http"

	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/services/users"
)

// The cookie of a refresh token goes to the routes that take one, and nowhere else.
const (
	cookieName = "refresh_token"
	cookiePath = "/api/v1/auth"
)

// presented returns the refresh token of a request: that in the body, else the cookie's, else the bearer token.
func presented(body string, h http.Header) string {
	if body != "" {
		return body
	}
	for _, c := range (&http.Request{Header: h}).CookiesNamed(cookieName) {
		if c.Value != "" {
			return c.Value
		}
	}
	token, _ := rpcserver.BearerToken(h)
	return token
}

// hand gives a refresh token to its client: as the cookie, or else as the member of the body that is returned.
func hand(t users.Tokens, h http.Header) (member *string) {
	if t.In == users.RefreshTokenInBody {
		return fields.Present(t.Refresh)
	}
	setCookie(h, t.Refresh, int(session.TTL.Seconds()))
	return nil
}

// setCookie sets the cookie; a negative age clears it.
func setCookie(h http.Header, value string, maxAge int) {
	c := http.Cookie{
		Name: cookieName, Value: value, Path: cookiePath, MaxAge: maxAge,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	}
	h.Add("Set-Cookie", c.String())
}
