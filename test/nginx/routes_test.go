package nginx_test

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
)

func TestRoutes(t *testing.T) {
	const none = ""
	s := start(t, nginxtest.Config{})
	for path, want := range map[string]string{
		"/api/v1/auth/register":                  "users",
		"/api/v1/auth/refresh":                   "users",
		"/api/v1/auth/":                          "users",
		"/api/v1/auth":                           none,
		"/api/v1/authx/login":                    none,
		"/api/v1/users":                          "users",
		"/api/v1/users?page_size=1&x=//../":      "users",
		"/api/v1/users/":                         "users",
		"/api/v1/users/me/transactions":          "users",
		"/api/v1/users/me/...":                   "users",
		"/api/v1/users/1/restrictions":           "users",
		"/api/v1/users/1/restrictions/refusals":  "promotions",
		"/api/v1/users/1/restrictions/refusalsx": "users",
		"/api/v1/usersx":                         none,
		"/api/v1/audit":                          "users",
		"/api/v1/auditx":                         none,
		"/API/v1/users":                          none,
		"/.well-known/jwks.json":                 "users",
		"/.well-known/jwks.json/x":               none,
		"/.well-known/openid-configuration":      none,
		"/api/v1/promotions":                     "promotions",
		"/api/v1/promotions/claim":               "promotions",
		"/api/v1/promotions/1/assign":            "promotions",
		"/api/v1/anomalies":                      "promotions",
		"/api/v1/anomalies/1/seen":               "promotions",
		"/api/v1/anomaliesx":                     none,
		"/api/v1/notifications":                  "notifications",
		"/api/v1/notifications/read":             "notifications",
		"/notifications/ws":                      "notifications",
		"/notifications/ws?since=%00":            "notifications",
		"/notifications/ws/x":                    none,
		"/notifications":                         none,
		"/api/v2/users":                          none,
		"/api/v1":                                none,
		"/":                                      none,
		"/users/internal":                        none,
		"/metrics":                               none,
		"/debug/pprof/":                          none,
		"/debug/pprof/heap":                      none,
		"/health/ready":                          none,
		"/.problem/404":                          none,
		"/.problem/health":                       none,
		"/.ready/users":                          none,
		"/.health/live":                          none,
		"/.none":                                 none,
		"/loyalty.users.v1.AuthService/Login":    "users",
		"/loyalty.users.v1.UserService/GetMe":    "users",
		"/loyalty.users.v1.AuditService/ListAuditEntries":             "users",
		"/loyalty.users.v1.RestrictionService/ListRestrictions":       "users",
		"/loyalty.users.v1.UserService":                               none,
		"/loyalty.users.v1.UserServiceX/GetMe":                        none,
		"/loyaltyXusers.v1.UserService/GetMe":                         none,
		"/loyalty.promotions.v1.PromotionService/Claim":               "promotions",
		"/loyalty.promotions.v1.AnomalyService/ListAnomalies":         "promotions",
		"/loyalty.notifications.v1.NotificationService/MarkRead":      "notifications",
		"/loyalty.users.v1.LedgerService/AddTransaction":              none,
		"/loyalty.users.v1.LedgerService%2FAddTransaction":            none,
		"/loyalty.users.v1.%4cedgerService/AddTransaction":            none,
		"/api/v1/users/../../loyalty.users.v1.LedgerService/Add":      none,
		"/api/v1/users/%2e%2e/%2E%2e/loyalty.users.v1.LedgerService/": none,
		"/loyalty.users.v1.LedgerService/../../api/v1/users":          none,
		"/api/v1/users//me":        none,
		"/api/v1/users/./me":       none,
		"/api/v1/users/.":          none,
		"/api/v1/users/me/..":      none,
		"/api/v1/users/x%2F..%2Fy": none,
		"/api/v1/users/%2f":        none,
		"/api/v1/users#x":          none,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": none,
		"/grpc.health.v1.Health/Check":                              none,
	} {
		t.Run(path, func(t *testing.T) {
			instance, _, _ := strings.Cut(path, "?")
			for _, method := range []string{"POST", "GET", "PATCH", "DELETE", "OPTIONS"} {
				resp, body := s.ask(t, method, path, nil, nil)
				if got := resp.Header.Get("Service"); got != want {
					t.Fatalf("%s: the service %q answers, want %q: %d %s", method, got, want, resp.StatusCode, body)
				}
				switch {
				case want != none && body != path:
					t.Errorf("%s: the service received the path %s, want %s", method, body, path)
				case want == none && strings.Contains(path, "#"):
					checkProblem(t, resp, body, apperr.NotFound, "/")
				case want == none:
					checkProblem(t, resp, body, apperr.NotFound, instance)
				}
			}
		})
	}
	for path, want := range map[string]string{
		"/version": "users", "/users/api-docs": "users", "/users/api-docs/": "users", "/users/api-docs/openapi.yaml": "users",
		"/promotions/api-docs/": "promotions", "/notifications/api-docs/page.js": "notifications", "/asyncapi.yaml": "notifications",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			if resp, _ := s.ask(t, method, path, nil, nil); resp.Header.Get("Service") != want {
				t.Errorf("%s %s: the service %q answers, want %q", method, path, resp.Header.Get("Service"), want)
			}
		}
		resp, body := s.ask(t, "POST", path, nil, nil)
		checkProblem(t, resp, body, apperr.MethodNotAllowed, path)
		if got := resp.Header.Get("Allow"); got != "GET, HEAD" {
			t.Errorf("%s: Allow is %q, want GET, HEAD", path, got)
		}
	}
}

