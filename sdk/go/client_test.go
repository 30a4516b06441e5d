package loyalty_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	loyalty "github.com/casino-loyalty/loyalty/sdk/go"
)

// server is an HTTP server that records requests. The tests of test/sdk run against the platform; these tests check what the
// platform cannot be made to do at will.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

// serve starts a server. answer gets the number of the request, from 1, among the requests of its path.
func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, n int)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.requests, s.bodies = append(s.requests, r), append(s.bodies, string(body))
		n := 0
		for _, other := range s.requests {
			if other.URL.Path == r.URL.Path {
				n++
			}
		}
		s.mu.Unlock()
		answer(w, r, n)
	}))
	t.Cleanup(s.Close)
	return s
}

// headers returns the values of a header in the requests of a path.
func (s *server) headers(path, name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var values []string
	for _, r := range s.requests {
		if r.URL.Path == path {
			values = append(values, r.Header.Get(name))
		}
	}
	return values
}

func client(t *testing.T, s *server, options ...loyalty.Option) *loyalty.Client {
	t.Helper()
	c, err := loyalty.New(s.URL, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// token is an access token that does not expire during a test.
func token() loyalty.Option {
	return loyalty.WithTokens(loyalty.Tokens{Access: "access", Refresh: "refresh", ExpiresAt: time.Now().Add(time.Hour)})
}

// fail writes a problem document.
func fail(w http.ResponseWriter, status int, code loyalty.Code, members string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"about:blank","title":"T","status":%d,"detail":"d","code":%q,"instance":"/","requestId":"id-1"%s}`,
		status, code, members)
}

// drop closes the connection without an answer.
func drop(t *testing.T, w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	conn.Close()
}

const promotions = "/api/v1/promotions"

func TestRetriesKeepTheIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		switch n {
		case 1:
			drop(t, w)
		case 2:
			fail(w, http.StatusServiceUnavailable, loyalty.CodeDependencyUnavailable, "")
		case 3:
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"id":`)) // the answer breaks off
		default:
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"id":"p1","title":"A"}`))
		}
	})
	c := client(t, s, token(), loyalty.WithUserAgent("test/1"))
	for i := 1; i <= 2; i++ {
		p, err := c.CreatePromotion(t.Context(), loyalty.PromotionInput{Title: "A"})
		if err != nil || p.ID != "p1" {
			t.Fatalf("got %+v, %v", p, err)
		}
	}
	keys := s.headers(promotions, "Idempotency-Key")
	if len(keys) != 5 || keys[0] == "" || keys[0] != keys[1] || keys[0] != keys[2] || keys[0] != keys[3] || keys[3] == keys[4] {
		t.Errorf("the keys are %q, want one for the four attempts of the first call and another one for the second", keys)
	}
	if agent := s.headers(promotions, "User-Agent")[0]; !strings.HasPrefix(agent, "test/1 loyalty-go/"+loyalty.Version) {
		t.Errorf("the User-Agent is %q", agent)
	}
	_, err := c.CreatePromotion(t.Context(), loyalty.PromotionInput{Title: "A"}, loyalty.WithIdempotencyKey("own"))
	if keys = s.headers(promotions, "Idempotency-Key"); err != nil || keys[5] != "own" {
		t.Errorf("the key is %q, %v, want own", keys[5], err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			fail(w, http.StatusTooManyRequests, loyalty.CodeRateLimited, "")
			return
		}
		w.Header().Set("Retry-After", "3600")
		fail(w, http.StatusTooManyRequests, loyalty.CodeRateLimited, "")
	})
	start := time.Now()
	_, err := client(t, s, token()).GetMe(t.Context())
	var e *loyalty.Error
	if !errors.As(err, &e) || !e.Retryable() || e.RetryAfter != time.Hour || time.Since(start) < time.Second {
		t.Errorf("got %v after %s, want RATE_LIMITED with Retry-After of an hour, after more than a second", err, time.Since(start))
	}
	if n := len(s.headers("/api/v1/users/me", "Accept")); n != 2 {
		t.Errorf("%d requests, want 2: the second Retry-After exceeds the timeout", n)
	}
}

func TestLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request, _ int) { drop(t, w) })
	_, err := client(t, s).Login(t.Context(), "anna@example.com", "password")
	if n := len(s.headers("/api/v1/auth/login", "Accept")); err == nil || n != 1 {
		t.Errorf("got %v after %d requests, want an error after one", err, n)
	}
	if strings.Contains(fmt.Sprint(err), "password") {
		t.Errorf("the error contains the password: %v", err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		switch {
		case r.Method == http.MethodPost:
			fail(w, http.StatusConflict, loyalty.CodePromotionAlreadyClaimed, `,"transactionId":"tx-1"`)
		case r.URL.Path == promotions+"/proxy":
			w.Header().Set("X-Request-Id", "id-2")
			http.Error(w, "<html>", http.StatusForbidden)
		default:
			fail(w, http.StatusBadRequest, loyalty.CodeValidationFailed, `,"violations":[{"field":"a","rule":"r","message":"m"}]`)
		}
	})
	c := client(t, s, token())
	for name, tt := range map[string]struct {
		call func() error
		want loyalty.Error
		text string
	}{
		"refused": {
			func() error { _, err := c.Claim(t.Context(), loyalty.ClaimRequest{}); return err },
			loyalty.Error{Code: loyalty.CodePromotionAlreadyClaimed, Status: 409, RequestID: "id-1", TransactionID: "tx-1"},
			"loyalty: PROMOTION_ALREADY_CLAIMED: d (request id-1)",
		},
		"invalid": {
			func() error { _, err := c.GetPromotion(t.Context(), "x"); return err },
			loyalty.Error{Code: loyalty.CodeValidationFailed, Status: 400, RequestID: "id-1", Violations: []loyalty.Violation{{Field: "a", Rule: "r", Message: "m"}}},
			"loyalty: VALIDATION_FAILED: d; a: m (request id-1)",
		},
		"not from the platform": {
			func() error { _, err := c.GetPromotion(t.Context(), "proxy"); return err },
			loyalty.Error{Status: 403, RequestID: "id-2"}, "loyalty: status 403 (request id-2)",
		},
	} {
		err := tt.call()
		var e *loyalty.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if e.Code != tt.want.Code || e.Status != tt.want.Status || e.RequestID != tt.want.RequestID || e.TransactionID != tt.want.TransactionID ||
			!slices.Equal(e.Violations, tt.want.Violations) || e.Error() != tt.text || e.Retryable() {
			t.Errorf("%s: got %+v, %q, want %+v, %q", name, e, e.Error(), tt.want, tt.text)
		}
		if tt.want.Code != "" && (!errors.Is(err, tt.want.Code) || errors.Is(err, loyalty.CodeNotFound)) {
			t.Errorf("%s: errors.Is does not compare the code", name)
		}
	}
}

func TestConcurrentCallsShareOneRefresh(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		switch {
		case r.URL.Path == "/api/v1/auth/refresh" && n == 1:
			drop(t, w) // the answer is lost; the platform repeats it
		case r.URL.Path == "/api/v1/auth/refresh":
			fmt.Fprintf(w, `{"accessToken":"second","expiresAt":%q,"refreshToken":"next"}`, time.Now().Add(time.Hour).Format(time.RFC3339))
		case r.Header.Get("Authorization") != "Bearer second":
			fail(w, http.StatusUnauthorized, loyalty.CodeTokenExpired, "")
		default:
			_, _ = w.Write([]byte(`{"id":"me"}`))
		}
	})
	for name, first := range map[string]loyalty.Tokens{
		"before the expiry":          {Access: "first", Refresh: "refresh", ExpiresAt: time.Now().Add(5 * time.Second)},
		"refused by the platform":    {Access: "first", Refresh: "refresh", ExpiresAt: time.Now().Add(time.Hour)},
		"unknown time of the expiry": {Access: "first", Refresh: "refresh"},
	} {
		s.mu.Lock()
		s.requests, s.bodies = nil, nil
		s.mu.Unlock()
		var stored []loyalty.Tokens
		c := client(t, s, loyalty.WithTokens(first), loyalty.WithTokenObserver(func(t loyalty.Tokens) { stored = append(stored, t) }))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if me, err := c.GetMe(t.Context()); err != nil || me.ID != "me" {
					t.Errorf("%s: got %+v, %v", name, me, err)
				}
			})
		}
		wg.Wait()
		if n := len(s.headers("/api/v1/auth/refresh", "Accept")); n != 2 {
			t.Errorf("%s: %d refreshes, want 2 attempts of one", name, n)
		}
		if len(stored) != 1 || stored[0].Refresh != "next" || c.Tokens() != stored[0] {
			t.Errorf("%s: the observer got %+v", name, stored)
		}
	}
}

func TestLocalClockIsWrong(t *testing.T) {
	t.Parallel()
	const ahead = time.Hour // the clock of the platform is behind
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		now := time.Now().Add(-ahead)
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		if r.URL.Path == "/api/v1/auth/login" {
			fmt.Fprintf(w, `{"accessToken":"a","expiresAt":%q,"refreshToken":"r","user":{}}`, now.Add(10*time.Minute).Format(time.RFC3339))
			return
		}
		_, _ = w.Write([]byte(`{"id":"me"}`))
	})
	c := client(t, s)
	if _, err := c.Login(t.Context(), "e", "p"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.GetMe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.headers("/api/v1/auth/refresh", "Accept")); n != 0 {
		t.Errorf("%d refreshes of a token that is valid for ten minutes", n)
	}
}

func TestSessionsEnd(t *testing.T) { //nolint:tparallel // the subtests use the same server
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		switch r.URL.Path {
		case "/api/v1/auth/login":
			fmt.Fprintf(w, `{"accessToken":"new","expiresAt":%q,"refreshToken":"r","user":{"id":"me"}}`, time.Now().Add(time.Hour).Format(time.RFC3339))
		case "/api/v1/auth/refresh":
			fail(w, http.StatusUnauthorized, loyalty.CodeTokenReused, "")
		case "/api/v1/auth/logout":
			fail(w, http.StatusUnauthorized, loyalty.CodeTokenRevoked, "")
		default:
			if r.Header.Get("Authorization") != "Bearer new" {
				fail(w, http.StatusUnauthorized, loyalty.CodeTokenRevoked, "")
				return
			}
			_, _ = w.Write([]byte(`{"id":"me"}`))
		}
	})
	t.Run("with credentials", func(t *testing.T) {
		c := client(t, s, token(), loyalty.WithCredentials("anna@example.com", "password"))
		if me, err := c.GetMe(t.Context()); err != nil || me.ID != "me" {
			t.Errorf("got %+v, %v, want a new session", me, err)
		}
	})
	t.Run("while the access token is valid", func(t *testing.T) {
		c := client(t, s, loyalty.WithTokens(loyalty.Tokens{Access: "new", Refresh: "r", ExpiresAt: time.Now().Add(5 * time.Second)}))
		if _, err := c.GetMe(t.Context()); !errors.Is(err, loyalty.CodeTokenReused) {
			t.Errorf("got %v, want TOKEN_REUSED", err)
		}
	})
	t.Run("without credentials", func(t *testing.T) {
		c := client(t, s, token())
		if _, err := c.GetMe(t.Context()); !errors.Is(err, loyalty.CodeTokenReused) {
			t.Errorf("got %v, want TOKEN_REUSED", err)
		}
		if _, err := c.GetMe(t.Context()); !errors.Is(err, loyalty.ErrNoSession) {
			t.Errorf("got %v after the end of the session, want ErrNoSession", err)
		}
	})
	t.Run("logout", func(t *testing.T) {
		c := client(t, s)
		if _, err := c.Login(t.Context(), "anna@example.com", "password"); err != nil {
			t.Fatal(err)
		}
		if err := c.Logout(t.Context()); err != nil || c.Tokens() != (loyalty.Tokens{}) {
			t.Errorf("got %v, tokens %+v", err, c.Tokens())
		}
	})
}

func TestOutageOfTheRefresh(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/api/v1/auth/refresh" {
			fail(w, http.StatusServiceUnavailable, loyalty.CodeDependencyUnavailable, "")
			return
		}
		_, _ = w.Write([]byte(`{"id":"me"}`))
	})
	tokens := loyalty.Tokens{Access: "first", Refresh: "r", ExpiresAt: time.Now().Add(20 * time.Second)}
	c := client(t, s, loyalty.WithTokens(tokens), loyalty.WithMaxAttempts(2))
	if me, err := c.GetMe(t.Context()); err != nil || me.ID != "me" || c.Tokens() != tokens {
		t.Errorf("got %+v, %v, want an answer with the token that is still valid", me, err)
	}
}

func TestRefreshCookie(t *testing.T) {
	t.Parallel()
	var bodies []string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, r.URL.Path+" "+string(body))
		cookie, _ := r.Cookie("__Secure-refresh_token")
		switch {
		case r.URL.Path == "/api/v1/auth/login":
			http.SetCookie(w, &http.Cookie{Name: "__Secure-refresh_token", Value: "one", Path: "/api/v1/auth", Secure: true, HttpOnly: true})
			_, _ = w.Write([]byte(`{"accessToken":"first","expiresAt":"2000-01-01T00:00:00Z","user":{"id":"me"}}`))
		case r.URL.Path == "/api/v1/auth/refresh" && cookie != nil && cookie.Value == "one":
			_, _ = w.Write([]byte(`{"accessToken":"second","expiresAt":"2999-01-01T00:00:00Z"}`))
		default:
			_, _ = w.Write([]byte(`{"id":"` + r.Header.Get("Authorization") + `"}`))
		}
	}))
	t.Cleanup(s.Close)
	c, err := loyalty.New(s.URL, loyalty.WithHTTPClient(s.Client()), loyalty.WithRefreshCookie())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login(t.Context(), "a@example.com", "password"); err != nil {
		t.Fatal(err)
	}
	me, err := c.GetMe(t.Context())
	if err != nil || me.ID != "Bearer second" || c.Tokens().Refresh != "" {
		t.Errorf("got %+v, %v, want the second token", me, err)
	}
	if len(bodies) != 3 || !strings.Contains(bodies[0], `"refreshTokenIn":"COOKIE"`) || bodies[1] != "/api/v1/auth/refresh {}" {
		t.Errorf("the requests were %q", bodies)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 3 {
			fail(w, http.StatusBadRequest, loyalty.CodeValidationFailed, "")
			return
		}
		q := r.URL.Query()
		if want := map[int]string{1: "", 2: "t1", 4: ""}[n]; q.Get("page_token") != want || q.Get("available") != "false" || q.Has("title") {
			t.Errorf("request %d has the query %s", n, r.URL.RawQuery)
		}
		_ = json.NewEncoder(w).Encode(loyalty.PromotionPage{
			Promotions: []loyalty.Promotion{{ID: fmt.Sprint(n, "a")}, {ID: fmt.Sprint(n, "b")}}, NextPageToken: fmt.Sprint("t", n),
		})
	})
	c := client(t, s, token())
	params := loyalty.ListPromotionsParams{Available: loyalty.Ptr(false)}
	var got []string
	for p, err := range c.AllPromotions(t.Context(), params) {
		if err != nil {
			got = append(got, "error")
			continue
		}
		got = append(got, p.ID)
	}
	if want := []string{"1a", "1b", "2a", "2b", "error"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for range c.AllPromotions(t.Context(), params) {
		break
	}
	if n := len(s.headers(promotions, "Accept")); n != 4 {
		t.Errorf("%d requests, want 4: a loop that is left reads no other page", n)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := client(t, s, token()).GetMe(ctx)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	_, err := client(t, s, token(), loyalty.WithTimeout(50*time.Millisecond)).GetMe(t.Context())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
}

func TestPathsAreEscaped(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		_, _ = w.Write([]byte(`{"id":"` + r.URL.EscapedPath() + `"}`))
	})
	c := client(t, s, token())
	for id, want := range map[string]string{"a/../b": "/a%2F..%2Fb", "": "/%7B%7D", "x?y#z": "/x%3Fy%23z"} {
		if p, err := c.GetPromotion(t.Context(), id); err != nil || p.ID != promotions+want {
			t.Errorf("%q: got %+v, %v, want the path %s", id, p, err, promotions+want)
		}
	}
}

func TestNewRefusesInvalidOptions(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		url    string
		option loyalty.Option
	}{
		"no scheme":      {"loyalty.example", nil},
		"other scheme":   {"ftp://loyalty.example", nil},
		"no host":        {"https://", nil},
		"no password":    {"https://loyalty.example", loyalty.WithCredentials("a@example.com", "")},
		"no timeout":     {"https://loyalty.example", loyalty.WithTimeout(0)},
		"no attempts":    {"https://loyalty.example", loyalty.WithMaxAttempts(0)},
		"cookie, no TLS": {"http://loyalty.example", loyalty.WithRefreshCookie()},
	} {
		var options []loyalty.Option
		if tt.option != nil {
			options = append(options, tt.option)
		}
		if _, err := loyalty.New(tt.url, options...); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
