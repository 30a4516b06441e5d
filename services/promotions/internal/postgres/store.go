// Package postgres implements the store of promotions on PostgreSQL, with one file per use case. It uses ent to
// create and change rows and for the predicates of filters, and pgx to read rows and where one statement must do more.
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

// Store implements promotions.Store and promotions.MonitorStore. It is safe for concurrent use.
type Store struct {
	pool    *pgxpool.Pool
	ent     *promotions.Client
	wake    func()
	entries *groups[domain.RecordParams, domain.Recorded]
	claims  *groups[domain.ClaimParams, reserved]
	paid    *groups[confirmation, domain.Assignment]
	unpaid  *groups[release, struct{}]
}

var (
	_ domain.Store        = (*Store)(nil)
	_ domain.MonitorStore = (*Store)(nil)
)

// New returns a store over a migrated database. It calls wake after each commit that may have appended to the outbox.
func New(pool *pgxpool.Pool, wake func()) *Store {
	driver := entsql.OpenDB(dialect.Postgres, postgres.SQL(pool))
	s := &Store{pool: pool, ent: promotions.NewClient(promotions.Driver(driver)), wake: wake}
	s.entries, s.claims, s.paid = newGroups(s.commitEntries), newGroups(s.commitReservations), newGroups(s.commitClaims)
	s.unpaid = newGroups(s.commitReleases)
	s.unpaid.once = true
	return s
}

// consumer is the consumer name of the promotions service in its inbox.
const consumer = "promotions"

// processOnce runs fn in a transaction that records the event in the inbox. If the event is already recorded, it does not
// run fn.
func (s *Store) processOnce(ctx context.Context, eventID string, fn func(pgx.Tx) error) error {
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		first, err := inbox.Begin(ctx, tx, consumer, eventID)
		if err != nil || !first {
			return err
		}
		return fn(tx)
	})
}

// inTx runs fn in a transaction and commits it if fn returns nil. It retries conflicts as postgres.InTx does.
func (s *Store) inTx(ctx context.Context, fn func(*promotions.Tx) error) error {
	return postgres.Retry(ctx, func() error {
		tx, err := s.ent.Tx(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // nothing to roll back once committed
		if err := fn(tx); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// toAppError converts a database error to the apperr.Error that describes it. It returns other errors unchanged.
func toAppError(err error) error {
	if err == nil {
		return nil
	}
	if e := (*apperr.Error)(nil); errors.As(err, &e) {
		return err
	}
	if errors.Is(err, pgx.ErrNoRows) || promotions.IsNotFound(err) {
		return apperr.New(apperr.NotFound, "promotion not found").WithCause(err)
	}
	switch name, _ := postgres.ConstraintViolated(err); name {
	case "promotions_unique_per_period":
		return apperr.New(apperr.PromotionExists,
			"another active promotion of the same type overlaps the period").WithCause(err)
	case "promotions_code":
		return apperr.New(apperr.PromotionCodeExists, "another promotion has the same code").WithCause(err)
	}
	if postgres.Unavailable(err) {
		return apperr.New(apperr.DependencyUnavailable, "the database cannot be reached").WithCause(err)
	}
	return err
}