func TestForgedHeadersAreReplaced(t *testing.T) {
	t.Parallel()
	s := start(t, nginxtest.Config{})
	removed := []string{
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl",
		"X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-User", "X-Forwarded", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip",
		"X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Url", "X-Original-Uri", "X-Original-Method", "X-Original-Host",
		"X-Original-Forwarded-For", "X_real_ip", "Upgrade", "Connection",
	}
	forged := http.Header{"X-Real-Ip": {"6.6.6.6", "7.7.7.7"}, "X-Forwarded-For": {"6.6.6.6"}, "X-Forwarded-Proto": {"https"}}
	for _, name := range removed {
		forged[name] = []string{"6.6.6.6"}
	}
	forged.Set("Authorization", "Bearer x")
	forged.Set("Cookie", "a=b; c=d")
	forged.Set("Idempotency-Key", "k")
	for _, path := range []string{"/api/v1/users/me", "/notifications/ws", "/users/api-docs/", "/loyalty.users.v1.UserService/GetMe"} {
		resp, _ := s.ask(t, "GET", path, forged, nil)
		for name, want := range map[string]string{
			"X-Real-Ip": "127.0.0.1", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http",
			"Authorization": "Bearer x", "Cookie": "a=b; c=d", "Idempotency-Key": "k", "Host": s.Address,
		} {
			if got := resp.Header["Got-"+name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: the service received %s: %q, want %q", path, name, got, want)
			}
		}
		for _, name := range removed {
			if got := resp.Header["Got-"+name]; got != nil {
				t.Errorf("%s: the service received %s: %q, want the header removed", path, name, got)
			}
		}
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	generated := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`)
	s := start(t, nginxtest.Config{})
	s.serve("promotions", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Got-X-Request-Id"] = r.Header.Values("X-Request-Id")
		w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id")) // as the services do
	}))
	seen := map[string]bool{}
	for name, tt := range map[string]struct {
		sent []string
		kept bool
	}{
		"no header":   {nil, false},
		"well-formed": {[]string{"0191-abc_DEF.9"}, true},
		"longest":     {[]string{strings.Repeat("a", 64)}, true},
		"too short":   {[]string{"abcdefg"}, false},
		"too long":    {[]string{strings.Repeat("a", 65)}, false},
		"space":       {[]string{"abcdefgh ijkl"}, false},
		"markup":      {[]string{"<script>alert(1)</script>"}, false},
		"quote":       {[]string{`abcdefgh"ijkl`}, false},
	} {
		for _, path := range []string{"/api/v1/users", "/api/v1/promotions", "/loyalty.promotions.v1.PromotionService/Claim", "/nothing"} {
			resp, _ := s.ask(t, "GET", path, http.Header{"X-Request-Id": tt.sent}, nil)
			ids := resp.Header.Values("X-Request-Id")
			if len(ids) != 1 {
				t.Fatalf("%s, %s: the request ids are %q, want one", name, path, ids)
			}
			if passed := resp.Header["Got-X-Request-Id"]; path != "/nothing" && !slices.Equal(passed, ids) {
				t.Errorf("%s, %s: the service got the request id %q, the client %q", name, path, passed, ids)
			}
			if tt.kept && ids[0] != tt.sent[0] || !tt.kept && (!generated.MatchString(ids[0]) || seen[ids[0]]) {
				t.Errorf("%s, %s: the request id is %q, want the client's id: %v", name, path, ids[0], tt.kept)
			}
			seen[ids[0]] = true
		}
	}
	// For a request with two ids, the service and the client must receive one and the same id.
	resp, _ := s.ask(t, "GET", "/api/v1/users", http.Header{"X-Request-Id": {"abcdefgh-1", "abcdefgh-2"}}, nil)
	if passed, ids := resp.Header["Got-X-Request-Id"], resp.Header.Values("X-Request-Id"); len(ids) != 1 || !slices.Equal(passed, ids) {
		t.Errorf("two ids: the service got the request ids %q, the client %q", passed, ids)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, nginxtest.Config{})
	const own = "default-src 'none'; script-src 'self'"
	s.serve("promotions", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", own)
	}))
	const policy = "default-src 'none'; frame-ancestors 'none'"
	for path, policy := range map[string]string{
		"/api/v1/users": policy, "/health": policy, "/health/live": policy, "/nowhere": policy, "/promotions/api-docs/": own,
		"/loyalty.users.v1.UserService/GetMe": policy,
	} {
		resp, _ := s.ask(t, "GET", path, nil, nil)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Server": "nginx",
			"Cross-Origin-Resource-Policy": "same-origin", "Content-Security-Policy": policy, "Strict-Transport-Security": "",
		} {
			if got := strings.Join(resp.Header.Values(name), ", "); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := start(t, nginxtest.Config{})
	ready := func(method, path, body string) {
		t.Helper()
		resp, got := s.ask(t, method, path, nil, nil)
		if resp.StatusCode != http.StatusOK || strings.TrimSpace(got) != body {
			t.Errorf("%s %s: %d %s, want 200 %s", method, path, resp.StatusCode, got, body)
		}
		if ct, cc := resp.Header.Get("Content-Type"), resp.Header.Get("Cache-Control"); ct != "application/json" || cc != "no-store" {
			t.Errorf("%s %s: Content-Type %q, Cache-Control %q, want application/json and no-store", method, path, ct, cc)
		}
	}
	unready := func(path, states string) {
		t.Helper()
		resp, body := s.ask(t, "GET", path, nil, nil)
		checkProblem(t, resp, body, apperr.DependencyUnavailable, path)
		if !strings.Contains(body, `"detail":"`+states+`"`) {
			t.Errorf("GET %s: got %s, want the detail %q", path, body, states)
		}
	}
	ready("GET", "/health", `{"status":"ok","services":{"notifications":"ok","promotions":"ok","users":"ok"}}`)
	ready("HEAD", "/health", "")
	ready("GET", "/health/", `{"status":"ok","services":{"notifications":"ok","promotions":"ok","users":"ok"}}`)
	ready("GET", "/health/live", `{"status":"ok"}`)
	ready("HEAD", "/health/live", "")
	for _, r := range s.replicas["promotions"] {
		r.unready.Store(true)
	}
	unready("/health", "notifications: ok, promotions: unavailable, users: ok")
	ready("GET", "/health/users", `{"status":"ok","services":{"users":"ok"}}`)
	unready("/health/promotions", "promotions: unavailable")
	if resp, body := s.ask(t, "HEAD", "/health/promotions/", nil, nil); resp.StatusCode != http.StatusServiceUnavailable || body != "" {
		t.Errorf("HEAD /health/promotions/: %d %s, want 503 without a body", resp.StatusCode, body)
	}
	for _, r := range s.replicas["promotions"] {
		r.unready.Store(false)
	}
	s.replicas["users"][0].kill()
	for range 5 {
		ready("GET", "/health/users", `{"status":"ok","services":{"users":"ok"}}`)
	}
	s.replicas["users"][1].kill()
	for _, r := range s.replicas["notifications"] {
		r.kill()
	}
	unready("/health/users", "users: unavailable")
	unready("/health/notifications", "notifications: unavailable")
	unready("/health", "notifications: unavailable, promotions: ok, users: unavailable")
	ready("GET", "/health/live", `{"status":"ok"}`)
	for _, path := range []string{"/health", "/health/users", "/health/live"} {
		resp, body := s.ask(t, "POST", path, nil, strings.NewReader("{}"))
		checkProblem(t, resp, body, apperr.MethodNotAllowed, path)
		if got := resp.Header.Get("Allow"); got != "GET, HEAD" {
			t.Errorf("POST %s: Allow is %q, want GET, HEAD", path, got)
		}
	}
	for _, path := range []string{"/health/casino", "/health//users", "/healthy", "/health/users/x"} {
		resp, body := s.ask(t, "GET", path, nil, nil)
		checkProblem(t, resp, body, apperr.NotFound, path)
	}
}

// TestShippedReplicas checks that the shipped replicas.conf defines the same upstreams as the tests.
func TestShippedReplicas(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../deploy/nginx/replicas.conf")
	if err != nil {
		t.Fatal(err)
	}
	statements := func(text string) []string {
		return strings.Fields(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(text, ""))
	}
	addresses := map[string][]string{}
	for _, service := range services {
		addresses[service] = []string{service + ":8080"}
	}
	got, want := statements(string(content)), statements(nginxtest.Replicas(addresses))
	slices.Sort(got) // the order of the upstreams is not relevant
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("replicas.conf has the statements %q, want %q", got, want)
	}
}
