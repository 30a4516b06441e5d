package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Credited marks an assignment as claimed after the ledger has paid it. It repairs a claim that stopped between the payment
// and the mark. The parameter key is the idempotency key of tx. Credited ignores debits, and transactions with a key that is
// not an assignment's id. It fails with IDEMPOTENCY_MISMATCH if tx does not match the assignment. It is idempotent.
func (s *Service) Credited(ctx context.Context, key string, tx Transaction) error {
	assignment, err := uuid.Parse(key)
	if err != nil || tx.Type != TransactionTypeCredit {
		return nil //nolint:nilerr // not the id of an assignment
	}
	return s.store.RepairClaimed(ctx, assignment, tx, s.now())
}
