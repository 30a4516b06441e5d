package embedded_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/cmd/loyalty-dev/internal/embedded"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
)

// reachableDir is a directory into which the user that PostgreSQL runs as for root can reach.
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

func TestPostgresPrefersWhatItFetched(t *testing.T) {
	dir := reachableDir(t)
	if err := os.MkdirAll(filepath.Join(dir, "postgres-bin", "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := embedded.StartPostgres(deadline(t), embedded.PostgresOptions{
		DataDir:  filepath.Join(dir, "postgres"),
		FetchDir: filepath.Join(dir, "postgres-bin"),
		Log:      slog.New(slog.DiscardHandler),
		Progress: func(string) {},
	})
	if err == nil {
		s.Stop(deadline(t))
		t.Fatal("started with other programs than the fetched ones, which are damaged")
	}
	if !strings.Contains(err.Error(), filepath.Join(dir, "postgres-bin")) {
		t.Errorf("%v, want an error naming the programs' directory", err)
	}
}
