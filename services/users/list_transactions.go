package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// TransactionFilter selects transactions. A zero field selects all transactions.
type TransactionFilter struct {
	Type TransactionType
}

// ListTransactions lists a user's transactions, newest first. The list is empty for a user who is not a player. The error is
// NOT_FOUND if no user has the id.
func (s *Service) ListTransactions(
	ctx context.Context, user uuid.UUID, f TransactionFilter, p keyset.PageRequest[int64],
) (keyset.Page[Transaction], error) {
	return s.store.Transactions(ctx, user, f, p)
}
