package app_test

import (
	"net/http"
	"testing"
)

// loginCookie logs in and returns the refresh token of the cookie.
func (s *service) loginCookie(email string) string {
	s.Helper()
	a := s.want(s.call("POST", "/auth/login", credentials(email, secret)), http.StatusOK, "")
	return a.cookie.Value
}

// callCookies sends a POST request with the lines of its Cookie header.
func (s *service) callCookies(path string, lines ...string) response {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.url+"/api/v1/auth/"+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	req.Header["Cookie"] = lines
	return s.do(req)
}

func TestDuplicateCookies(t *testing.T) {
	s := start(t)
	s.register("anna@example.com")
	for _, path := range []string{"refresh", "logout"} {
		for name, lines := range map[string]func(revoked, valid string) []string{
			"garbage first": func(_, valid string) []string {
				return []string{"__Secure-refresh_token=x; __Secure-refresh_token=" + valid}
			},
			"revoked first": func(revoked, valid string) []string {
				return []string{"__Secure-refresh_token=" + revoked + "; __Secure-refresh_token=" + valid}
			},
			"revoked last": func(revoked, valid string) []string {
				return []string{"__Secure-refresh_token=" + valid + "; __Secure-refresh_token=" + revoked}
			},
			"two headers": func(revoked, valid string) []string {
				return []string{"__Secure-refresh_token=" + revoked, "a=b; __Secure-refresh_token=" + valid}
			},
			"empty and quoted": func(_, valid string) []string {
				return []string{`__Secure-refresh_token=; __Secure-refresh_token="` + valid + `"`}
			},
			"invalid characters": func(_, valid string) []string {
				return []string{"__Secure-refresh_token=\\; __Secure-refresh_token=" + valid}
			},
		} {
			revoked, valid := s.loginCookie("anna@example.com"), s.loginCookie("anna@example.com")
			s.want(s.callCookies("logout", "__Secure-refresh_token="+revoked), http.StatusNoContent, "")
			if a := s.callCookies(path, lines(revoked, valid)...); a.status >= 300 {
				t.Errorf("%s, %s: got %d %v, want success", path, name, a.status, a.body)
			}
		}
	}
	// An old token must not end its session if the request also contains the newest token.
	old := s.loginCookie("anna@example.com")
	newest := s.want(s.callCookies("refresh", "__Secure-refresh_token="+old), http.StatusOK, "").cookie.Value
	s.want(s.callCookies("refresh", "__Secure-refresh_token="+old+"; __Secure-refresh_token="+newest), http.StatusOK, "")
}

func TestRefusedCookieIsCleared(t *testing.T) {
	s := start(t)
	s.register("anna@example.com")
	for _, path := range []string{"refresh", "logout"} {
		for name, tt := range map[string]struct {
			lines []string
			code  string
		}{
			"garbage":            {[]string{"__Secure-refresh_token=x"}, "TOKEN_INVALID"},
			"two unknown":        {[]string{"__Secure-refresh_token=x; __Secure-refresh_token=y"}, "TOKEN_INVALID"},
			"invalid characters": {[]string{"__Secure-refresh_token=\\"}, "TOKEN_MISSING"},
		} {
			a := s.want(s.callCookies(path, tt.lines...), http.StatusUnauthorized, tt.code)
			c := a.cookie
			if c == nil || c.Name != "__Secure-refresh_token" || c.Value != "" || c.MaxAge >= 0 || c.Path != "/api/v1/auth" || !c.HttpOnly ||
				!c.Secure || c.SameSite != http.SameSiteStrictMode || len(a.header.Values("Set-Cookie")) != 1 {
				t.Errorf("%s, %s: got Set-Cookie %q, want the cookie cleared", path, name, a.header.Values("Set-Cookie"))
			}
		}
		for name, a := range map[string]response{
			"token in the body": s.call("POST", "/auth/"+path, object{"refreshToken": "x"}, "Cookie", "__Secure-refresh_token=y"),
			"bearer token":      s.call("POST", "/auth/"+path, nil, "Authorization", "Bearer x"),
			"no token":          s.call("POST", "/auth/"+path, nil),
		} {
			if a.status != http.StatusUnauthorized || a.cookie != nil {
				t.Errorf("%s, %s: got %d with cookie %v, want 401 without a cookie", path, name, a.status, a.cookie)
			}
		}
	}
}
