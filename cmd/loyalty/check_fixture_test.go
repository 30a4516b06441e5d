package main

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/ledgerchain"
	"github.com/casino-loyalty/loyalty/internal/migrate"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
)

// checkWait limits how long the tests of loyalty check wait for a server.
const checkWait = 2 * time.Minute

// servicePassword is the password of the role "service" on a checkServer.
const servicePassword = "hunter2"

// checkServer is a PostgreSQL server with durable settings. Its role "service" has the privileges of a service.
type checkServer struct{ *pgserver.Server }

func startCheckServer(t *testing.T) checkServer {
	t.Helper()
	root, err := os.MkdirTemp("", "loyalty-check-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Chmod(root, 0o755); err != nil { // the server may run as another user
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), checkWait)
	defer cancel()
	s, err := pgserver.Start(ctx, pgserver.Options{DataDir: filepath.Join(root, "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), checkWait)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	c := checkServer{s}
	c.exec(t, "postgres", "CREATE ROLE service LOGIN PASSWORD '"+servicePassword+"'")
	return c
}

// exec runs a statement as the superuser.
func (s checkServer) exec(t *testing.T, database, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// database creates a database and returns its URL for the role "service". It migrates the database unless folder is nil.
func (s checkServer) database(t *testing.T, name string, folder fs.FS) string {
	t.Helper()
	if err := s.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if folder != nil {
		role := dbrole.Role{Name: "service", Privileges: dbrole.Of(map[fs.FS]string{
			atlas.Users: "users", atlas.Promotions: "promotions", atlas.Notifications: "notifications",
		}[folder])}
		if _, err := migrate.Up(t.Context(), s.URL(name), folder, role, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	return s.serviceURL(t, name)
}

func (s checkServer) serviceURL(t *testing.T, name string) string {
	t.Helper()
	u, err := url.Parse(s.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("service", servicePassword)
	return u.String()
}

// startCheckKafka starts three fake brokers and returns their addresses.
func startCheckKafka(t *testing.T) string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return strings.Join(cluster.ListenAddrs(), ",")
}

// settingsFile writes a settings file.
func settingsFile(t *testing.T, settings map[string]string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		text.WriteString(name + "=" + settings[name] + "\n")
	}
	path := filepath.Join(t.TempDir(), "loyalty.env")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// platform is a good set-up in which the users service runs.
type platform struct {
	postgres checkServer
	redis    *redistest.Server
	settings map[string]string
}

func startPlatform(t *testing.T) *platform {
	t.Helper()
	s := startCheckServer(t)
	p := &platform{postgres: s, redis: redistest.Start(t, "--appendonly", "yes")}
	_, key, _ := run(t, "keygen")
	public, internal := free(t), free(t)
	p.settings = map[string]string{
		"LOYALTY_USERS_DATABASE_URL":         s.database(t, "users", atlas.Users),
		"LOYALTY_PROMOTIONS_DATABASE_URL":    s.database(t, "promotions", atlas.Promotions),
		"LOYALTY_NOTIFICATIONS_DATABASE_URL": s.database(t, "notifications", atlas.Notifications),
		"LOYALTY_NOTIFICATIONS_STORE":        "postgres",
		"LOYALTY_REDIS_ADDRESS":              p.redis.Address,
		"LOYALTY_KAFKA_BROKERS":              startCheckKafka(t),
		"LOYALTY_TOKEN_KEY":                  strings.TrimSpace(key),
		"LOYALTY_LEDGER_KEY":                 ledgerchain.GenerateKey(),
		"LOYALTY_JWKS_URL":                   "http://" + public + "/.well-known/jwks.json",
		"LOYALTY_LISTEN":                     public,
		"LOYALTY_DIAGNOSTICS_LISTEN":         "127.0.0.1:0",
		"LOYALTY_INTERNAL_LISTEN":            internal,
		"LOYALTY_LEDGER_ADDRESS":             internal,
		"LOYALTY_INTERNAL_TOKEN":             "the services' own hunter2",
		"LOYALTY_TRUSTED_PROXIES":            "10.0.0.0/8",
		"LOYALTY_LOG_LEVEL":                  "ERROR",
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan int, 1)
	path := settingsFile(t, p.settings)
	go func() {
		stopped <- dispatch(ctx, []string{"users", "--settings", path}, nil, new(bytes.Buffer), os.Stderr)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-stopped; code != 0 {
			t.Errorf("users exited with %d", code)
		}
	})
	end := time.Now().Add(checkWait)
	for { // until the users service is ready
		code, output := runChecks(t, p.settings)
		if code == 0 {
			return p
		}
		if time.Now().After(end) {
			t.Fatalf("the users service is not ready:\n%s", output)
		}
	}
}

// with returns a copy of the settings with other values. An empty value removes a setting.
func with(settings map[string]string, values ...string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, settings)
	for _, v := range values {
		name, value, _ := strings.Cut(v, "=")
		if all[name] = value; value == "" {
			delete(all, name)
		}
	}
	return all
}

// runChecks runs loyalty check, and fails the test if the output contains a secret. The output is that of both streams.
func runChecks(t *testing.T, settings map[string]string, args ...string) (code int, output string) {
	t.Helper()
	code, stdout, stderr := run(t, append([]string{"check", "--settings", settingsFile(t, settings)}, args...)...)
	output = stdout + stderr
	for _, secret := range []string{servicePassword, settings["LOYALTY_TOKEN_KEY"], settings["LOYALTY_LEDGER_KEY"], "postgres://", "nats://user"} {
		if secret != "" && strings.Contains(output, secret) {
			t.Errorf("the output contains %q:\n%s", secret, output)
		}
	}
	return code, output
}

// free returns an address on which nothing listens.
func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// hasLine reports whether a line of the output begins with the level and contains all texts.
func hasLine(output, level string, texts ...string) bool {
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, level+" ") {
			continue
		}
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(line, text) }) {
			return true
		}
	}
	return false
}
