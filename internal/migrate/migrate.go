// Package migrate applies versioned Atlas migrations (20261122000001_init.sql … and atlas.sum) to a PostgreSQL database
// and plans new ones from an ent schema.
//
// It records applied migrations in the format of the Atlas CLI, in the table atlas_schema_revisions of the schema public,
// and takes the CLI's lock. The CLI works with the same database if its URL names that schema:
//
//	atlas migrate status --dir file://atlas/users --url "postgres://…/users?search_path=public"
package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"ariga.io/atlas/sql/migrate"
	atlaspostgres "ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/schema"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/postgres"
)

const (
	lockName = "atlas_migrate_execute" // the lock of "atlas migrate apply"
	lockWait = 10 * time.Minute

	// tableLockTimeout is how long a statement waits for a lock of a table. Meanwhile all later statements that need the table
	// wait behind it, in all replicas of the service.
	tableLockTimeout = 2 * time.Second
)

// Up applies the pending migrations in folder to the database at url and returns the names of the files that it applied.
// Each file runs in one transaction. If a file fails, it is rolled back, and the error names the file and the statement. A
// file with the directive "-- atlas:txmode none" runs outside of a transaction and may hold only one statement, such as
// CREATE INDEX CONCURRENTLY IF NOT EXISTS.
//
// If the process is killed, the next call continues: the server rolls the unfinished file back and releases the lock. A file
// without a transaction is run again.
//
// Up grants the role of the service its privileges, also if no migration is pending. A migration and the privileges on its
// new tables commit together, so a service that finds the migrations applied can use the tables. Up returns an error if the
// role has other privileges then, which only somebody else can revoke.
//
// A file that needs a lock which another transaction holds, such as that of a backup, is rolled back after two seconds and
// tried again, for up to ten minutes. So a long transaction delays the migration, and not the service.
//
// Concurrent calls of Up run one after the other, also across processes. A call waits at most ten minutes for the others. Up
// applies nothing and returns an error if the folder does not match its atlas.sum, if an applied file has changed, if a file
// was added before an applied file, or if the database has an older migration without a file. It ignores migrations that are
// newer than every file, because they belong to a newer release.
func Up(
	ctx context.Context, url string, folder fs.FS, role dbrole.Role, log *slog.Logger,
) (applied []string, err error) {
	files, err := read(dir{folder})
	if err != nil {
		return nil, err
	}
	err = withConn(ctx, url, func(conn *sql.Conn) error {
		applied, err = up(ctx, conn, files, role, log)
		return err
	})
	return applied, err
}

