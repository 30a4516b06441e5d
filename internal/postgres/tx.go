package postgres

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// txAttempts bounds how often a transaction is run.
const txAttempts = 5

// rollbackTimeout bounds how long a rollback waits for a server that may be gone.
const rollbackTimeout = 5 * time.Second

// Beginner begins transactions: *pgxpool.Pool, *pgx.Conn.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// InTx runs fn in a transaction and commits it if fn returns nil. A transaction that PostgreSQL rolled back because of
// others (deadlock, serialization failure) is run again a few times, after a short random pause: fn must have no effect
// outside of tx. Nothing else is retried, in particular no lost connection, after which a commit may have happened.
func InTx(ctx context.Context, db Beginner, fn func(tx pgx.Tx) error) error {
	return Retry(ctx, func() error { return once(ctx, db, fn) })
}

// Retry runs fn, a whole transaction, again a few times while PostgreSQL rolls it back because of others. It is what InTx
// does, for transactions of ent.
func Retry(ctx context.Context, fn func() error) error {
	pause := 2 * time.Millisecond
	for attempt := 1; ; attempt++ {
		err := fn()
		if err == nil || attempt == txAttempts || !RolledBackByOthers(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause + rand.N(pause)):
		}
		pause *= 3
	}
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

// rollback ends tx if it is not committed. With a connection that does not answer in time it is closed, which rolls back
// too.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.Rollback(ctx)
}
