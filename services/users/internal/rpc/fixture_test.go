package rpc_test

import (
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1connect"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/internal/rpcserver/rpctest"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/rpc"
)

const (
	playerID      = "01890000-0000-7000-8000-000000000001"
	staffID       = "01890000-0000-7000-8000-000000000002"
	adminID       = "01890000-0000-7000-8000-000000000003"
	transactionID = "01890000-0000-7000-8000-000000000004"
	sessionID     = "01880000-0000-7000-8000-000000000005"
	unknownID     = "01890000-0000-7000-8000-000000000009"

	playerEmail = "Anna@example.com"
	secret      = "correct horse"
)

// now is the time of the service under test.
func now() time.Time { return time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC) }

// tokens contains the id of the user of each role.
func tokens() rpctest.Tokens {
	return rpctest.Tokens{authn.RolePlayer: playerID, authn.RoleStaff: staffID, authn.RoleAdmin: adminID}
}

// fixture is the users API with fakes, behind the interceptors of rpcserver.
type fixture struct {
	testing.TB
	store    *fakeStore
	sessions *fakeSessions
	limiter  *fakeLimiter
	hasher   *fakeHasher
	ledger   *fakeLedger
	handler  http.Handler
}

func start(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{
		TB: t, store: newFakeStore(), sessions: &fakeSessions{}, limiter: &fakeLimiter{}, hasher: &fakeHasher{},
		ledger: &fakeLedger{},
	}
	service, err := users.New(users.Dependencies{
		Store: f.store, Sessions: f.sessions, Hasher: f.hasher, Limiter: f.limiter, Issuer: fakeIssuer{},
		Limits: users.DefaultLimits(), SessionLifetime: session.DefaultLifetime, Now: now,
		FactorSecrets: [][]byte{[]byte("secret")}, FactorFreshness: 5 * time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := rpcserver.New(rpcserver.Config{
		Service: "users", Authenticator: tokens(), Log: slog.New(slog.DiscardHandler), FreshFactor: service.FreshFactor,
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Mount(usersv1connect.NewAuditServiceHandler(rpc.NewAudit(service), server.Options()...))
	server.Mount(usersv1connect.NewRestrictionServiceHandler(rpc.NewRestrictions(service), server.Options()...))
	server.Mount(usersv1connect.NewAuthServiceHandler(rpc.NewAuth(service), server.Options()...))
	server.Mount(usersv1connect.NewUserServiceHandler(rpc.NewUsers(service, users.NewLedgerService(f.ledger)), server.Options()...))
	if f.handler, err = server.Handler(); err != nil {
		t.Fatal(err)
	}
	return f
}

type object = map[string]any

// request is an HTTP request. Without a caller it has no token. The path is relative to /api/v1. The body is JSON, or empty.
type request struct {
	caller, method, path, body string
	header                     http.Header
}

type response struct {
	header http.Header
	body   object
}

// send sends a request and fails the test if the response has another status.
func (f *fixture) send(status int, r request) response {
	f.Helper()
	var body io.Reader
	if r.body != "" {
		body = strings.NewReader(r.body)
	}
	req := httptest.NewRequestWithContext(f.Context(), r.method, "/api/v1"+r.path, body)
	maps.Copy(req.Header, r.header)
	if r.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.caller != "" {
		req.Header.Set("Authorization", "Bearer "+r.caller)
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, req)
	if w.Code != status {
		f.Fatalf("%s %s %s: status %d, body %s; want status %d", r.method, r.path, r.body, w.Code, w.Body, status)
	}
	got := response{header: w.Header()}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &got.body); err != nil {
			f.Fatalf("%s %s: body %q: %v", r.method, r.path, w.Body, err)
		}
	}
	return got
}

// refused sends a request and checks that it fails with the code.
func (f *fixture) refused(code apperr.Code, r request) response {
	f.Helper()
	got := f.send(code.Info().HTTP, r)
	if got.body["code"] != string(code) {
		f.Errorf("%s %s as %s: code %v, want %s", r.method, r.path, cmp.Or(r.caller, "nobody"), got.body["code"], code)
	}
	return got
}

// invalid sends a request and checks that it fails with VALIDATION_FAILED and that field is the only violation.
func (f *fixture) invalid(field string, r request) {
	f.Helper()
	violations, _ := f.refused(apperr.ValidationFailed, r).body["violations"].([]any)
	if len(violations) != 1 || violations[0].(object)["field"] != field {
		f.Errorf("%s %s %s: violations %v, want exactly one, of %q", r.method, r.path, r.body, violations, field)
	}
}

// refusedExceptFor checks that a request is refused without a valid token and for every role that is not in roles, a list
// separated by spaces. It does not send the request for the roles in the list.
func (f *fixture) refusedExceptFor(roles string, r request) {
	f.Helper()
	r.caller = ""
	f.refused(apperr.TokenMissing, r)
	r.caller = "unknown"
	f.refused(apperr.TokenInvalid, r)
	for role := range tokens() {
		if r.caller = strings.ToLower(string(role)); !strings.Contains(roles, r.caller) {
			f.refused(apperr.Forbidden, r)
		}
	}
}

// equal compares all members of a JSON object.
func equal(t *testing.T, got, want object) {
	t.Helper()
	for name, value := range want {
		if !reflect.DeepEqual(got[name], value) {
			t.Errorf("%s: got %v, want %v", name, got[name], value)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("unexpected member %s: %v", name, got[name])
		}
	}
}

// player returns the JSON of the player in the fake store.
func player() object {
	return object{
		"id": playerID, "email": playerEmail, "role": "PLAYER", "isActive": true, "balance": "20.00",
		"createdAt": "2026-03-10T12:00:00Z",
	}
}
