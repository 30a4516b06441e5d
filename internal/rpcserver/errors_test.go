package rpcserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/golden"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
)

const requestID = "golden-request-1"

// TestCatalogue compares the answer to every error code, over REST and over Connect, with the golden file.
func TestCatalogue(t *testing.T) {
	s := start(t)
	codes := make([]apperr.Code, 0, len(apperr.Codes()))
	for c := range apperr.Codes() {
		codes = append(codes, c)
	}
	slices.Sort(codes)
	var b bytes.Buffer
	for _, code := range codes {
		e := apperr.New(code, "what happened")
		switch code {
		case apperr.ValidationFailed:
			e = apperr.Invalid("amount", "money", "what is wrong")
		case apperr.PromotionAlreadyClaimed:
			e = e.With("transactionId", thingID)
		case apperr.RateLimited:
			e.RetryAfter = 1500 * time.Millisecond
		}
		s.fail(e.WithCause(errors.New("secret cause")))
		for _, line := range []string{"GET " + promotions, "POST " + procedure + "ListPromotions"} {
			body := ""
			if strings.HasPrefix(line, "POST") {
				body = "{}"
			}
			a := s.call(t, line, "staff", body, "X-Request-Id: "+requestID)
			if strings.Contains(a.body, "secret") {
				t.Errorf("the answer of %s contains its cause: %s", code, a.body)
			}
			fmt.Fprintf(&b, "%s %s %d\n", code, line, a.status)
			for _, h := range []string{"Content-Type", "WWW-Authenticate", "Retry-After"} {
				if v := a.header.Get(h); v != "" {
					fmt.Fprintf(&b, "%s: %s\n", h, v)
				}
			}
			fmt.Fprintf(&b, "%s\n\n", indent(t, a.body))
		}
	}
	golden.Compare(t, filepath.Join("testdata", "catalogue.txt"), b.String())
}

func indent(t *testing.T, body string) string {
	t.Helper()
	// The protobuf encoding of a map is not stable. The member debug contains the same message.
	body = regexp.MustCompile(`"value":"[^"]*",`).ReplaceAllString(body, "")
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(body), "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestUnexpectedErrors(t *testing.T) {
	s := start(t)
	for name, tt := range map[string]struct {
		err    error
		panics bool
		status int
		code   apperr.Code
		logged string
	}{
		"plain error":          {errors.New("dsn postgres://u:p@h"), false, 500, apperr.Internal, "dsn postgres"},
		"INTERNAL with detail": {apperr.New(apperr.Internal, "secret detail"), false, 500, apperr.Internal, "secret detail"},
		"connect error":        {connect.NewError(connect.CodeNotFound, errors.New("secret")), false, 500, apperr.Internal, "secret"},
		"crash":                {nil, true, 500, apperr.Internal, "panic at github.com/casino-loyalty/loyalty/internal/rpcserver_test.(*useCases).record"},
		"deadline exceeded":    {fmt.Errorf("query: %w", context.DeadlineExceeded), false, 503, apperr.DependencyUnavailable, "query: context deadline exceeded"},
		"wrapped error":        {fmt.Errorf("claim: %w", apperr.New(apperr.PromotionExpired, "over")), false, 409, apperr.PromotionExpired, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.fail(tt.err)
			s.mu.Lock()
			s.panics = tt.panics
			s.mu.Unlock()
			id := "test-" + strings.ReplaceAll(name, " ", "-")
			a := s.call(t, "GET "+promotions, "staff", "", "X-Request-Id: "+id)
			a.problem(t, tt.status, tt.code)
			for _, secret := range []string{"secret", "postgres", "panic", "goroutine", ".go"} {
				if strings.Contains(a.body, secret) {
					t.Errorf("the answer contains %q: %s", secret, a.body)
				}
			}
			lines := logged(t, s.log().String(), id)
			if len(lines) != 1 {
				t.Fatalf("there are %d log lines for the request, want 1", len(lines))
			}
			text, _ := lines[0]["error"].(string)
			if lines[0]["code"] != string(tt.code) || !strings.Contains(text, tt.logged) || strings.Contains(text, "goroutine") {
				t.Errorf("the log line is %v, want code %s and error %q", lines[0], tt.code, tt.logged)
			}
		})
	}
}

