package pgserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// childEnv is an environment variable that makes the test binary run a server. Its value is the data directory.
const childEnv = "PGSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

// child starts a server, prints its address and waits until it is killed.
func child(dir string) {
	s, err := pgserver.Start(context.Background(), options(dir))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Addr())
	select {}
}

func options(dir string) pgserver.Options {
	return pgserver.Options{DataDir: dir, Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB"}}
}

// dataDir returns a directory that the server's account can enter, unlike t.TempDir.
func dataDir(t *testing.T) string {
	t.Helper()
	root, err := os.MkdirTemp("", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, "data")
}

func start(t *testing.T, o pgserver.Options) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *pgserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var out string
	if err := conn.QueryRow(t.Context(), sql).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestServerKeepsDataAndLocksItsDirectory(t *testing.T) {
	o := options(dataDir(t))
	var steps []string
	o.Progress = func(step string) { steps = append(steps, step) }
	s := start(t, o)
	for range 2 { // at the second call the database exists
		if err := s.CreateDatabase(t.Context(), "users"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CreateDatabase(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if got := query(t, s.URL("users"), "select lower('ÄÇΣ') || current_setting('timezone')"); got != "äçσUTC" {
		t.Errorf("lower() and time zone are %q, want äçσUTC", got)
	}
	if got := query(t, s.URL("users"), "select current_setting('listen_addresses')||current_setting('fsync')"+
		"||current_setting('unix_socket_directories')"); got != "127.0.0.1off" {
		t.Errorf("address and settings are %q, want 127.0.0.1off", got)
	}
	wrong := strings.Replace(s.URL("users"), "//postgres:", "//postgres:not-", 1)
	if conn, err := pgx.Connect(t.Context(), wrong); err == nil {
		conn.Close(t.Context())
		t.Error("the server accepted a wrong password")
	}

	var inUse *pgserver.InUseError
	if _, err := pgserver.Start(t.Context(), o); !errors.As(err, &inUse) || inUse.PID != s.PID() {
		t.Errorf("second server on the same directory: got error %v, want an InUseError with pid %d", err, s.PID())
	}
	if info, err := os.Stat(filepath.Join(o.DataDir, "password")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("password file: got mode %v, %v; want 0600", info.Mode(), err)
	}
	stop(t, s)

	// After a power failure the pid file may name an unrelated process.
	pidFile := filepath.Join(o.DataDir, "cluster", "postmaster.pid")
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = start(t, o)
	if got := query(t, s.URL("kept"), "select current_database()::text"); got != "kept" {
		t.Errorf("database after a restart is %q, want kept", got)
	}
	if len(steps) < 3 {
		t.Errorf("progress steps are %q, want at least 3", steps)
	}
}

func TestServerEndsWithItsProcess(t *testing.T) {
	dir := dataDir(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	output := bufio.NewScanner(out)
	output.Scan()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // reports the kill
	address := output.Text()
	if _, _, err := net.SplitHostPort(address); err != nil {
		t.Fatalf("the child printed %q", address)
	}

	// The new server waits for the end of the old server.
	s := start(t, options(dir))
	if conn, err := net.Dial("tcp", address); err == nil && s.Addr() != address {
		conn.Close()
		t.Errorf("the server at %s outlived its process", address)
	}
}

func TestStartErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	old := dataDir(t)
	if err := os.MkdirAll(filepath.Join(old, "cluster"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(old, "cluster", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	noPrograms := options(dataDir(t))
	noPrograms.BinDir = filepath.Join(old, "bin")
	for name, tt := range map[string]struct {
		o    pgserver.Options
		want []string
	}{
		"data of another version": {options(old), []string{"PostgreSQL 9", "install version 9"}},
		"no data directory":       {pgserver.Options{}, []string{"data directory"}},
		"missing programs":        {noPrograms, []string{noPrograms.BinDir}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pgserver.Start(t.Context(), tt.o)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want one line with %q", err, want)
				}
			}
		})
	}
	t.Run("port in use and unknown setting", func(t *testing.T) {
		o := options(dataDir(t))
		o.Port = taken.Addr().(*net.TCPAddr).Port
		if _, err := pgserver.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("port in use: got error %v, want \"address already in use\"", err)
		}
		o.Port = 0
		o.Settings = map[string]string{"no_such_setting": "1"}
		if _, err := pgserver.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "no_such_setting") {
			t.Errorf("unknown setting: got error %v, want the name of the setting", err)
		}
	})
}

func TestFind(t *testing.T) {
	in, err := pgserver.Find()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(in.BinDir, "initdb")); err != nil || in.Version < pgserver.MinVersion {
		t.Errorf("Find = %+v, want version %d or later and a folder with initdb (%v)", in, pgserver.MinVersion, err)
	}
}
