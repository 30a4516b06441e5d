package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/postgres"
)

// timeoutsSQL is a part of a SELECT that bounds how long the transaction waits for a lock, and how long it holds its locks
// if its process stops. A transaction that locks a promotion, its claims or its counters executes it first, so that a
// stopped process delays the claims of the promotion by no more than three seconds.
const timeoutsSQL = `set_config('lock_timeout', '4s', true), set_config('idle_in_transaction_session_timeout', '3s', true)`

// inLockingTx is postgres.InTx for a transaction that locks a promotion, its claims or its counters.
func (s *Store) inLockingTx(ctx context.Context, fn func(pgx.Tx) error) error {
	return postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT "+timeoutsSQL); err != nil {
			return err
		}
		return fn(tx)
	})
}
