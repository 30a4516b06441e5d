package migrate

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// Applied checks, while a service runs, whether the migrations of its database are applied. Create it with NewApplied. It is
// safe for concurrent use. A nil Applied is for a store without migrations: its methods Err and Before behave as if all
// migrations were applied.
type Applied struct {
	pool     *pgxpool.Pool
	db       *sql.DB
	database string
	files    []file
	log      *slog.Logger

	mu    sync.Mutex
	done  chan struct{} // closed once the migrations are applied
	newer string        // the last migration of a newer release that Check has logged
	good  string        // the revisions that Check found applied; see revisionsSQL
}

// revisionsSQL returns a text that changes with each change of the revisions.
const revisionsSQL = `select count(*) || ' ' || md5(string_agg(r::text, ' ' order by version collate "C"))
	from public.atlas_schema_revisions r`

// NewApplied returns a check of a database. The parameter database is its name in commands of loyalty migrate. NewApplied
// calls Check once, so that a service with a migrated database can start at once. It returns an error if the folder does not
// match its atlas.sum.
func NewApplied(
	ctx context.Context, pool *pgxpool.Pool, database string, folder fs.FS, log *slog.Logger,
) (*Applied, error) {
	files, err := read(dir{folder})
	if err != nil {
		return nil, err
	}
	a := &Applied{pool: pool, db: postgres.SQL(pool), database: database, files: files, log: log, done: make(chan struct{})}
	_ = a.Check(ctx) // the next call reports the error
	return a, nil
}

// PendingError says that migrations must be applied before the service can work.
type PendingError struct {
	// Database is the name of the database in commands of loyalty migrate.
	Database string
}

// Error implements error.
func (e *PendingError) Error() string {
	return "migrations are pending: run loyalty migrate up " + e.Database
}

// Check returns nil if all migrations of this program are applied, and a PendingError if some are not. Additional migrations
// of a newer release are not an error, because older programs keep working with them. Check logs them once. It returns
// another error if the database cannot be read, or if its migrations do not match those of this program.
//
// Services call Check every second. It reads all revisions only if they have changed since a Check that returned nil.
func (a *Applied) Check(ctx context.Context) error {
	var seen string
	unread := a.pool.QueryRow(ctx, revisionsSQL).Scan(&seen) != nil
	a.mu.Lock()
	same := !unread && seen == a.good
	a.mu.Unlock()
	if same {
		return nil
	}
	revisions, err := readRevisions(ctx, a.db)
	if err != nil {
		return err
	}
	status, pending := compare(a.files, revisions)
	if err := status.Err(); err != nil {
		return err
	}
	if len(pending) > 0 {
		return &PendingError{Database: a.database}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(status.Newer); n > 0 && status.Newer[n-1] != a.newer {
		a.newer = status.Newer[n-1]
		a.log.Warn("the database "+a.database+" has migrations of a newer release: upgrade this program",
			"migrations", strings.Join(status.Newer, ", "))
	}
	if !unread {
		a.good = seen
	}
	select {
	case <-a.done:
	default:
		close(a.done)
	}
	return nil
}

// Err returns nil once Check has found all migrations applied, and an error before. It does not access the database.
func (a *Applied) Err() error {
	if a == nil {
		return nil
	}
	select {
	case <-a.done:
		return nil
	default:
		return errors.New("the migrations of the database " + a.database + " are not applied")
	}
}

// Before returns a function that waits until Check has found all migrations applied, and then calls run. The function
// returns nil if its context ends first. Another goroutine must call Check.
func (a *Applied) Before(run func(context.Context) error) func(context.Context) error {
	if a == nil {
		return run
	}
	return func(ctx context.Context) error {
		select {
		case <-a.done:
			return run(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}
