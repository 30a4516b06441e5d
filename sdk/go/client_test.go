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

func TestRedirectsAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	var e *loyalty.Error
	_, err := client(t, s, token()).GetMe(t.Context())
	if !errors.As(err, &e) || e.Status != http.StatusTemporaryRedirect || len(s.requests) != 1 {
		t.Errorf("got %v after %d requests, want the status 307 after one", err, len(s.requests))
	}
}

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