// logged returns the log lines of a request.
func logged(t *testing.T, log, id string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.Lines(log) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("the log line %q is not JSON", line)
		}
		if m["request_id"] == id {
			found = append(found, m)
		}
	}
	return found
}

func TestLogContainsNoSecrets(t *testing.T) {
	s := start(t)
	jwt := "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTk4ZjJhMC03YzFlLTdiMWEtOGEzNSJ9.c2lnbmF0dXJlLWhpZGRlbi1oaWRkZW4taGlkZGVu"
	refreshToken := strings.Repeat("hidden0", 6) + "h"
	s.call(t, "POST /api/v1/auth/register?x=hidden-query", "hidden-token", `{"email":"hidden@b.example","password":"hidden-password"}`)
	s.call(t, "GET "+promotions+"?title=hidden", "staff", "")
	s.call(t, "GET /nowhere?token=hidden", "hidden-token", "")
	s.call(t, "GET /sockets/"+jwt, "", "")
	s.call(t, "GET /sockets/bearer."+jwt, "", "")
	s.call(t, "DELETE /api/v1/auth/refresh/"+refreshToken, "", "")
	log := s.log().String()
	for _, secret := range append(strings.Split(jwt, "."), "hidden") {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q: %s", secret, log)
		}
	}
	for _, want := range []string{"AuthService/Register", "VALIDATION_FAILED", staffID, "GET (no route)", "NOT_FOUND"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not contain %s: %s", want, log)
		}
	}
}

func TestLogLine(t *testing.T) {
	s := start(t)
	s.fail(apperr.New(apperr.NotFound, "promotion not found"))
	for line, want := range map[string]map[string]any{
		"GET /no/where?x=1":             {"method": "GET (no route)", "path": "/no/where", "code": "NOT_FOUND"},
		"GET /api/v1/nothing%20here":    {"method": "GET (no route)", "path": "/api/v1/nothing%20here", "code": "NOT_FOUND"},
		"DELETE " + promotions + "?x=1": {"method": "DELETE (no route)", "path": promotions, "code": "METHOD_NOT_ALLOWED"},
		"GET " + promotions + "/" + thingID + "?x": {
			"method": procedure + "GetPromotion", "path": nil, "code": "VALIDATION_FAILED", "caller": staffID,
		},
		"GET " + promotions + "/" + thingID: {
			"method": procedure + "GetPromotion", "path": promotions + "/" + thingID, "code": "NOT_FOUND", "caller": staffID,
		},
		"GET /" + strings.Repeat("long/", 100): {
			"method": "GET (no route)", "path": "/" + strings.Repeat("long/", 39) + "long…", "code": "NOT_FOUND",
		},
	} {
		id := "log-line-" + strconv.Itoa(len(line))
		s.call(t, line, "staff", "", "X-Request-Id: "+id)
		lines := logged(t, s.log().String(), id)
		if len(lines) != 1 {
			t.Fatalf("%s: there are %d log lines, want 1", line, len(lines))
		}
		for name, value := range want {
			if lines[0][name] != value {
				t.Errorf("%s: %s is %v, want %v", line, name, lines[0][name], value)
			}
		}
		if d, ok := lines[0]["duration_ms"].(float64); !ok || d < 0 {
			t.Errorf("%s: duration_ms is %v", line, lines[0]["duration_ms"])
		}
	}
}

func TestRequestIDs(t *testing.T) {
	s := start(t)
	for given, kept := range map[string]bool{
		"abc-DEF_1.2": true, "short": false, strings.Repeat("x", 65): false, `a"b<script>`: false, "": false,
	} {
		got := s.call(t, "GET "+promotions, "staff", "", "X-Request-Id: "+given).header.Get("X-Request-Id")
		if (got == given) != kept || len(got) < 8 {
			t.Errorf("request id %q: the answer has %q, want it kept: %t", given, got, kept)
		}
	}
}

