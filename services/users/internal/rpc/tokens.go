package rpc

import (
	"context"
	"net/http"
	"strings"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/services/users"
)

// The names of the cookies with the refresh token and the device token, and their path. Browsers send the cookies only to
// routes under the path. Because of the prefix of the names, they accept the cookies only if they are Secure. The prefix
// "__Host-" would need the path "/".
const (
	cookieName       = "__Secure-refresh_token"
	deviceCookieName = "__Secure-device_token"
	cookiePath       = "/api/v1/auth"
)

// presentedTokens holds the refresh tokens of a request.
type presentedTokens struct {
	tokens []string
	// fromCookie is true if the request has the cookie and no refresh token in its body.
	fromCookie bool
}

// presented reads the refresh tokens of a request. It uses the first of these sources that has a token:
//   - the body
//   - the cookie, with all its values: browsers send several if the cookie was set for several paths or domains
//   - the bearer token
func presented(body string, h http.Header) presentedTokens {
	if body != "" {
		return presentedTokens{tokens: []string{body}}
	}
	p := presentedTokens{fromCookie: hasCookie(h)}
	for _, c := range (&http.Request{Header: h}).CookiesNamed(cookieName) {
		if c.Value != "" {
			p.tokens = append(p.tokens, c.Value)
		}
	}
	if len(p.tokens) > 0 {
		return p
	}
	if token, ok := rpcserver.BearerToken(h); ok {
		return presentedTokens{tokens: []string{token}}
	}
	return p
}

// hasCookie reports whether the request has the cookie, even if its value is not valid.
func hasCookie(h http.Header) bool {
	for _, line := range h["Cookie"] {
		for part := range strings.SplitSeq(line, ";") {
			if name, _, _ := strings.Cut(part, "="); strings.TrimSpace(name) == cookieName {
				return true
			}
		}
	}
	return false
}

// clearRefused clears the cookie in the response if err means that the cookie's token is refused, so that the browser stops
// sending it. After other errors, for example during an outage, the browser keeps the cookie.
func (p presentedTokens) clearRefused(ctx context.Context, err error) {
	if p.fromCookie && apperr.CodeOf(err).Info().HTTP == http.StatusUnauthorized {
		rpcserver.AddErrorHeader(ctx, "Set-Cookie", refreshCookie("", -1))
	}
}

// giveRefreshToken returns the refresh token for the response body if the client asked for it in the body. Otherwise it sets
// the cookie in h and returns nil.
func giveRefreshToken(t users.Tokens, h http.Header) (member *string) {
	if t.In == users.RefreshTokenInBody {
		return fields.Present(t.Refresh)
	}
	h.Add("Set-Cookie", refreshCookie(t.Refresh, int(session.TTL.Seconds())))
	if t.Device != "" {
		h.Add("Set-Cookie", secureCookie(deviceCookieName, t.Device, int(users.DeviceLifetime.Seconds())))
	}
	return nil
}

// presentedDevice returns the device token of a request, or "" if it has none.
func presentedDevice(h http.Header) string {
	for _, c := range (&http.Request{Header: h}).CookiesNamed(deviceCookieName) {
		return c.Value
	}
	return ""
}

// refreshCookie returns the value of a Set-Cookie header. The unit of maxAge is seconds; a negative value clears the cookie.
func refreshCookie(value string, maxAge int) string { return secureCookie(cookieName, value, maxAge) }

func secureCookie(name, value string, maxAge int) string {
	c := http.Cookie{
		Name: name, Value: value, Path: cookiePath, MaxAge: maxAge,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode,
	}
	return c.String()
}
