package nginx_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/gateway/nginxtest"
)

// TestRetries checks which requests Nginx sends to the second replica after the first replica has received them and aborted
// the connection. deploy/nginx/README.md has the same table.
func TestRetries(t *testing.T) {
	s := start(t, nginxtest.Config{})
	for _, tt := range []struct {
		method, path, service string
		retried               bool
	}{
		{"GET", "/api/v1/users/me", "users", true},
		{"HEAD", "/api/v1/users", "users", true},
		{"GET", "/api/v1/promotions", "promotions", true},
		{"GET", "/api/v1/notifications", "notifications", true},
		{"GET", "/.well-known/jwks.json", "users", true},
		{"POST", "/api/v1/auth/refresh", "users", true},
		{"DELETE", "/api/v1/users/me/sessions/x", "users", true},
		{"PUT", "/api/v1/users/x/restrictions/BONUS_ABUSE", "users", true},
		{"DELETE", "/api/v1/users/x/restrictions/BONUS_ABUSE", "users", true},
		{"POST", "/api/v1/users/me/restrictions", "users", false},
		{"POST", "/api/v1/users/me/password", "users", false},
		{"POST", "/api/v1/users/me/mfa/totp", "users", false},
		{"POST", "/api/v1/users/me/mfa/totp/confirm", "users", false},
		{"POST", "/api/v1/users/me/mfa/totp/verify", "users", false},
		{"DELETE", "/api/v1/users/me/mfa/totp", "users", true},
		{"DELETE", "/api/v1/users/x/mfa/totp", "users", true},
		{"GET", "/api/v1/audit", "users", true},
		{"POST", "/api/v1/promotions/claim", "promotions", true},
		{"POST", "/api/v1/promotions/x/assign", "promotions", true},
		{"POST", "/api/v1/anomalies/x/seen", "promotions", true},
		{"GET", "/api/v1/anomalies", "promotions", true},
		{"GET", "/api/v1/users/x/restrictions/refusals", "promotions", true},
		{"POST", "/api/v1/notifications/read", "notifications", true},
		{"POST", "/api/v1/users/x/transactions/x/reverse", "users", true},
		{"POST", "/api/v1/auth/register", "users", false},
		{"POST", "/api/v1/auth/register-staff", "users", false},
		{"POST", "/api/v1/auth/login", "users", false},
		{"POST", "/api/v1/auth/logout", "users", false},
		{"POST", "/api/v1/users/x/activate", "users", false},
		{"POST", "/api/v1/users/x/deactivate", "users", false},
		{"POST", "/api/v1/promotions", "promotions", false},
		{"PATCH", "/api/v1/promotions/x", "promotions", false},
		{"POST", "/loyalty.promotions.v1.PromotionService/Claim", "promotions", false},
		{"POST", "/loyalty.promotions.v1.AnomalyService/MarkAnomalySeen", "promotions", false},
		{"POST", "/loyalty.promotions.v1.PromotionService/CreatePromotion", "promotions", false},
		{"POST", "/loyalty.users.v1.AuthService/Register", "users", false},
		{"POST", "/loyalty.notifications.v1.NotificationService/MarkRead", "notifications", false},
	} {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			s := s.restarted(t, tt.service)
			var mu sync.Mutex
			received := 0
			s.serve(tt.service, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				received++
				first := received == 1
				mu.Unlock()
				if first {
					panic(http.ErrAbortHandler)
				}
				if tt.method == "POST" && string(body) != `{"a":1}` {
					t.Errorf("the retried request has the body %q", body)
				}
				w.WriteHeader(http.StatusOK)
			}))
			var body io.Reader
			if tt.method == "POST" || tt.method == "PATCH" {
				body = strings.NewReader(`{"a":1}`)
			}
			resp, content := s.ask(t, tt.method, tt.path, nil, body)
			want := 1
			if tt.retried {
				want = 2
			}
			mu.Lock()
			defer mu.Unlock()
			if received != want {
				t.Errorf("the replicas received the request %d times, want %d", received, want)
			}
			if tt.retried && resp.StatusCode != http.StatusOK {
				t.Errorf("status %d, want the answer of the second replica: %s", resp.StatusCode, content)
			}
			if !tt.retried {
				checkProblem(t, resp, content, apperr.DependencyUnavailable, tt.path)
			}
		})
	}
}

