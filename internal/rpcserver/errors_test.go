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
	"strings"
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

// TestCatalogue compares every error, over REST and over Connect, with the golden file: it is what clients rely on.
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
			e = e.With("transactionId", thingID).With("status", "meta cannot replace a member")
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
				t.Errorf("%s shows its cause: %s", code, a.body)
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
	// The base64 of a map's protobuf encoding is not stable; the readable form beside it is.
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
		"a plain error":     {errors.New("dsn postgres://u:p@h"), false, 500, apperr.Internal, "dsn postgres"},
		"an Internal":       {apperr.New(apperr.Internal, "secret detail"), false, 500, apperr.Internal, "secret detail"},
		"a connect error":   {connect.NewError(connect.CodeNotFound, errors.New("secret")), false, 500, apperr.Internal, "secret"},
		"a crash":           {nil, true, 500, apperr.Internal, "panic at github.com/casino-loyalty/loyalty/internal/rpcserver_test.(*useCases).saw"},
		"a deadline inside": {fmt.Errorf("query: %w", context.DeadlineExceeded), false, 503, apperr.DependencyUnavailable, "query: context deadline exceeded"},
		"a wrapped one":     {fmt.Errorf("claim: %w", apperr.New(apperr.PromotionExpired, "over")), false, 409, apperr.PromotionExpired, ""},
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
					t.Errorf("the answer shows %q: %s", secret, a.body)
				}
			}
			lines := logged(t, s.log.String(), id)
			if len(lines) != 1 {
				t.Fatalf("the request is logged %d times", len(lines))
			}
			text, _ := lines[0]["error"].(string)
			if lines[0]["code"] != string(tt.code) || !strings.Contains(text, tt.logged) || strings.Contains(text, "goroutine") {
				t.Errorf("logged %v, want %q", lines[0], tt.logged)
			}
		})
	}
}

// logged returns the lines of a request.
func logged(t *testing.T, log, id string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for line := range strings.SplitSeq(strings.TrimSpace(log), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("the log holds %q", line)
		}
		if m["request_id"] == id {
			found = append(found, m)
		}
	}
	return found
}

func TestLogHoldsNoSecrets(t *testing.T) {
	s := start(t)
	s.call(t, "POST /api/v1/auth/register?x=hidden-query", "hidden-token", `{"email":"hidden@b.example","password":"hidden-password"}`)
	s.call(t, "GET "+promotions+"?title=hidden", "staff", "")
	s.call(t, "GET /hidden/path", "hidden-token", "")
	log := s.log.String()
	if strings.Contains(log, "hidden") {
		t.Errorf("the log holds what it should not: %s", log)
	}
	for _, want := range []string{"AuthService/Register", "VALIDATION_FAILED", staffID, "GET (no route)", "NOT_FOUND", `"duration":`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s: %s", want, log)
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
			t.Errorf("the id %q is answered with %q", given, got)
		}
	}
}

func TestClientAddress(t *testing.T) {
	trusting, wary := start(t), start(t, func(c *rpcserver.Config) { c.TrustedProxies = nil })
	for name, tt := range map[string]struct {
		s      *service
		header string
		want   string
	}{
		"the peer":                 {trusting, "", "127.0.0.1"},
		"what the proxy says":      {trusting, "X-Real-IP: 203.0.113.7", "203.0.113.7"},
		"no address":               {trusting, "X-Real-IP: localhost", "127.0.0.1"},
		"another header":           {trusting, "X-Forwarded-For: 203.0.113.7", "127.0.0.1"},
		"what anyone could say":    {wary, "X-Real-IP: 203.0.113.7", "127.0.0.1"},
		"IPv4 in the form of IPv6": {trusting, "X-Real-IP: ::ffff:203.0.113.7", "203.0.113.7"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.s.call(t, "GET "+promotions, "staff", "", tt.header)
			if got := tt.s.client; got != netip.MustParseAddr(tt.want) {
				t.Errorf("the client is %v, want %s", got, tt.want)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	s := start(t)
	s.fail(&apperr.Error{Code: apperr.RateLimited, RetryAfter: 90 * time.Second})
	a := s.call(t, "GET "+promotions, "staff", "")
	a.problem(t, http.StatusTooManyRequests, apperr.RateLimited)
	if got := a.header.Get("Retry-After"); got != "90" {
		t.Errorf("Retry-After is %q", got)
	}
}

func TestGivenUpByTheClient(t *testing.T) {
	s := start(t)
	s.fail(context.Canceled)
	c := promotionsv1connect.NewPromotionServiceClient(http.DefaultClient, s.url, connect.WithInterceptors(as("staff")))
	_, err := c.ListPromotions(t.Context(), connect.NewRequest(&promotionsv1.ListPromotionsRequest{}))
	refused(t, err, connect.CodeUnavailable, apperr.DependencyUnavailable, "")
}

func TestSilentDependency(t *testing.T) {
	s := start(t, func(c *rpcserver.Config) { c.Timeout = 10 * time.Millisecond })
	s.hangs = true
	a := s.call(t, "GET "+promotions, "staff", "")
	a.problem(t, http.StatusServiceUnavailable, apperr.DependencyUnavailable)
}

func TestHealth(t *testing.T) {
	var missing error
	s := start(t, func(c *rpcserver.Config) { c.Ready = func(context.Context) error { return missing } })
	for _, tt := range []struct {
		err    error
		path   string
		status int
	}{
		{nil, "/health", 200}, {nil, "/health/live", 200},
		{errors.New("database is away"), "/health", 503}, {errors.New("database is away"), "/health/live", 200},
	} {
		missing = tt.err
		a := s.call(t, "GET "+tt.path, "", "")
		if a.status != tt.status || strings.Contains(a.body, "database") {
			t.Errorf("%s with %v answers %d %s", tt.path, tt.err, a.status, a.body)
		}
	}
}
