package postgres

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

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
