// Package postgres stores users and their ledger in PostgreSQL, with one file per use case. It uses ent to create and
// change rows and for the predicates of filters, and pgx to read rows and where one statement must do more.
//
// [Ledger] adds transactions. A call passes through these files:
//   - add_transaction.go accepts and answers calls, and ledger.go starts the commits of groups.
//   - ledger_queue.go forms groups: a player's calls stay in order, and a player is in at most one group at a time.
//   - ledger_commit.go commits a group: first optimistically, then under row locks, and finally each call alone.
//   - ledger_locked.go is the commit under row locks.
//   - ledger_apply.go applies a player's calls to the balance, in memory.
//   - ledger_write.go writes a group with one SQL statement, and ledger_arrays.go encodes its arguments.
//   - ledger_cache.go caches the accounts that were written last.
package postgres

import (
	"context"
	"errors"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Store implements users.Store. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	ent  *ent.Client
	wake func()
}

var _ users.Store = (*Store)(nil)

// New returns a store on a migrated database. The store calls wake after each commit that may have appended to the outbox.
func New(pool *pgxpool.Pool, wake func()) *Store {
	driver := entsql.OpenDB(dialect.Postgres, postgres.SQL(pool))
	return &Store{pool: pool, ent: ent.NewClient(ent.Driver(driver)), wake: wake}
}

// inTx runs fn in a transaction. It commits if fn returns nil; otherwise it rolls back and returns the error of fn.
func (s *Store) inTx(ctx context.Context, fn func(*ent.Tx) error) error {
	tx, err := s.ent.Tx(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it has no effect after the commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// toAppError converts a database error to an apperr.Error with the code NOT_FOUND, USER_EXISTS or DEPENDENCY_UNAVAILABLE. It
// returns other errors unchanged.
func toAppError(err error) error {
	if err == nil {
		return nil
	}
	if e := (*apperr.Error)(nil); errors.As(err, &e) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) || ent.IsNotFound(err) {
		return apperr.New(apperr.NotFound, "user not found").WithCause(err)
	}
	if name, _ := postgres.ConstraintViolated(err); name == "users_email_folded_key" {
		return apperr.New(apperr.UserExists, "a user with this e-mail exists already").WithCause(err)
	}
	if postgres.Unavailable(err) {
		return apperr.New(apperr.DependencyUnavailable, "the database cannot be reached").WithCause(err)
	}
	return err
}
