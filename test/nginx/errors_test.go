package nginx_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
)

// raw sends bytes to Nginx and reads one answer.
func raw(t *testing.T, address, request string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	return resp, string(body)
}

// TestRefusedRequests checks that Nginx refuses invalid requests with problem documents and does not forward them.
func TestRefusedRequests(t *testing.T) {
	s := start(t, nginxtest.Config{})
	const host = " HTTP/1.1\r\nHost: x\r\n"
	long := strings.Repeat("a", 9<<10)
	for name, tt := range map[string]struct {
		request  string
		code     apperr.Code
		instance string
	}{
		"garbage":                         {"\x01\x02\x03\r\n\r\n", apperr.ValidationFailed, "/"},
		"lower-case method":               {"get /api/v1/users" + host + "\r\n", apperr.ValidationFailed, "/api/v1/users"},
		"space in the path":               {"GET /api/v1/users x" + host + "\r\n", apperr.ValidationFailed, "/api/v1/users"},
		"malformed percent-encoding":      {"GET /api/v1/%zz" + host + "\r\n", apperr.ValidationFailed, "/api/v1/%zz"},
		"NUL in the path":                 {"GET /api/v1/%00" + host + "\r\n", apperr.ValidationFailed, "/api/v1/%00"},
		"path above the root":             {"GET /../api/v1/users" + host + "\r\n", apperr.NotFound, "/../api/v1/users"},
		"two slashes":                     {"GET //api/v1/users" + host + "\r\n", apperr.NotFound, "//api/v1/users"},
		"quotes in the path":              {"GET /a\"b\\c" + host + "\r\n", apperr.NotFound, "/"},
		"absolute URL":                    {"GET http://x/nothing?a" + host + "\r\n", apperr.NotFound, "/nothing"},
		"no host":                         {"GET /nothing HTTP/1.1\r\n\r\n", apperr.ValidationFailed, "/nothing"},
		"two hosts":                       {"GET /nothing" + host + "Host: y\r\n\r\n", apperr.ValidationFailed, "/nothing"},
		"NUL in a header":                 {"GET /nothing" + host + "X: a\x00b\r\n\r\n", apperr.ValidationFailed, "/nothing"},
		"unknown version":                 {"GET /nothing HTTP/3.0\r\nHost: x\r\n\r\n", apperr.ValidationFailed, "/nothing"},
		"unknown transfer encoding":       {"POST /nothing" + host + "Transfer-Encoding: foo\r\n\r\n", apperr.ValidationFailed, "/nothing"},
		"length and transfer encoding":    {"POST /nothing" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", apperr.ValidationFailed, "/nothing"},
		"malformed length":                {"POST /api/v1/users" + host + "Content-Length: x\r\n\r\n", apperr.ValidationFailed, "/api/v1/users"},
		"TRACE":                           {"TRACE /api/v1/users" + host + "\r\n", apperr.MethodNotAllowed, "/api/v1/users"},
		"request line of 9 KiB":           {"GET /" + long + host + "\r\n", apperr.PayloadTooLarge, "/"},
		"query of 9 KiB":                  {"GET /api/v1/users?x=" + long + host + "\r\n", apperr.PayloadTooLarge, "/api/v1/users"},
		"header of 9 KiB":                 {"GET /api/v1/users" + host + "X: " + long + "\r\n\r\n", apperr.PayloadTooLarge, "/api/v1/users"},
		"headers of 45 KiB":               {"GET /api/v1/users" + host + strings.Repeat("X: "+long[:5<<10]+"\r\n", 9) + "\r\n", apperr.PayloadTooLarge, "/api/v1/users"},
		"body of more than 1 MiB":         {fmt.Sprintf("POST /api/v1/promotions%sContent-Length: %d\r\n\r\n", host, 1<<20+1), apperr.PayloadTooLarge, "/api/v1/promotions"},
		"procedure with more than 2 MiB":  {fmt.Sprintf("POST /loyalty.users.v1.UserService/GetMe%sContent-Length: %d\r\n\r\n", host, 2<<20+1), apperr.PayloadTooLarge, "/loyalty.users.v1.UserService/GetMe"},
		"unbounded chunks of 64 KiB":      {"POST /api/v1/promotions" + host + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("10000\r\n"+strings.Repeat("x", 1<<16)+"\r\n", 17), apperr.PayloadTooLarge, "/api/v1/promotions"},
		"old version without a host":      {"GET /nothing HTTP/1.0\r\n\r\n", apperr.NotFound, "/nothing"},
		"request of an unknown protocol":  {"SSH-2.0-OpenSSH_9.2\r\n\r\n", apperr.ValidationFailed, "/"},
		"HTTP/2 on the port for HTTP/1.1": {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", apperr.ValidationFailed, "/"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := raw(t, s.Address, tt.request)
			checkProblem(t, resp, body, tt.code, tt.instance)
		})
	}
	for _, service := range services {
		if n := s.count(service); n != 0 {
			t.Errorf("%s received %d of the refused requests, want 0", service, n)
		}
	}
	largest := strings.NewReader(strings.Repeat("x", 1<<20))
	if resp, _ := s.ask(t, "POST", "/api/v1/promotions", nil, largest); resp.Header.Get("Got-Body-Length") != "1048576" {
		t.Errorf("body of 1 MiB: %s, the service read %q bytes, want 1048576", resp.Status, resp.Header.Get("Got-Body-Length"))
	}
	header := http.Header{"Authorization": {strings.Repeat("x", 7<<10)}}
	if resp, _ := s.ask(t, "GET", "/api/v1/users", header, nil); resp.Header.Get("Service") != "users" {
		t.Errorf("header of 7 KiB: got %s, want an answer of users", resp.Status)
	}
}

