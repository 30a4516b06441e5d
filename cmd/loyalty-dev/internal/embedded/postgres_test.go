package embedded_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// reachableDir returns a directory that the user account of PostgreSQL can enter.
func reachableDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startPostgres(t *testing.T, dir string) *pgserver.Server {
	t.Helper()
	s, err := embedded.StartPostgres(deadline(t), embedded.PostgresOptions{
		DataDir:  filepath.Join(dir, "postgres"),
		FetchDir: filepath.Join(dir, "postgres-bin"),
		Log:      slog.New(slog.DiscardHandler),
		Progress: func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

func TestPostgresKeepsData(t *testing.T) {
	ctx := deadline(t)
	dir := reachableDir(t)
	s := startPostgres(t, dir)
	if err := s.CreateDatabase(ctx, "users"); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}

	s = startPostgres(t, dir)
	conn, err := pgx.Connect(ctx, s.URL("users"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var fsync string
	if err := conn.QueryRow(ctx, "show fsync").Scan(&fsync); err != nil || fsync != "on" {
		t.Errorf("fsync is %q (%v), want on", fsync, err)
	}
}

// TestPostgresIgnoresUnusableDownloads uses downloads that are damaged, or whose version differs from the version of the
// data.
func TestPostgresIgnoresUnusableDownloads(t *testing.T) {
	dir := reachableDir(t)
	bin := filepath.Join(dir, "postgres-bin", "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, script := range []string{"exit 1", "echo 'postgres (PostgreSQL) 99.1'"} {
		for _, name := range []string{"postgres", "initdb"} {
			if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := startPostgres(t, dir).Stop(deadline(t)); err != nil {
			t.Fatal(err)
		}
	}
}
