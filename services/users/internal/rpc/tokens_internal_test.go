package rpc

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func FuzzPresentedCookies(f *testing.F) {
	for _, line := range []string{
		"", "__Secure-refresh_token=x", "a=b; __Secure-refresh_token=x;__Secure-refresh_token=y", "__Secure-refresh_token", "__Secure-refresh_token=", `__Secure-refresh_token="x"`,
		`__Secure-refresh_token=\; __Secure-refresh_token=x`, " __Secure-refresh_token =x", "__Secure-refresh_token==;", "Refresh_Token=x", ";;=;",
		"__Secure-refresh_token=\x00", "__Secure-refresh_token=\xff", "__Secure-refresh_token=x,__Secure-refresh_token=y", "__Secure-refresh_token2=x",
	} {
		f.Add(line, "__Secure-refresh_token=second")
		f.Add("a=b", line)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		h := http.Header{"Cookie": {first, second}}
		got := presented("", h)
		if len(got.tokens) > 0 && !got.fromCookie {
			t.Errorf("cookies %q: got tokens %q with fromCookie false, want true", h["Cookie"], got.tokens)
		}
		if got.fromCookie != hasCookie(h) || got.fromCookie && !strings.Contains(first+";"+second, cookieName) {
			t.Errorf("cookies %q: got fromCookie %t, want %t", h["Cookie"], got.fromCookie, !got.fromCookie)
		}
		for _, token := range got.tokens {
			if token == "" || strings.ContainsAny(token, ";\\\x00\n\"") || !strings.Contains(first+";"+second, token) {
				t.Errorf("cookies %q: got invalid token %q", h["Cookie"], token)
			}
		}
		if want, ok := cookieValues(first, second); ok && !slices.Equal(got.tokens, want) {
			t.Errorf("cookies %q: got tokens %q, want %q", h["Cookie"], got.tokens, want)
		}
	})
}

// cookieValues returns the values of the refresh token's cookie that are not empty. It returns false if a line is malformed.
func cookieValues(lines ...string) (values []string, ok bool) {
	for _, line := range lines {
		cookies, err := http.ParseCookie(line)
		if err != nil {
			return nil, false
		}
		for _, c := range cookies {
			if c.Name == cookieName && c.Value != "" {
				values = append(values, c.Value)
			}
		}
	}
	return values, true
}

func FuzzPresentedBearerToken(f *testing.F) {
	for _, value := range []string{
		"", "Bearer", "Bearer ", "Bearer x", "bearer  x ", "BEARER\tx", "Basic x", "Bearer x y",
		"Bearer \x00", " Bearer x", "Bearerx",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := presented("", http.Header{"Authorization": {value}})
		if got.fromCookie || len(got.tokens) > 1 {
			t.Fatalf("Authorization %q: got %+v, want at most one token, not from a cookie", value, got)
		}
		scheme, token, _ := strings.Cut(value, " ")
		token = strings.TrimSpace(token)
		if want := strings.EqualFold(scheme, "Bearer") && token != ""; want != (len(got.tokens) == 1) {
			t.Errorf("Authorization %q: got tokens %q, want a token: %t", value, got.tokens, want)
		} else if want && got.tokens[0] != token {
			t.Errorf("Authorization %q: got tokens %q, want %q", value, got.tokens, token)
		}
	})
}

// FuzzPresented checks the precedence of the body, the cookie and the bearer token, in this order.
func FuzzPresented(f *testing.F) {
	for _, body := range []string{"", "b", "\x00", " "} {
		for _, cookie := range []string{"", "__Secure-refresh_token=", "__Secure-refresh_token=c", `__Secure-refresh_token=\`} {
			f.Add(body, cookie, "Bearer a")
			f.Add(body, cookie, "")
		}
	}
	f.Fuzz(func(t *testing.T, body, cookie, authorization string) {
		got := presented(body, http.Header{"Cookie": {cookie}, "Authorization": {authorization}})
		cookies := presented("", http.Header{"Cookie": {cookie}})
		bearer := presented("", http.Header{"Authorization": {authorization}})
		want := presentedTokens{fromCookie: cookies.fromCookie}
		switch {
		case body != "":
			want = presentedTokens{tokens: []string{body}}
		case len(cookies.tokens) > 0:
			want = cookies
		case len(bearer.tokens) > 0:
			want = bearer
		}
		if !slices.Equal(got.tokens, want.tokens) || got.fromCookie != want.fromCookie {
			t.Errorf("body %q, cookie %q, Authorization %q: got %+v, want %+v", body, cookie, authorization, got, want)
		}
	})
}
