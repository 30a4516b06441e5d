package rpc_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

const clearedCookie = "__Secure-refresh_token=; Path=/api/v1/auth; Max-Age=0; HttpOnly; Secure; SameSite=Strict"

func refreshRequest(body string, header http.Header) request {
	return request{method: "POST", path: "/auth/refresh", body: body, header: header}
}

func logoutRequest(body string, header http.Header) request {
	return request{method: "POST", path: "/auth/logout", body: body, header: header}
}

// checkSetCookie checks the Set-Cookie headers of a response.
func checkSetCookie(t *testing.T, h http.Header, want ...string) {
	t.Helper()
	got := slices.DeleteFunc(slices.Clone(h.Values("Set-Cookie")), func(c string) bool {
		return strings.HasPrefix(c, "__Secure-device_token=") // random; see TestLoginSetsADeviceCookie
	})
	if !slices.Equal(got, want) {
		t.Errorf("got Set-Cookie %q, want %q", got, want)
	}
}

// presentation is a request with refresh tokens. tokens are those that the handler must read from it.
type presentation struct {
	body   string
	header http.Header
	tokens []string
}

func presentations() map[string]presentation {
	cookie := func(lines ...string) http.Header { return http.Header{"Cookie": lines} }
	bearer := func(h http.Header) http.Header {
		h.Set("Authorization", "Bearer "+bodyToken)
		return h
	}
	return map[string]presentation{
		"body":                    {`{"refreshToken":"body-token"}`, nil, []string{bodyToken}},
		"cookie":                  {"", cookie("a=b; __Secure-refresh_token=cookie-token"), []string{cookieToken}},
		"bearer token":            {"", bearer(http.Header{}), []string{bodyToken}},
		"body before cookie":      {`{"refreshToken":"body-token"}`, cookie("__Secure-refresh_token=x"), []string{bodyToken}},
		"cookie before bearer":    {"{}", bearer(cookie("__Secure-refresh_token=cookie-token")), []string{cookieToken}},
		"empty cookie and bearer": {"", bearer(cookie("__Secure-refresh_token=")), []string{bodyToken}},
		"duplicate cookies":       {"", cookie("__Secure-refresh_token=x; __Secure-refresh_token=cookie-token"), []string{"x", cookieToken}},
		"two headers":             {"", cookie("__Secure-refresh_token=x", "__Secure-refresh_token=cookie-token"), []string{"x", cookieToken}},
		"quoted cookie":           {"", cookie(`__Secure-refresh_token="cookie-token"`), []string{cookieToken}},
		"other names":             {"", cookie("__Secure-refresh_token2=x; __Secure-refresh_token=cookie-token"), []string{cookieToken}},
		"invalid cookie skipped":  {"", cookie(`__Secure-refresh_token=\; __Secure-refresh_token=cookie-token`), []string{cookieToken}},
	}
}

func TestRefresh(t *testing.T) {
	for name, tt := range presentations() {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			got := f.send(http.StatusOK, refreshRequest(tt.body, tt.header))
			if !slices.Equal(f.sessions.presented, tt.tokens) {
				t.Errorf("the handler read the tokens %q, want %q", f.sessions.presented, tt.tokens)
			}
			want := object{"accessToken": "access-token", "expiresAt": expiresAt}
			if slices.Contains(tt.tokens, cookieToken) {
				checkCookie(t, got.header, nextToken)
			} else {
				want["refreshToken"] = nextToken
				checkCookie(t, got.header, "")
			}
			equal(t, got.body, want)
		})
	}
}

func TestLogout(t *testing.T) {
	for name, tt := range presentations() {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			got := f.send(http.StatusNoContent, logoutRequest(tt.body, tt.header))
			if !slices.Equal(f.sessions.presented, tt.tokens) {
				t.Errorf("the handler read the tokens %q, want %q", f.sessions.presented, tt.tokens)
			}
			checkSetCookie(t, got.header, clearedCookie)
		})
	}
}

func TestRefreshAndLogoutRefuseInvalidInput(t *testing.T) {
	f := start(t)
	for body, field := range map[string]string{
		`{"refreshToken":17}`: "refreshToken",
		`{"refreshToken":"` + strings.Repeat("x", 1025) + `"}`: "refreshToken",
		`{"refresh_token":"x"}`:                                "refresh_token",
	} {
		f.invalid(field, refreshRequest(body, nil))
		f.invalid(field, logoutRequest(body, nil))
	}
	if len(f.sessions.presented) > 0 {
		t.Errorf("the handler read the tokens %q of refused requests, want none", f.sessions.presented)
	}
}

