package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Credited notes that the ledger paid under key, in case the claim that asked for it could not. It is safe to repeat.
// Entries that no assignment stands behind are none of promotions' business.
func (s *Service) Credited(ctx context.Context, key string, tx Transaction) error {
	assignment, err := uuid.Parse(key)
	if err != nil || tx.Type != TransactionTypeCredit {
		return nil //nolint:nilerr // another's key is no assignment's id
	}
	return s.store.RepairClaimed(ctx, assignment, tx, s.now())
}