func TestClientAddress(t *testing.T) {
	trusting, distrusting := start(t), start(t, func(c *rpcserver.Config) { c.TrustedProxies = nil })
	for name, tt := range map[string]struct {
		s      *service
		header string
		want   string
	}{
		"no header":                {trusting, "", "127.0.0.1"},
		"trusted proxy":            {trusting, "X-Real-IP: 203.0.113.7", "203.0.113.7"},
		"no address in the header": {trusting, "X-Real-IP: localhost", "127.0.0.1"},
		"other header":             {trusting, "X-Forwarded-For: 203.0.113.7", "127.0.0.1"},
		"untrusted peer":           {distrusting, "X-Real-IP: 203.0.113.7", "127.0.0.1"},
		"IPv4-mapped IPv6":         {trusting, "X-Real-IP: ::ffff:203.0.113.7", "203.0.113.7"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.s.call(t, "GET "+promotions, "staff", "", tt.header)
			if got := tt.s.client; got != netip.MustParseAddr(tt.want) {
				t.Errorf("the client address is %v, want %s", got, tt.want)
			}
		})
	}
}

// TestUntrustedProxyIsReported sends forwarded requests from an untrusted address. The log has one warning.
func TestUntrustedProxyIsReported(t *testing.T) {
	for _, header := range []string{"X-Real-IP: 203.0.113.7", "X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7"} {
		s := start(t, func(c *rpcserver.Config) { c.TrustedProxies = nil })
		for range 3 {
			s.call(t, "GET "+promotions, "", "", header)
		}
		if n := strings.Count(s.log().String(), "LOYALTY_TRUSTED_PROXIES"); n != 1 {
			t.Errorf("%s: the log has %d warnings, want one: %s", header, n, s.log())
		}
	}
	s := start(t)
	s.call(t, "GET "+promotions, "", "", "X-Real-IP: 203.0.113.7")
	if strings.Contains(s.log().String(), "LOYALTY_TRUSTED_PROXIES") {
		t.Errorf("the log has a warning about a trusted proxy: %s", s.log())
	}
}

func TestRetryAfter(t *testing.T) {
	s := start(t)
	for name, tt := range map[string]struct {
		err    error
		status int
		want   string
	}{
		"rate limit with a time":     {&apperr.Error{Code: apperr.RateLimited, RetryAfter: 90 * time.Second}, 429, "90"},
		"rate limit without a time":  {apperr.New(apperr.RateLimited, "too many"), 429, "1"},
		"unavailable with a time":    {&apperr.Error{Code: apperr.DependencyUnavailable, RetryAfter: 1500 * time.Millisecond}, 503, "2"},
		"unavailable without a time": {apperr.New(apperr.DependencyUnavailable, "Redis is down"), 503, "1"},
		"deadline exceeded":          {context.DeadlineExceeded, 503, "1"},
		"not found":                  {apperr.New(apperr.NotFound, "promotion not found"), 404, ""},
		"unexpected error":           {errors.New("unexpected"), 500, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.fail(tt.err)
			for _, line := range []string{"GET " + promotions, "POST " + procedure + "ListPromotions"} {
				body := ""
				if strings.HasPrefix(line, "POST") {
					body = "{}"
				}
				a := s.call(t, line, "staff", body)
				if got := a.header.Get("Retry-After"); a.status != tt.status || got != tt.want {
					t.Errorf("%s: status %d with Retry-After %q, want %d with %q", line, a.status, got, tt.status, tt.want)
				}
			}
		})
	}
}

func TestCanceledUseCase(t *testing.T) {
	s := start(t)
	s.fail(context.Canceled)
	c := promotionsv1connect.NewPromotionServiceClient(http.DefaultClient, s.url, connect.WithInterceptors(asStaff()))
	_, err := c.ListPromotions(t.Context(), connect.NewRequest(&promotionsv1.ListPromotionsRequest{}))
	refused(t, err, connect.CodeUnavailable, apperr.DependencyUnavailable, "")
}

