package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/casino-loyalty/loyalty/atlas"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/diagnostics"
	"github.com/casino-loyalty/loyalty/internal/diagnostics/diagnosticstest"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/rpcserver"
	"github.com/casino-loyalty/loyalty/services/users"
)

// diagnose serves the diagnostics of the service and returns their address.
func (s *service) diagnose() string {
	s.Helper()
	d, err := diagnostics.Listen("127.0.0.1:0", slog.New(slog.NewTextHandler(s.Output(), nil)))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(d.Close)
	if code, r := diagnosticstest.Ready(s, d.Addr()); code != http.StatusServiceUnavailable || r.Status != "starting" {
		s.Errorf("before the start: readiness %d %+v, want 503 starting", code, r)
	}
	d.Set("users", s.app)
	d.MarkStarted()
	return d.Addr()
}

// add calls the ledger. It returns the code of the answer.
func add(t *testing.T, c usersv1.LedgerServiceClient, kind usersv1.TransactionType, user, amount, key string) codes.Code {
	t.Helper()
	_, err := c.AddTransaction(t.Context(), &usersv1.AddTransactionRequest{
		UserId: user, Type: kind, Amount: amount, Description: "a test", IdempotencyKey: key,
	})
	return status.Code(err)
}

func TestMetricsCountRequestsLoginsAndMoney(t *testing.T) {
	s := start(t)
	address := s.diagnose()
	player := s.register("player@example.com")
	bearer, _ := s.login("player@example.com")
	s.want(s.call("POST", "/auth/login", credentials("player@example.com", "wrong")), 401, "INVALID_CREDENTIALS")
	limit := users.DefaultLimits().LoginPerAccount.N
	for range limit {
		s.want(s.call("POST", "/auth/login", credentials("nobody@example.com", "wrong")), 401, "INVALID_CREDENTIALS")
	}
	s.want(s.call("POST", "/auth/login", credentials("nobody@example.com", "wrong")), 429, "RATE_LIMITED")
	s.want(s.call("GET", "/users/me", nil, "Authorization", bearer), 200, "")
	s.want(s.call("GET", "/users/nowhere/at/all", nil), 404, "NOT_FOUND")
	s.want(s.call("POST", "/auth/register", object{}, "Content-Type", "text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE")

	conn, err := rpcserver.DialInternal(rpcserver.DialConfig{Address: s.app.InternalAddr(), Token: internalToken})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ledger := usersv1.NewLedgerServiceClient(conn)
	for _, c := range []struct {
		kind        usersv1.TransactionType
		amount, key string
		want        codes.Code
	}{
		{usersv1.TransactionType_CREDIT, "20.01", "first", codes.OK},
		{usersv1.TransactionType_CREDIT, "20.01", "first", codes.OK}, // repeated: pays nothing
		{usersv1.TransactionType_CREDIT, "0.99", "second", codes.OK},
		{usersv1.TransactionType_DEBIT, "5.50", "third", codes.OK},
		{usersv1.TransactionType_DEBIT, "500", "fourth", codes.FailedPrecondition},
	} {
		if got := add(t, ledger, c.kind, player, c.amount, c.key); got != c.want {
			t.Fatalf("%s of %s: %s, want %s", c.kind, c.amount, got, c.want)
		}
	}
	s.eventually("all events are published", func() bool {
		m := diagnosticstest.Scrape(t, address)
		published, _ := m.Find("loyalty_outbox_published_total")
		waiting, found := m.Find("loyalty_outbox_events")
		return published == 4 && found && waiting == 0 // the registration and three transactions
	})
	diagnosticstest.Lint(t, address)

	m := diagnosticstest.Scrape(t, address)
	const auth, user, add = "/loyalty.users.v1.AuthService/", "/loyalty.users.v1.UserService/", "/loyalty.users.v1.LedgerService/AddTransaction"
	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{1, "loyalty_requests_total", []string{"component", "users", "procedure", auth + "Register", "code", "OK"}},
		{1, "loyalty_requests_total", []string{"procedure", auth + "Login", "code", "OK"}},
		{float64(limit + 1), "loyalty_requests_total", []string{"procedure", auth + "Login", "code", "INVALID_CREDENTIALS"}},
		{1, "loyalty_requests_total", []string{"procedure", auth + "Login", "code", "RATE_LIMITED"}},
		{1, "loyalty_requests_total", []string{"procedure", user + "GetMe", "code", "OK"}},
		{1, "loyalty_requests_total", []string{"procedure", "none", "code", "NOT_FOUND"}},
		{1, "loyalty_requests_total", []string{"procedure", auth + "Register", "code", "UNSUPPORTED_MEDIA_TYPE"}},
		{float64(limit + 3), "loyalty_request_duration_seconds", []string{"procedure", auth + "Login"}},
		{0, "loyalty_requests_in_flight", nil},
		{4, "loyalty_internal_requests_total", []string{"procedure", add, "code", "OK"}},
		{1, "loyalty_internal_requests_total", []string{"procedure", add, "code", "INSUFFICIENT_FUNDS"}},
		{5, "loyalty_internal_request_duration_seconds", []string{"procedure", add}},
		{float64(limit + 1), "loyalty_logins_failed_total", []string{"code", "INVALID_CREDENTIALS"}},
		{1, "loyalty_rate_limited_total", []string{"limit", "login_per_account"}},
		{0, "loyalty_rate_limited_total", []string{"limit", "register_per_address"}},
		{2, "loyalty_ledger_transactions_total", []string{"type", "CREDIT"}},
		{2100, "loyalty_ledger_amount_cents_total", []string{"type", "CREDIT"}},
		{1, "loyalty_ledger_transactions_total", []string{"type", "DEBIT"}},
		{550, "loyalty_ledger_amount_cents_total", []string{"type", "DEBIT"}},
		{1, "loyalty_dependency_up", []string{"dependency", "database"}},
		{1, "loyalty_dependency_up", []string{"dependency", "Redis"}},
		{0, "loyalty_outbox_events", nil},
		{0, "loyalty_outbox_publish_failures_total", nil},
		{8, "loyalty_outbox_shards", nil},
		{0, "loyalty_password_hashes_waiting", nil},
		{16, "loyalty_postgres_connections_max", []string{"pool", "users"}},
		{2, "loyalty_postgres_connections_max", []string{"pool", "ledger"}},
		{0, "loyalty_redis_errors_total", nil},
	} {
		if got := m.Value(t, want.name, want.labels...); got != want.value {
			t.Errorf("%s%q is %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	for _, name := range []string{
		"loyalty_redis_commands_total", "loyalty_password_hashes_total", "loyalty_ledger_commit_size",
		"loyalty_postgres_acquires_total", "go_goroutines", "process_resident_memory_bytes", "loyalty_build_info",
	} {
		if m.Value(t, name) <= 0 {
			t.Errorf("%s is not positive", name)
		}
	}
}

// TestDiagnosticsNameTheMissingDependency stops Redis and then PostgreSQL.
func TestDiagnosticsNameTheMissingDependency(t *testing.T) {
	folder, err := os.MkdirTemp("", "loyalty-diagnostics-")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := os.Chmod(folder, 0o755); err != nil { // the server may run as another user
		t.Fatal(err)
	}
	database, err := pgserver.Start(t.Context(), pgserver.Options{DataDir: filepath.Join(folder, "data")})
	if err != nil {
		t.Fatal(err)
	}
	stop := func() { _ = database.Stop(context.WithoutCancel(t.Context())) }
	defer stop()
	err = errors.Join(database.CreateDatabase(t.Context(), "users"), database.CreateRole(t.Context(), "service", secret))
	if err == nil {
		role := dbrole.Role{Name: "service", Privileges: dbrole.Of("users")}
		_, err = migrate.Up(t.Context(), database.URL("users"), atlas.Users, role, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		t.Fatal(err)
	}
	cache := redistest.Start(t)
	s := startOn(t, database.URL("users"), database.RoleURL("service", secret, "users"), cache.Address)
	address := s.diagnose()
	missing := func() (int, []string) {
		code, r := diagnosticstest.Ready(t, address)
		return code, r.Missing(t)
	}
	s.eventually("the service is ready", func() bool { code, _ := missing(); return code == http.StatusOK })

	cache.Kill()
	s.eventually("Redis is missing", func() bool {
		code, names := missing()
		return code == http.StatusServiceUnavailable && slices.Equal(names, []string{"users/Redis"})
	})
	m := diagnosticstest.Scrape(t, address)
	if m.Value(t, "loyalty_dependency_up", "dependency", "Redis") != 0 || m.Value(t, "loyalty_redis_errors_total") == 0 {
		t.Error("the metrics do not show that Redis is missing")
	}

	stop()
	s.eventually("the database is missing", func() bool {
		code, names := missing()
		return code == http.StatusServiceUnavailable && slices.Contains(names, "users/database")
	})
	m = diagnosticstest.Scrape(t, address)
	if m.Value(t, "loyalty_dependency_up", "dependency", "database") != 0 {
		t.Error("loyalty_dependency_up of the database is not 0")
	}
	if _, found := m.Find("loyalty_outbox_events"); found {
		t.Error("loyalty_outbox_events has a value without a database")
	}
	if code, _ := diagnosticstest.Get(t, address, "/health/live"); code != http.StatusOK {
		t.Errorf("/health/live: status %d, want 200", code)
	}
}

func TestDiagnosticsAreNotPublic(t *testing.T) {
	s := start(t)
	diagnosticsAddr, publicAddr := s.diagnose(), strings.TrimPrefix(s.url, "http://")
	for _, path := range []string{
		"/metrics", "/health/ready", "/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/heap",
		"/debug/pprof/cmdline", "/debug/pprof/symbol", "/debug/pprof/profile?seconds=1", "/debug/pprof/trace?seconds=0.01",
	} {
		if code, _ := diagnosticstest.Get(t, publicAddr, path); code != http.StatusNotFound {
			t.Errorf("%s on the public listener: status %d, want 404", path, code)
		}
		if path == "/health/ready" {
			continue // the service may not be ready yet
		}
		if code, body := diagnosticstest.Get(t, diagnosticsAddr, path); code != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: status %d with %d bytes, want 200", path, code, len(body))
		}
	}
	if code, _ := diagnosticstest.Get(t, diagnosticsAddr, "/api/v1/users/me"); code != http.StatusNotFound {
		t.Errorf("the API on the diagnostics listener: status %d, want 404", code)
	}
}
