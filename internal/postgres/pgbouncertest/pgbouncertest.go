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
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/testproc"
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
	port := strconv.Itoa(testproc.FreePorts(t, 1)[0])
	cmd := exec.Command(binary, writeConfig(t, pooledURL, mode, port, settings))
	dropRoot(cmd)
	process := testproc.Start(t, cmd, syscall.SIGKILL)
	pooledURL.Host = net.JoinHostPort("127.0.0.1", port)
	if !process.Ready(t, func(ctx context.Context) error { return query(ctx, pooledURL.String()) }) {
		process.Kill()
		return ""
	}
	t.Cleanup(process.Kill)
	return pooledURL.String()
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

// query returns an error unless PgBouncer answers a query.
func query(ctx context.Context, pooledURL string) error {
	conn, err := pgx.Connect(ctx, pooledURL)
	if err != nil {
		return err
	}
	return errors.Join(conn.Ping(ctx), conn.Close(ctx))
}
