// Package pgbouncertest runs a real PgBouncer in front of a test's database.
package pgbouncertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/backoff"
)

// Mode is PgBouncer's pool_mode.
type Mode string

// The pool modes.
const (
	Session     Mode = "session"
	Transaction Mode = "transaction"
	Statement   Mode = "statement"
)

// Start runs PgBouncer in front of the database at the URL and returns the URL of the database through PgBouncer. PgBouncer
// stops when the test ends. Each setting is a line of its configuration, for example "default_pool_size = 5".
func Start(t testing.TB, database string, mode Mode, settings ...string) string {
	t.Helper()
	binary, err := find()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // another process may take the port before PgBouncer does
		if pooledURL := start(t, binary, database, mode, settings); pooledURL != "" {
			return pooledURL
		}
	}
	t.Fatal("pgbouncer did not start in five attempts")
	return ""
}

func find() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("pgbouncer is not installed: run scripts/setup.sh (apt-get install pgbouncer)")
}

// start returns the URL of the database through PgBouncer, or an empty URL if PgBouncer exits or does not become ready.
func start(t testing.TB, binary, database string, mode Mode, settings []string) string {
	t.Helper()
	pooledURL, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	cmd := exec.CommandContext(context.Background(), binary, writeConfig(t, pooledURL, mode, port, settings))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, exit := context.WithCancel(context.Background())
	go func() {
		defer exit()
		_ = cmd.Wait()
	}()
	stop := func() {
		_ = cmd.Process.Kill() // fails only if the process has ended
		<-ctx.Done()
	}
	pooledURL.Host = net.JoinHostPort("127.0.0.1", port)
	if err := ready(ctx, pooledURL.String()); err != nil {
		stop()
		t.Logf("pgbouncer: %v\n%s", err, &log)
		return ""
	}
	t.Cleanup(stop)
	return pooledURL.String()
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// writeConfig writes the configuration file and returns its path. All users can read the file, because PgBouncer may run as
// another user. PgBouncer accepts every client and logs in to the server with the credentials of the URL.
func writeConfig(t testing.TB, server *url.URL, mode Mode, port string, settings []string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgbouncertest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	password, _ := server.User.Password()
	var b bytes.Buffer
	fmt.Fprintf(&b, "[databases]\n* = host=%s port=%s user=%s password=%s\n", server.Hostname(), server.Port(),
		server.User.Username(), password)
	fmt.Fprintf(&b, "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %s\nunix_socket_dir =\nauth_type = any\n"+
		"pool_mode = %s\ndefault_pool_size = 60\n", port, mode)
	for _, line := range settings {
		fmt.Fprintln(&b, line)
	}
	path := filepath.Join(dir, "pgbouncer.ini")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return path
}

// ready waits until PgBouncer answers a query. It returns an error if ctx ends, which happens when PgBouncer exits.
func ready(ctx context.Context, pooledURL string) error {
	policy := backoff.Policy{Initial: 10 * time.Millisecond, Max: 200 * time.Millisecond, Timeout: time.Minute}
	return backoff.Retry(ctx, policy, func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, pooledURL)
		if err != nil {
			return err
		}
		return errors.Join(conn.Ping(ctx), conn.Close(ctx))
	})
}
