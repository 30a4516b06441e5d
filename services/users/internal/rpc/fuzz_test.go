package rpc_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// FuzzRefreshAndLogout sends refresh tokens in the body, the cookie and the Authorization header. The status must be a
// success, 400 or 401. A success may set the next cookie. Otherwise the response may only clear the cookie.
func FuzzRefreshAndLogout(f *testing.F) {
	for name, p := range presentations() {
		f.Add(p.body, strings.Join(p.header["Cookie"], "; "), p.header.Get("Authorization"), strings.Contains(name, "cookie"))
	}
	f.Add(`{"refreshToken":"\u0000"}`, "__Secure-refresh_token=\x00", "Bearer \x00", true)
	f.Add(`{"refreshToken":"\ud800"}`, "__Secure-refresh_token=\xff", "Bearer \xff", false)
	handler := start(f).handler
	f.Fuzz(func(t *testing.T, body, cookie, authorization string, logout bool) {
		path, success := "/api/v1/auth/refresh", http.StatusOK
		if logout {
			path, success = "/api/v1/auth/logout", http.StatusNoContent
		}
		r := httptest.NewRequestWithContext(t.Context(), "POST", path, strings.NewReader(body))
		r.Header = http.Header{"Content-Type": {"application/json"}, "Cookie": {cookie}, "Authorization": {authorization}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if !slices.Contains([]int{success, http.StatusBadRequest, http.StatusUnauthorized}, w.Code) {
			t.Errorf("status %d, body %s, want status %d, 400 or 401", w.Code, w.Body, success)
		}
		for _, line := range w.Header().Values("Set-Cookie") {
			if line != clearedCookie && (w.Code != success || !strings.Contains(line, "="+nextToken+";")) {
				t.Errorf("status %d with Set-Cookie %q, want the next token after a success, or a cleared cookie", w.Code, line)
			}
		}
		if len(w.Header().Values("Set-Cookie")) > 1 {
			t.Errorf("got Set-Cookie %q, want at most one header", w.Header().Values("Set-Cookie"))
		}
	})
}