func TestCallTimeout(t *testing.T) {
	s := start(t, func(c *rpcserver.Config) { c.Timeout = 10 * time.Millisecond })
	s.hangs = true
	a := s.call(t, "GET "+promotions, "staff", "")
	a.problem(t, http.StatusServiceUnavailable, apperr.DependencyUnavailable)
}

func TestHealth(t *testing.T) {
	var notReady error
	s := start(t, func(c *rpcserver.Config) { c.Ready = func(context.Context) error { return notReady } })
	ok := func(path string) {
		t.Helper()
		if a := s.call(t, "GET "+path, "", ""); a.status != 200 || strings.TrimSpace(a.body) != `{"service":"test","status":"ok"}` {
			t.Errorf("%s answers %d %s with error %v, want 200 ok", path, a.status, a.body, notReady)
		}
	}
	ok("/health")
	ok("/health/live")
	notReady = errors.New("database is down")
	ok("/health/live")
	a := s.call(t, "GET /health", "", "")
	a.problem(t, 503, apperr.DependencyUnavailable)
	if detail := a.object(t)["detail"]; detail != "test: unavailable" || a.header.Get("Retry-After") != "1" {
		t.Errorf("the detail is %v and Retry-After %q, want test: unavailable and 1", detail, a.header.Get("Retry-After"))
	}
	// The answer of the first call shows that the log works.
	s.call(t, "GET "+promotions, "staff", "")
	if log := s.log().String(); strings.Contains(log, "/health") || !strings.Contains(log, "ListPromotions") {
		t.Errorf("the log is %s, want the call and no health check", log)
	}
}

func TestUntrustedProxyIsLoggedOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		header string
		proxy  bool
		want   int
	}{
		"X-Real-IP":               {"X-Real-IP: 203.0.113.7", false, 1},
		"X-Forwarded-For":         {"X-Forwarded-For: 203.0.113.7, 10.0.0.1", false, 1},
		"Forwarded":               {"Forwarded: for=203.0.113.7;proto=https", false, 1},
		"trusted proxy":           {"X-Real-IP: 203.0.113.7", true, 0},
		"the peer's own address":  {"X-Real-IP: 127.0.0.1", false, 0},
		"no forwarding header":    {"X-Request-Id: abcdefgh", false, 0},
		"X-Forwarded-For, mapped": {"X-Forwarded-For: ::ffff:127.0.0.1", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(c *rpcserver.Config) {
				if !tt.proxy {
					c.TrustedProxies = nil
				}
			})
			for range 3 {
				s.call(t, "GET "+promotions, "staff", "", tt.header)
			}
			if n := strings.Count(s.log().String(), "LOYALTY_TRUSTED_PROXIES"); n != tt.want {
				t.Errorf("%d warnings, want %d: %s", n, tt.want, s.log())
			}
			if strings.Contains(s.log().String(), "203.0.113.7") {
				t.Errorf("the log shows the content of the header: %s", s.log())
			}
		})
	}
}

func TestCallsBeforeTheStart(t *testing.T) {
	var started atomic.Bool
	s := start(t, func(c *rpcserver.Config) {
		c.Started = func() error {
			if !started.Load() {
				return errors.New("migrations are pending")
			}
			return nil
		}
	})
	for line, body := range map[string]string{"GET " + promotions: "", "POST " + procedure + "ListPromotions": "{}"} {
		a := s.call(t, line, "staff", body)
		if a.status != 503 || a.header.Get("Retry-After") == "" {
			t.Errorf("%s: status %d with %v, want 503 with Retry-After", line, a.status, a.header)
		}
	}
	started.Store(true)
	if a := s.call(t, "GET "+promotions, "staff", ""); a.status != 200 {
		t.Errorf("status %d after the start, want 200", a.status)
	}
}
