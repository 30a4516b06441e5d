// Package postgres keeps promotions in PostgreSQL: one file per use case. Simple records go through ent, what must be one
// careful statement through pgx.
package postgres

import (
	"context"
	"errors"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/ent/promotions"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event/inbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Store implements the domain's Store. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	ent  *promotions.Client
	wake func()
}

var _ domain.Store = (*Store)(nil)

// New returns a store over a migrated database; wake is called after a commit that left something in the outbox.
func New(pool *pgxpool.Pool, wake func()) *Store {
	driver := entsql.OpenDB(dialect.Postgres, postgres.SQL(pool))
	return &Store{pool: pool, ent: promotions.NewClient(promotions.Driver(driver)), wake: wake}
}

// consumer names promotions in its inbox.
const consumer = "promotions"

// onceFor runs fn in a transaction that notes the event, unless one did before.
func (s *Store) onceFor(ctx context.Context, eventID string, fn func(pgx.Tx) error) error {
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		first, err := inbox.Begin(ctx, tx, consumer, eventID)
		if err != nil || !first {
			return err
		}
		return fn(tx)
	})
}

// fail turns an error of the database into one of the schema's where there is one for it.
func fail(err error) error {
	if err == nil {
		return nil
	}
	if e := (*apperr.Error)(nil); errors.As(err, &e) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) || promotions.IsNotFound(err) {
		return apperr.New(apperr.NotFound, "there is no such promotion").WithCause(err)
	}
	if name, _ := postgres.ConstraintViolated(err); name == "promotions_unique_per_period" {
		return apperr.New(apperr.PromotionExists,
			"another active promotion of the type overlaps the period").WithCause(err)
	}
	if postgres.Unavailable(err) {
		return apperr.New(apperr.DependencyUnavailable, "the database cannot be reached").WithCause(err)
	}
	return err
}
