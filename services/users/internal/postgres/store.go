// Package postgres keeps users and their ledger in PostgreSQL: one file per use case. Simple records go through ent, what
// must be one careful statement through pgx.
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

// Store implements the domain's Store. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	ent  *ent.Client
	wake func()
}

var _ users.Store = (*Store)(nil)

// New returns a store over a migrated database; wake is called after a commit that left something in the outbox.
func New(pool *pgxpool.Pool, wake func()) *Store {
	driver := entsql.OpenDB(dialect.Postgres, postgres.SQL(pool))
	return &Store{pool: pool, ent: ent.NewClient(ent.Driver(driver)), wake: wake}
}

// inTx runs fn in a transaction of ent, and commits it if fn returns nil.
func (s *Store) inTx(ctx context.Context, fn func(*ent.Tx) error) error {
	tx, err := s.ent.Tx(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing to roll back once committed
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// fail turns an error of the database into one of the schema's where there is one for it.
func fail(err error) error {
	if err == nil {
		return nil
	}
	if e := (*apperr.Error)(nil); errors.As(err, &e) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) || ent.IsNotFound(err) {
		return apperr.New(apperr.NotFound, "there is no such user").WithCause(err)
	}
	if name, _ := postgres.ConstraintViolated(err); name == "users_email_folded_key" {
		return apperr.New(apperr.UserExists, "the e-mail is taken").WithCause(err)
	}
	if postgres.Unavailable(err) {
		return apperr.New(apperr.DependencyUnavailable, "the database cannot be reached").WithCause(err)
	}
	return err
}