// TestUnavailableServices checks the answers for replicas that refuse or abort connections. It also checks that Nginx
// forwards every answer of a service unchanged.
func TestUnavailableServices(t *testing.T) {
	t.Parallel()
	s := start(t, nginxtest.Config{})
	for _, r := range s.replicas["users"] {
		r.kill()
	}
	s.serve("promotions", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	for _, path := range []string{
		"/api/v1/users/me", "/loyalty.users.v1.UserService/GetMe", "/.well-known/jwks.json", "/users/api-docs/", "/version",
		"/api/v1/promotions", "/loyalty.promotions.v1.PromotionService/Claim",
	} {
		for range 3 { // later requests find all replicas marked as failed
			resp, body := s.ask(t, "GET", path, nil, nil)
			checkProblem(t, resp, body, apperr.DependencyUnavailable, path)
		}
	}
	for _, status := range []int{400, 404, 405, 413, 429, 500, 502, 503, 504} {
		s.serve("notifications", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			io.WriteString(w, "mine")
		}))
		for _, path := range []string{"/api/v1/notifications", "/loyalty.notifications.v1.NotificationService/MarkRead"} {
			resp, body := s.ask(t, "POST", path, nil, nil)
			if resp.StatusCode != status || body != "mine" || resp.Header.Get("Retry-After") != "7" {
				t.Errorf("%s: got %d %q with Retry-After %s, want the service's answer with status %d", path, resp.StatusCode, body,
					resp.Header.Get("Retry-After"), status)
			}
		}
	}
}

// TestSlowService checks the answer for a service that does not answer before a timeout, which is shorter in this test.
func TestSlowService(t *testing.T) {
	t.Parallel()
	s := start(t, nginxtest.Config{Server: "proxy_read_timeout 100ms; grpc_read_timeout 100ms;"})
	release := make(chan struct{})
	defer close(release)
	s.serve("users", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	for _, path := range []string{"/api/v1/users/x/deactivate", "/loyalty.users.v1.UserService/GetMe"} {
		resp, body := s.ask(t, "POST", path, nil, nil)
		checkProblem(t, resp, body, apperr.DependencyUnavailable, path)
		if !strings.Contains(body, "the outcome is unknown") {
			t.Errorf("%s: got %s, want the detail to say that the outcome is unknown", path, body)
		}
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	s := start(t, nginxtest.Config{})
	for _, paths := range [][]string{
		{
			"/api/v1/auth/login", "/loyalty.users.v1.AuthService/Login",
			"/api/v1/users/me/password", "/loyalty.users.v1.UserService/ChangeMyPassword",
		},
		{"/api/v1/auth/register", "/loyalty.users.v1.AuthService/Register"},
	} {
		limited := map[string]bool{}
		for i := 0; len(limited) < len(paths); i++ {
			path := paths[i%len(paths)]
			resp, body := s.ask(t, "POST", path, nil, strings.NewReader("{}"))
			switch {
			case resp.StatusCode == http.StatusTooManyRequests:
				checkProblem(t, resp, body, apperr.RateLimited, path)
				limited[path] = true
			case i > 100_000:
				t.Fatalf("%v: no limit after %d requests", paths, i)
			case i < 50 && len(limited) > 0:
				t.Fatalf("%v: a limit after %d requests, want at least 50 at once", paths, i)
			}
		}
	}
	for range 200 {
		for _, path := range []string{"/api/v1/auth/refresh", "/api/v1/users/me"} {
			if resp, body := s.ask(t, "POST", path, nil, nil); resp.StatusCode != http.StatusOK {
				t.Fatalf("%s has a limit: %d %s", path, resp.StatusCode, body)
			}
		}
	}
}
