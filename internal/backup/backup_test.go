package backup_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/backup"
	"github.com/casino-loyalty/loyalty/internal/pgserver"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

const (
	player     = "01890000-0000-7000-8000-000000000001"
	promotion  = "01890000-0000-7000-8000-0000000000a1"
	assignment = "01890000-0000-7000-8000-0000000000b1"
	credit     = "01890000-0000-7000-8000-0000000000c1"
)

// source is a platform whose player has an unclaimed assignment.
type source struct {
	*testing.T
	options           backup.Options
	users, promotions *pgxpool.Pool
	bin               string // the programs of PostgreSQL
}

func newSource(t *testing.T) source {
	t.Helper()
	installed, err := pgserver.Find()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", installed.BinDir+string(os.PathListSeparator)+os.Getenv("PATH"))
	s := source{T: t, bin: installed.BinDir, options: backup.Options{
		Users: postgrestest.URL(t, atlas.Users), Promotions: postgrestest.URL(t, atlas.Promotions),
		Notifications: postgrestest.URL(t, atlas.Notifications), Dir: filepath.Join(t.TempDir(), "dumps"),
	}}
	s.users, s.promotions = s.open(s.options.Users), s.open(s.options.Promotions)
	s.exec(s.users, `INSERT INTO users (id, email, email_folded, role, created_at, password_hash)
		VALUES ('`+player+`', 'a@example.com', 'a@example.com', 'PLAYER', now(), '')`)
	s.exec(s.promotions, `INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, updated_at)
		VALUES ('`+promotion+`', 'x', '', 'BONUS', 20, '2026-01-01', '2026-01-01', now(), now())`)
	s.exec(s.promotions, `INSERT INTO player_promotions (id, user_id, promotion_id, amount, created_at, title)
		VALUES ('`+assignment+`', '`+player+`', '`+promotion+`', 20, now(), 'x')`)
	return s
}

func (s source) open(url string) *pgxpool.Pool {
	s.Helper()
	pool, err := pgxpool.New(s.Context(), url)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(pool.Close)
	return pool
}

func (s source) exec(db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, sql string,
) {
	s.Helper()
	var n int
	if err := db.QueryRow(s.Context(), "WITH changed AS ("+sql+" RETURNING 1) SELECT count(*) FROM changed").Scan(&n); err != nil || n != 1 {
		s.Fatalf("%d rows, %v", n, err)
	}
}

// claim begins to mark the assignment as claimed. The transaction is not committed.
func (s source) claim() pgx.Tx {
	s.Helper()
	tx, err := s.promotions.Begin(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	s.exec(tx, `UPDATE player_promotions SET claimed = true, claimed_at = now(), transaction_id = '`+credit+`'`)
	return tx
}

// waiting waits until the backup waits for a lock.
func (s source) waiting() {
	s.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; n == 0; <-tick.C {
		err := s.promotions.QueryRow(s.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'backup' AND wait_event_type = 'Lock'`).Scan(&n)
		if err != nil {
			s.Fatal(err)
		}
	}
}

// restored returns the database of a dump.
func (s source) restored(name string) *pgxpool.Pool {
	s.Helper()
	url := postgrestest.URL(s, nil)
	command := exec.Command(filepath.Join(s.bin, "pg_restore"), "--exit-on-error", "--no-owner", "--dbname="+url,
		filepath.Join(s.options.Dir, name+".dump"))
	if out, err := command.CombinedOutput(); err != nil {
		s.Fatalf("restore %s: %v\n%s", name, err, out)
	}
	return s.open(url)
}

func (s source) count(db *pgxpool.Pool, sql string) (n int) {
	s.Helper()
	if err := db.QueryRow(s.Context(), sql).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}

// A claim is in progress when the backup begins: the credit is added and the claim is committed while the backup waits. The
// dumps contain both.
func TestRunWaitsForClaims(t *testing.T) {
	s := newSource(t)
	claim := s.claim()
	done := make(chan error, 1)
	go func() { done <- backup.Run(t.Context(), s.options) }()
	s.waiting()
	s.exec(s.users, `INSERT INTO transactions (id, user_id, type, amount, balance_after, description, created_at, seq, idempotency_key, content_hash)
		VALUES ('`+credit+`', '`+player+`', 'CREDIT', 20, 20, '', now(), 1, '`+assignment+`', '')`)
	if err := claim.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	marked := s.count(s.restored("promotions"), "SELECT count(*) FROM player_promotions WHERE claimed")
	paid := s.count(s.restored("users"), "SELECT count(*) FROM transactions")
	if marked != 1 || paid != 1 {
		t.Errorf("the dumps have %d claims and %d credits, want 1 and 1", marked, paid)
	}
	if n := s.count(s.restored("notifications"), "SELECT count(*) FROM notifications"); n != 0 {
		t.Errorf("%d notifications, want none", n)
	}
}

func TestFailedRunLeavesNoDump(t *testing.T) {
	s := newSource(t)
	leaves := func(want ...string) {
		t.Helper()
		var got []string
		err := fs.WalkDir(os.DirFS(s.options.Dir), ".", func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				got = append(got, path)
			}
			return err
		})
		if err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("the directory contains %q, %v, want %q", got, err, want)
		}
	}
	claim := s.claim() // does not end
	if err := backup.Run(t.Context(), s.options); err == nil || !strings.Contains(err.Error(), "promotions: wait for the assignments") {
		t.Errorf("during a claim that does not end: got %v", err)
	}
	leaves()
	if err := claim.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	occupied := filepath.Join(s.options.Dir, "users.dump")
	if err := os.WriteFile(occupied, []byte("an older dump"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := backup.Run(t.Context(), s.options); err == nil || !strings.Contains(err.Error(), "users.dump exists already") {
		t.Errorf("with a dump: got %v", err)
	}
	leaves("users.dump")
	t.Setenv("PATH", t.TempDir())
	s.options.Dir = t.TempDir()
	if err := backup.Run(t.Context(), s.options); err == nil || !strings.Contains(err.Error(), "pg_dump") {
		t.Errorf("without pg_dump: got %v", err)
	}
	leaves()
}

// The directory is readable by everybody, the umask removes nothing, and a killed backup has left a file with a wide mode.
func TestOnlyTheOwnerReadsDumps(t *testing.T) {
	s := newSource(t)
	s.options.Dir = t.TempDir()
	defer syscall.Umask(syscall.Umask(0))
	if err := errors.Join(os.Chmod(s.options.Dir, 0o777),
		os.WriteFile(filepath.Join(s.options.Dir, "users.dump.part"), []byte("an incomplete dump"), 0o666)); err != nil {
		t.Fatal(err)
	}
	if err := backup.Run(t.Context(), s.options); err != nil {
		t.Fatal(err)
	}
	dumps, err := os.ReadDir(s.options.Dir)
	if err != nil || len(dumps) != 3 {
		t.Fatalf("got %d files, %v, want 3 dumps", len(dumps), err)
	}
	for _, d := range dumps {
		if info, err := d.Info(); err != nil || info.Mode() != 0o600 || info.Size() == 0 {
			t.Errorf("%s: mode %s, %v, want a dump that only the owner can read", d.Name(), info.Mode(), err)
		}
	}
}

func TestErrorsHideThePassword(t *testing.T) {
	o := backup.Options{Users: "postgres://u:s3cret@127.0.0.1:1/users", Promotions: "postgres://u:s3cret@127.0.0.1:1/promotions", Dir: t.TempDir()}
	if err := backup.Run(t.Context(), o); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v, want an error without the password", err)
	}
}
