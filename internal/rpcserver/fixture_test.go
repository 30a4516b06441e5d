package rpcserver_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1/promotionsv1connect"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/rpctest"
)

const (
	playerID = "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a001"
	otherID  = "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a002"
	staffID  = "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a003"
	thingID  = "0198f2a0-7c1e-7b1a-8a35-2f1f6ff7a004"
)

// tokens is a fake authenticator. A token is the name of a caller or of an error.
type tokens struct{}

func (tokens) Authenticate(ctx context.Context, token string) (authn.Caller, error) {
	switch token {
	case "expired":
		return authn.Caller{}, apperr.New(apperr.TokenExpired, "")
	case "forged-session":
		cause := &authn.ForgedSessionError{Session: uuid.MustParse(thingID)}
		return authn.Caller{}, apperr.New(apperr.TokenRevoked, "").WithCause(cause)
	case "redis-away":
		return authn.Caller{}, apperr.New(apperr.DependencyUnavailable, "").WithCause(io.ErrUnexpectedEOF)
	}
	return rpctest.Tokens{
		authn.RolePlayer: playerID, authn.RoleStaff: staffID, authn.RoleAdmin: staffID,
	}.Authenticate(ctx, token)
}

// service is a running server that speaks HTTP/1.1 and unencrypted HTTP/2.
type service struct {
	*useCases
	url    string
	lines  *logstest.Buffer
	served *sync.WaitGroup // requests in progress
}

// log returns the log after all requests have ended. A client can have an answer before the server has counted and logged the
// request.
func (s *service) log() *logstest.Buffer {
	s.served.Wait()
	return s.lines
}

// fresh is the FreshFactor of callers without a second factor.
func fresh(context.Context, authn.Caller) error { return nil }

func config(t *testing.T, change ...func(*rpcserver.Config)) rpcserver.Config {
	t.Helper()
	cfg := rpcserver.Config{
		Service: "test", Authenticator: tokens{}, FreshFactor: fresh, Log: slog.New(slog.DiscardHandler),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		AccessLog:      rpcserver.AccessLog{Mode: rpcserver.AccessAll},
	}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

func start(t *testing.T, change ...func(*rpcserver.Config)) *service {
	t.Helper()
	log := &logstest.Buffer{}
	logged := func(c *rpcserver.Config) { c.Log = slog.New(slog.NewJSONHandler(log, nil)) }
	s, err := rpcserver.New(config(t, append(change, logged)...))
	if err != nil {
		t.Fatal(err)
	}
	u := &useCases{}
	s.Mount(promotionsv1connect.NewPromotionServiceHandler(u, s.Options()...))
	s.Mount(usersv1connect.NewAuthServiceHandler(u, s.Options()...))
	s.Handle("GET /plain", http.HandlerFunc(hijack))
	h, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	served := &sync.WaitGroup{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		defer served.Done()
		h.ServeHTTP(w, r)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return &service{u, server.URL, log, served}
}

// hijack answers on the hijacked connection.
func hijack(w http.ResponseWriter, _ *http.Request) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nhijacked")
	_ = buf.Flush()
	_ = conn.Close()
}

// answer is the response that a client received.
type answer struct {
	status int
	header http.Header
	body   string
}

// object returns the body, which must be a JSON object.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("the answer %d %q is not a JSON object: %v", a.status, a.body, err)
	}
	return m
}

// fields returns the fields of the violations in a problem document, in order.
func (a answer) fields(t *testing.T) string {
	t.Helper()
	var p struct{ Violations []struct{ Field string } }
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("the answer %d %q is not a problem document: %v", a.status, a.body, err)
	}
	names := make([]string, 0, len(p.Violations))
	for _, v := range p.Violations {
		names = append(names, v.Field)
	}
	return strings.Join(names, " ")
}

// call sends a request. Headers have the form "Name: value"; a header without value is removed. The Content-Type of a
// body is application/json unless a header replaces it.
func (s *service) call(t *testing.T, line, token, body string, header ...string) answer {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if value == "" {
			req.Header.Del(name)
			continue
		}
		req.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// problem checks that an answer is a complete problem document with the given status and code.
func (a answer) problem(t *testing.T, status int, code apperr.Code) {
	t.Helper()
	p := a.object(t)
	if a.status != status || p["code"] != string(code) || p["status"] != float64(status) {
		t.Errorf("got %d %s, want %d %s", a.status, a.body, status, code)
	}
	if ct := a.header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type is %q, want application/problem+json", ct)
	}
	for _, member := range []string{"type", "title", "detail", "instance", "requestId"} {
		if s, _ := p[member].(string); s == "" {
			t.Errorf("the member %s is missing in %s", member, a.body)
		}
	}
	if p["requestId"] != a.header.Get("X-Request-Id") {
		t.Errorf("requestId is %v, want the header X-Request-Id %q", p["requestId"], a.header.Get("X-Request-Id"))
	}
}

func unmarshal(t *testing.T, text string, m proto.Message) {
	t.Helper()
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
}
