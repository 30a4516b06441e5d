package users

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// GetTransaction returns the player's transaction with the idempotency key. The error is NOT_FOUND if there is none. If
// notAfter is not zero, NOT_FOUND is final for entries with this Entry.NotAfter; see [LedgerStore].
func (s *LedgerService) GetTransaction(
	ctx context.Context, user uuid.UUID, key string, notAfter time.Time,
) (Transaction, error) {
	if notAfter.IsZero() {
		return s.store.TransactionByKey(ctx, user, key)
	}
	return s.store.SettledTransaction(ctx, user, key, notAfter)
}

// Transaction returns the transaction with the id. The error is NOT_FOUND if there is none.
func (s *LedgerService) Transaction(ctx context.Context, id uuid.UUID) (Transaction, error) {
	return s.store.Transaction(ctx, id)
}

// ReversalOf returns the transaction that reverses tx. The error is NOT_FOUND if there is none.
func (s *LedgerService) ReversalOf(ctx context.Context, tx Transaction) (Transaction, error) {
	return s.store.TransactionByKey(ctx, tx.UserID, reversalPrefix+tx.ID.String())
}