// TestRefreshAndLogoutClearRefusedCookies checks that the response clears a refused cookie, and sets no cookie if the cookie
// was not used.
func TestRefreshAndLogoutClearRefusedCookies(t *testing.T) {
	for name, tt := range map[string]struct {
		body   string
		header http.Header
		code   apperr.Code
		clear  bool
	}{
		"no token":           {"", nil, apperr.TokenMissing, false},
		"unknown body":       {`{"refreshToken":"x"}`, nil, apperr.TokenInvalid, false},
		"unknown bearer":     {"", http.Header{"Authorization": {"Bearer x"}}, apperr.TokenInvalid, false},
		"other scheme":       {"", http.Header{"Authorization": {"Basic x"}}, apperr.TokenMissing, false},
		"two Authorizations": {"", http.Header{"Authorization": {"Bearer x", "Bearer y"}}, apperr.TokenMissing, false},
		"unknown cookie":     {"", http.Header{"Cookie": {"__Secure-refresh_token=x"}}, apperr.TokenInvalid, true},
		"empty cookie":       {"", http.Header{"Cookie": {"__Secure-refresh_token="}}, apperr.TokenMissing, true},
		"invalid cookie":     {"", http.Header{"Cookie": {`__Secure-refresh_token=\`}}, apperr.TokenMissing, true},
		"body and cookie":    {`{"refreshToken":"x"}`, http.Header{"Cookie": {"__Secure-refresh_token=y"}}, apperr.TokenInvalid, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			for _, r := range []request{refreshRequest(tt.body, tt.header), logoutRequest(tt.body, tt.header)} {
				var want []string
				if tt.clear {
					want = []string{clearedCookie}
				}
				checkSetCookie(t, f.refused(tt.code, r).header, want...)
			}
		})
	}
}

func TestRefreshAndLogoutKeepTheCookieInAnOutage(t *testing.T) {
	f := start(t)
	f.sessions.err = apperr.New(apperr.DependencyUnavailable, "sessions cannot be reached")
	header := http.Header{"Cookie": {"__Secure-refresh_token=" + cookieToken}}
	checkSetCookie(t, f.refused(apperr.DependencyUnavailable, refreshRequest("", header)).header)
	checkSetCookie(t, f.refused(apperr.DependencyUnavailable, logoutRequest("", header)).header)
}

func TestRefreshOfDeactivatedUser(t *testing.T) {
	f := start(t)
	id := uuid.MustParse(playerID)
	u := f.store.users[id]
	u.IsActive = false
	f.store.users[id] = u
	header := http.Header{"Cookie": {"__Secure-refresh_token=" + cookieToken}}
	checkSetCookie(t, f.refused(apperr.TokenRevoked, refreshRequest("", header)).header, clearedCookie)
	if !slices.Equal(f.sessions.ended, []uuid.UUID{id}) {
		t.Errorf("the sessions of %v were ended, want those of %s", f.sessions.ended, playerID)
	}
}

// TestRefreshAndLogoutRefuseOtherOrigins checks that a page of another origin cannot use the cookie. A token in the body or
// in the header Authorization does not come from the browser, so it is accepted.
func TestRefreshAndLogoutRefuseOtherOrigins(t *testing.T) {
	for name, header := range map[string]http.Header{
		"another origin": {"Origin": {"https://evil.example"}}, "cross-site": {"Sec-Fetch-Site": {"cross-site"}},
		"same-site": {"Sec-Fetch-Site": {"same-site"}},
	} {
		f := start(t)
		header.Set("Cookie", "__Secure-refresh_token="+cookieToken)
		checkSetCookie(t, f.refused(apperr.Forbidden, refreshRequest("", header)).header)
		checkSetCookie(t, f.refused(apperr.Forbidden, logoutRequest("{}", header)).header)
		if len(f.sessions.presented) > 0 {
			t.Errorf("%s: the handler used the tokens %q, want none", name, f.sessions.presented)
		}
		f.send(http.StatusOK, refreshRequest(`{"refreshToken":"body-token"}`, header))
	}
	f := start(t)
	f.send(http.StatusOK, refreshRequest("", http.Header{
		"Cookie": {"__Secure-refresh_token=" + cookieToken}, "Origin": {"https://example.com"}, "Sec-Fetch-Site": {"same-origin"},
	}))
}
