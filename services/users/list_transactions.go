package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// TransactionFilter narrows a list of transactions; a zero member does not.
type TransactionFilter struct {
	Type TransactionType
}

// ListTransactions lists a user's ledger, newest first. NOT_FOUND where there is no such user; an employee's is empty.
func (s *Service) ListTransactions(ctx context.Context, user uuid.UUID, f TransactionFilter, p keyset.PageRequest[int64]) (keyset.Page[Transaction], error) {
	return s.store.Transactions(ctx, user, f, p)
}
