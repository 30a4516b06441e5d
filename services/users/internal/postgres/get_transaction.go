package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
)

// Transaction implements [users.LedgerStore].
func (l *Ledger) Transaction(ctx context.Context, id uuid.UUID) (users.Transaction, error) {
	return l.transaction(ctx, "id = $1", id)
}

// TransactionByKey implements [users.LedgerStore].
func (l *Ledger) TransactionByKey(ctx context.Context, user uuid.UUID, key string) (users.Transaction, error) {
	return l.transaction(ctx, "user_id = $1 AND idempotency_key = $2", user, key)
}

// SettledTransaction implements [users.LedgerStore]. The lock on the player makes it wait for entries that are being added.
// Entries that wait for the lock compare their time limit with the clock afterwards; see writeSQL.
func (l *Ledger) SettledTransaction(
	ctx context.Context, user uuid.UUID, key string, notAfter time.Time,
) (users.Transaction, error) {
	var found []users.Transaction
	var passed bool
	batch := &pgx.Batch{} // an implicit transaction: the lock is held until its end
	batch.Queue("SELECT FROM users WHERE id = $1 FOR SHARE", user)
	batch.Queue("SELECT "+transactionColumns+" FROM transactions WHERE user_id = $1 AND idempotency_key = $2", user, key).
		Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, scanTransaction)
			return err
		})
	batch.Queue("SELECT clock_timestamp() > $1", notAfter).QueryRow(func(row pgx.Row) error { return row.Scan(&passed) })
	if err := l.reads.SendBatch(ctx, batch).Close(); err != nil {
		return users.Transaction{}, toAppError(err)
	}
	switch {
	case len(found) > 0:
		return found[0], nil
	case !passed:
		return users.Transaction{}, apperr.New(apperr.DependencyUnavailable, "the entry can still be added")
	}
	return users.Transaction{}, users.NoTransaction()
}

// transaction reads the only transaction that fulfils a condition.
func (l *Ledger) transaction(ctx context.Context, condition string, args ...any) (users.Transaction, error) {
	rows, err := l.reads.Query(ctx, "SELECT "+transactionColumns+" FROM transactions WHERE "+condition, args...)
	if err != nil {
		return users.Transaction{}, toAppError(err)
	}
	tx, err := pgx.CollectExactlyOneRow(rows, scanTransaction)
	if errors.Is(err, pgx.ErrNoRows) {
		return users.Transaction{}, users.NoTransaction()
	}
	return tx, toAppError(err)
}