// restarted returns a stack with the same replicas and a new Nginx, which has not marked any replica as failed.
func (s *stack) restarted(t *testing.T, service string) *stack {
	t.Helper()
	c := nginxtest.Config{Replicas: map[string][]string{}}
	for _, name := range services {
		for _, r := range s.replicas[name] {
			c.Replicas[name] = append(c.Replicas[name], r.address)
		}
	}
	fresh := &stack{Server: nginxtest.Start(t, c), replicas: s.replicas, client: s.client, scheme: s.scheme}
	fresh.url = fresh.scheme + "://" + fresh.Address
	for _, r := range s.replicas[service] {
		r.handler.Store(nil)
	}
	return fresh
}

// TestFastRestarts kills and restarts the replicas one after the other, faster than Nginx readmits a replica that failed.
// Each request must reach the replica that runs. deploy/nginx/replicas.conf explains how.
func TestFastRestarts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, method, path, service, body string }{
		{"REST", "POST", "/api/v1/promotions", "promotions", "{}"},
		{"Connect", "POST", "/loyalty.users.v1.UserService/GetMe", "users", "{}"},
		{"WebSocket", "GET", "/notifications/ws", "notifications", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, nginxtest.Config{})
			succeed := func(when string) {
				t.Helper()
				for range 4 { // more than the failures that take a replica out
					if resp, body := s.ask(t, tt.method, tt.path, nil, strings.NewReader(tt.body)); resp.StatusCode != http.StatusOK {
						t.Fatalf("%s: got %d %s, want 200", when, resp.StatusCode, body)
					}
				}
			}
			replicas := s.replicas[tt.service]
			succeed("both replicas run")
			for i, r := range replicas {
				r.kill()
				succeed("replica " + r.address + " is killed")
				replicas[i] = startReplica(t, tt.service, r.address)
			}
			replicas[0].kill()
			succeed("the second replica has just been restarted, the first one is killed")
		})
	}
}

// TestFailover kills a replica of each service. All requests must succeed. This includes the requests that TestRetries lists
// as not retried: a dead replica has not received them, so Nginx sends them to the other replica. After a restart, the
// replica must receive requests again.
func TestFailover(t *testing.T) {
	t.Parallel()
	s := start(t, nginxtest.Config{})
	paths := []string{
		"/api/v1/auth/logout", "/api/v1/users/me", "/api/v1/promotions", "/api/v1/notifications/read",
		"/loyalty.users.v1.UserService/GetMe", "/loyalty.promotions.v1.PromotionService/Claim",
	}
	allSucceed := func(when string) {
		t.Helper()
		for range 20 {
			for _, path := range paths {
				if resp, body := s.ask(t, "POST", path, nil, strings.NewReader("{}")); resp.StatusCode != http.StatusOK {
					t.Fatalf("%s: POST %s: got %d %s, want 200", when, path, resp.StatusCode, body)
				}
			}
		}
	}
	allSucceed("all replicas run")
	for _, service := range services {
		for i, r := range s.replicas[service] {
			if r.requests.Load() == 0 {
				t.Errorf("replica %d of %s received no request", i, service)
			}
		}
		s.replicas[service][0].kill()
	}
	allSucceed("one replica of each service is dead")
	for _, service := range services {
		s.replicas[service][0] = startReplica(t, service, s.replicas[service][0].address)
	}
	deadline := time.Now().Add(time.Minute)
	for _, service := range services {
		for s.replicas[service][0].requests.Load() == 0 {
			allSucceed("all replicas run again")
			if time.Now().After(deadline) {
				t.Fatalf("the restarted replica of %s receives no requests", service)
			}
		}
	}
}
