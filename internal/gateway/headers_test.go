package gateway_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestForgedHeadersAreRemoved(t *testing.T) {
	forged := http.Header{}
	for _, name := range []string{
		"X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix",
		"Forwarded", "True-Client-Ip", "Cf-Connecting-Ip", "X-Client-Ip", "X-Original-Url",
	} {
		forged[name] = []string{"6.6.6.6"}
	}
	forged.Set("Authorization", "Bearer x")
	resp, _ := ask(t, start(t, services()), "GET", "/api/v1/users/me", forged)
	for name, want := range map[string]string{
		"X-Real-Ip": "127.0.0.1", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "Authorization": "Bearer x",
	} {
		if got := resp.Header["Got-"+name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		forged.Del(name)
	}
	for name := range forged {
		if got := resp.Header["Got-"+name]; got != nil {
			t.Errorf("the service got %s: %q, want no such header", name, got)
		}
	}
}

func TestRequestID(t *testing.T) {
	generated := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	base := start(t, services())
	for name, tt := range map[string]struct {
		sent []string
		kept bool
	}{
		"no header":   {nil, false},
		"well-formed": {[]string{"0191-abc_DEF.9"}, true},
		"too short":   {[]string{"abc"}, false},
		"too long":    {[]string{strings.Repeat("a", 65)}, false},
		"space":       {[]string{"abcdefgh ijkl"}, false},
		"markup":      {[]string{"<script>alert(1)</script>"}, false},
		"two headers": {[]string{"abcdefgh-1", "abcdefgh-2"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			resp, _ := ask(t, base, "GET", "/api/v1/users", http.Header{"X-Request-Id": tt.sent})
			got := resp.Header.Get("X-Request-Id")
			if passed := resp.Header["Got-X-Request-Id"]; len(passed) != 1 || passed[0] != got {
				t.Errorf("the service got the request id %q, the client %q", passed, got)
			}
			if tt.kept && got != tt.sent[0] || !tt.kept && !generated.MatchString(got) {
				t.Errorf("the request id is %q after %q was sent, want it kept: %t", got, tt.sent, tt.kept)
			}
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	base := start(t, services())
	for _, path := range []string{"/api/v1/users", "/health", "/nowhere", "/users/api-docs/"} {
		resp, _ := ask(t, base, "GET", path, nil)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Server": "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		policy := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: Content-Security-Policy is %q, want default-src 'none' and frame-ancestors 'none'", path, policy)
		}
	}
}
