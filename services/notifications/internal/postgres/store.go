// Package postgres stores notifications in PostgreSQL, one row per notification.
package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/notifications"
)

// Store implements notifications.Store and Auditor. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
}

// New returns a store that uses pool. The notifications migrations must have been applied to the database. The caller
// closes the pool.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

// Ping returns nil if the database answers.
func (s *Store) Ping(ctx context.Context) error { return failure("ping", s.pool.Ping(ctx)) }

// query returns the notifications that a statement selects. An error names the operation.
func (s *Store) query(ctx context.Context, operation, sql string, args ...any) ([]notifications.Notification, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, failure(operation, err)
	}
	list, err := pgx.CollectRows(rows, scanNotification)
	return list, failure(operation, err)
}

// failure wraps an error of the database. The error has the code DEPENDENCY_UNAVAILABLE if a retry may succeed.
func failure(operation string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("postgres: %s: %w", operation, err)
	if postgres.Unavailable(err) {
		return apperr.New(apperr.DependencyUnavailable, "the notification store cannot be reached").WithCause(err)
	}
	return err
}

// noRows reports whether a statement returned no row.
func noRows(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