func up(
	ctx context.Context, conn *sql.Conn, files []file, role dbrole.Role, log *slog.Logger,
) (applied []string, err error) {
	driver, err := atlaspostgres.Open(conn)
	if err != nil {
		return nil, err
	}
	// Lock polls for the lock, because a statement that waits for it would block CREATE INDEX CONCURRENTLY.
	unlock, err := driver.Lock(ctx, lockName, lockWait)
	if errors.Is(err, schema.ErrLocked) {
		return nil, errors.New("another process has held the migration lock of this database for too long")
	}
	if err != nil {
		return nil, fmt.Errorf("take the migration lock: %w", err)
	}
	defer func() { err = errors.Join(err, unlock()) }()

	if err := noticeClientDeath(ctx, conn); err != nil {
		return nil, err
	}
	if err := prepare(ctx, conn, role); err != nil {
		return nil, err
	}
	revisions, err := readRevisions(ctx, conn)
	if err != nil {
		return nil, err
	}
	status, pending := compare(files, revisions)
	if err := status.Err(); err != nil {
		return nil, err
	}
	for _, f := range pending {
		start := time.Now()
		statements, err := migrate.FileStmtDecls(driver, f)
		if err != nil {
			return applied, fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		if err := apply(ctx, conn, f, statements, role, log); err != nil {
			return applied, fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		applied = append(applied, f.Name())
		log.Info("migration applied", "file", f.Name(), "statements", len(statements), "took", time.Since(start))
	}
	return applied, grant(ctx, conn, role, len(status.Newer) > 0)
}

// prepare creates the table of revisions, which the service can read from the start.
func prepare(ctx context.Context, conn *sql.Conn, role dbrole.Role) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after the commit
	if err := createRevisions(ctx, tx); err != nil {
		return err
	}
	if err := role.Grant(ctx, tx, true); err != nil {
		return fmt.Errorf("privileges: %w", err)
	}
	return tx.Commit()
}

// grant grants the role its privileges. With keep, it revokes none: the database belongs to a newer release.
func grant(ctx context.Context, conn *sql.Conn, role dbrole.Role, keep bool) error {
	if role.Name == "" {
		return nil
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after the commit
	if err := role.Grant(ctx, tx, keep); err != nil {
		return fmt.Errorf("privileges: %w", err)
	}
	difference, err := role.Compare(ctx, tx)
	if err != nil {
		return fmt.Errorf("privileges: %w", err)
	}
	if len(difference.Missing) > 0 {
		return fmt.Errorf("the role %q lacks privileges that the owner of the tables could not grant: %s",
			role.Name, strings.Join(difference.Missing, "; "))
	}
	if len(difference.Excess) > 0 && !keep {
		return fmt.Errorf("the role %q has privileges that the service does not need, from PUBLIC or another role or owner: %s",
			role.Name, strings.Join(difference.Excess, "; "))
	}
	return tx.Commit()
}

func apply(
	ctx context.Context, conn *sql.Conn, f file, statements []*migrate.Stmt, role dbrole.Role, log *slog.Logger,
) error {
	done := revision{
		version: f.Version(), description: f.Desc(), hash: f.hash, statements: len(statements), at: time.Now(),
	}
	if withoutTx(f) {
		if len(statements) > 1 {
			return fmt.Errorf("a file with txmode none may hold only one statement, not %d", len(statements))
		}
		for _, s := range statements {
			if err := makeRepeatable(ctx, conn, s.Text); err != nil {
				return err
			}
		}
		if err := run(ctx, conn, f, statements); err != nil {
			return err
		}
		return writeRevision(ctx, conn, done)
	}
	policy := backoff.Policy{Initial: time.Second, Max: 15 * time.Second, Jitter: 0.2, Timeout: lockWait}
	return backoff.Retry(ctx, policy, func(ctx context.Context) error {
		err := applyInTx(ctx, conn, f, statements, done, role)
		if !postgres.LockTimedOut(err) && !postgres.Conflict(err) {
			return backoff.Permanent(err)
		}
		log.Warn("a migration waits for the lock of a table", "file", f.Name(), "error", err)
		return err
	})
}

// applyInTx applies a file in one transaction. If another transaction holds a lock that it needs, applyInTx returns an error
// for which postgres.LockTimedOut or postgres.Conflict is true.
func applyInTx(
	ctx context.Context, conn *sql.Conn, f file, statements []*migrate.Stmt, done revision, role dbrole.Role,
) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no effect after the commit
	timeout := fmt.Sprintf("SET LOCAL lock_timeout = %d", tableLockTimeout.Milliseconds())
	if _, err := tx.ExecContext(ctx, timeout); err != nil {
		return err
	}
	if err := run(ctx, tx, f, statements); err != nil {
		return err
	}
	if err := writeRevision(ctx, tx, done); err != nil {
		return err
	}
	if err := role.Grant(ctx, tx, false); err != nil {
		return fmt.Errorf("privileges: %w", err)
	}
	return tx.Commit()
}

func withoutTx(f file) bool {
	marked, ok := f.File.(interface{ Directive(name string) []string })
	if !ok {
		return false
	}
	modes := marked.Directive("txmode")
	return len(modes) > 0 && modes[0] == "none"
}

func run(ctx context.Context, db schema.ExecQuerier, f file, statements []*migrate.Stmt) error {
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s.Text); err != nil {
			line := 1 + strings.Count(string(f.Bytes()[:min(s.Pos, len(f.Bytes()))]), "\n")
			return fmt.Errorf("line %d: %q: %w", line, abbreviate(s.Text), err)
		}
	}
	return nil
}

// abbreviate returns the beginning of a statement on one line.
func abbreviate(statement string) string {
	const most = 120
	words := []rune(strings.Join(strings.Fields(statement), " "))
	if len(words) > most {
		return string(words[:most]) + "…"
	}
	return string(words)
}

// withConn runs fn on one connection to url. See postgres.OpenError for the errors of the connection.
func withConn(ctx context.Context, url string, fn func(*sql.Conn) error) (err error) {
	config, prepare, err := postgres.ParseConfig(url)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(prepare))
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return postgres.OpenError(config, err)
	}
	return errors.Join(fn(conn), conn.Close())
}
