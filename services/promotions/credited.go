package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Credited marks an assignment as claimed after the ledger paid it, in case the claim itself could not. The key is the
// idempotency key of tx. Credited is idempotent. It ignores debits and transactions whose key is not an assignment's id.
func (s *Service) Credited(ctx context.Context, key string, tx Transaction) error {
	assignment, err := uuid.Parse(key)
	if err != nil || tx.Type != TransactionTypeCredit {
		return nil //nolint:nilerr // not the id of an assignment
	}
	return s.store.RepairClaimed(ctx, assignment, tx, s.now())
}
