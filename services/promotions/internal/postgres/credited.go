package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// RepairClaimed marks an assignment as claimed, unless it is already marked. It leaves claim_id NULL, so that the next claim
// returns the transaction.
func (s *Store) RepairClaimed(ctx context.Context, id uuid.UUID, tx domain.Transaction, at time.Time) error {
	tag, err := s.pool.Exec(ctx, `
		UPDATE player_promotions SET claimed = true, claimed_at = $3, transaction_id = $2
		WHERE id = $1 AND NOT claimed AND user_id = $4 AND amount = $5::numeric`, id, tx.ID, at, tx.UserID, tx.Amount)
	if err != nil || tag.RowsAffected() == 1 {
		return toAppError(err)
	}
	a, err := s.assignmentByID(ctx, id)
	switch {
	case apperr.CodeOf(err) == apperr.NotFound:
		return nil // the key of the credit is not an assignment's id
	case err != nil:
		return err
	case a.TransactionID != tx.ID:
		return apperr.New(apperr.IdempotencyMismatch, "assignment %s of %s to %s does not match transaction %s of %s to %s",
			id, a.Amount, a.UserID, tx.ID, tx.Amount, tx.UserID)
	}
	return nil
}
