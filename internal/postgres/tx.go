package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/backoff"
)

// rollbackTimeout limits how long a rollback waits for a server that may be gone.
const rollbackTimeout = 5 * time.Second

// Beginner begins transactions: *pgxpool.Pool, *pgx.Conn.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// InTx runs fn in a transaction and commits it if fn returns nil. If the transaction conflicts with others (deadlock,
// serialization failure), InTx repeats it after a short random delay, up to five attempts in total. Therefore fn must have
// no effect outside of tx. InTx does not retry other errors. For example, after a lost connection the transaction may have
// been committed.
func InTx(ctx context.Context, db Beginner, fn func(tx pgx.Tx) error) error {
	return Retry(ctx, func() error { return once(ctx, db, fn) })
}

// Retry runs fn, which must run a whole transaction. It retries conflicts with other transactions as InTx does. It is for
// transactions of ent.
func Retry(ctx context.Context, fn func() error) error {
	policy := backoff.Policy{Initial: 3 * time.Millisecond, Max: 100 * time.Millisecond, Jitter: 0.5, Attempts: 5}
	return backoff.Retry(ctx, policy, func(context.Context) error {
		err := fn()
		if err != nil && !Conflict(err) {
			return backoff.Permanent(err)
		}
		return err
	})
}

func once(ctx context.Context, db Beginner, fn func(tx pgx.Tx) error) error {
	tx, err := db.Begin(ctx)
	if err != nil {
		return err
	}
	defer rollback(ctx, tx) // also when fn panics
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// rollback ends tx if it is not committed. If the server does not answer in time, pgx closes the connection, which rolls
// back too.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx)
}
