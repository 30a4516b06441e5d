package e2e_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ariga.io/atlas/sql/migrate"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/testproc"
)

// TestMigrationKilled kills loyalty migrate up with SIGKILL while a statement of a file waits for a lock of the test. The
// server then ends the session, although the lock is still held. The same command, run again, applies the rest.
func TestMigrationKilled(t *testing.T) {
	t.Parallel()
	build(t)
	for name, tt := range map[string]struct {
		applied int    // files that are applied before
		lock    string // blocks the statement
		blocked string // the beginning of the blocked statement
		kept    int    // files that are applied after the kill
	}{
		"in the middle of a file":      {0, "CREATE TABLE promotions ()", `CREATE TABLE "promotions"`, 1},
		"after a file, in the next":    {3, "LOCK TABLE outbox IN ACCESS SHARE MODE", `ALTER TABLE "outbox"`, 4},
		"before its first transaction": {0, "CREATE TABLE atlas_schema_revisions ()", "create table if not exists", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := postgrestest.URL(t, firstMigrations(t, tt.applied))
			db := connectTo(t, url)
			holder, err := connectTo(t, url).Begin(t.Context())
			if err == nil {
				_, err = holder.Exec(t.Context(), tt.lock)
			}
			if err != nil {
				t.Fatal(err)
			}

			// blocked waits until a session waits for the lock at the statement, and returns the session. It ignores the session
			// with the id ignored.
			blocked := func(ignored int) (pid int) {
				t.Helper()
				eventually(t, "a migration waits for the lock", func() error {
					return db.QueryRow(t.Context(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database()
						AND wait_event_type = 'Lock' AND btrim(query, E' \t\n') ILIKE $1 AND pid <> $2`, tt.blocked+"%", ignored).Scan(&pid)
				})
				return pid
			}
			first := startMigration(t, url)
			session := blocked(0)
			second := startMigration(t, url) // waits for the migration lock
			first.Kill()
			blocked(session) // the first session has ended: the second process has the migration lock
			second.Kill()
			eventually(t, "no migration is running", func() error {
				var n int
				err := db.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
					WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n)
				if err == nil && n > 0 {
					err = fmt.Errorf("%d sessions", n)
				}
				return err
			})
			var kept int
			if tt.kept > 0 {
				if err := db.QueryRow(t.Context(), "SELECT count(*) FROM atlas_schema_revisions").Scan(&kept); err != nil {
					t.Fatal(err)
				}
			}
			if kept != tt.kept {
				t.Errorf("%d files are applied after the kill, want %d", kept, tt.kept)
			}
			if err := holder.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}

			third := startMigration(t, url)
			if err := third.Wait(); err != nil {
				t.Fatalf("run again: %v\n%s", err, third.Output())
			}
			all, err := fs.Glob(atlas.Promotions, "*.sql")
			if err != nil {
				t.Fatal(err)
			}
			want := "promotions: " + cli.Count(len(all)-tt.kept, "migration", "migrations") + " applied"
			if !strings.Contains(third.Output(), want) {
				t.Errorf("run again: got %s, want %q", third.Output(), want)
			}
			fresh := connectTo(t, postgrestest.URL(t, atlas.Promotions))
			if got, want := tables(t, db), tables(t, fresh); !slices.Equal(got, want) {
				t.Errorf("got tables %v, want %v", got, want)
			}
		})
	}
}

func connectTo(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// startMigration starts loyalty migrate up for the database of promotions.
func startMigration(t *testing.T, url string) *testproc.Process {
	t.Helper()
	command := exec.Command(programs.loyalty, "migrate", "up", "promotions")
	command.Env = append(os.Environ(), "LOYALTY_PROMOTIONS_DATABASE_URL="+url, "LOYALTY_PROMOTIONS_DATABASE_ROLE=none")
	p := testproc.Start(t, command, syscall.SIGKILL)
	t.Cleanup(p.Kill)
	return p
}

// firstMigrations returns the first n migrations of promotions, or nil for none.
func firstMigrations(t *testing.T, n int) fs.FS {
	t.Helper()
	if n == 0 {
		return nil
	}
	names, err := fs.Glob(atlas.Promotions, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var files []migrate.File
	for _, name := range names[:n] {
		data, err := fs.ReadFile(atlas.Promotions, name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, migrate.NewLocalFile(name, data))
	}
	return postgrestest.Folder(files...)
}

// tables returns the tables and columns of the schema public.
func tables(t *testing.T, db *pgx.Conn) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}
