package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Claimed is the answer to a claim.
type Claimed struct {
	Assignment  Assignment
	Transaction Transaction
}

// Claim pays a player's assignment of a promotion exactly once, however often and concurrently it is asked for.
//
// The ledger serialises: its idempotency key is the assignment's id, so a second credit cannot exist. A crash after the
// credit and before the mark is repaired by [Service.Credited] when the ledger's event arrives; whoever claims next is
// then answered with the transaction.
//
// A claim is named by key, the client's idempotency key; the same key gives the first answer again, and with another
// promotion it is IDEMPOTENCY_MISMATCH. Without one every call is a claim of its own.
func (s *Service) Claim(ctx context.Context, player, promotion uuid.UUID, key string) (Claimed, error) {
	key, err := s.claimKey(ctx, player, promotion, key)
	if err != nil {
		return Claimed{}, err
	}
	a, err := s.store.Assignment(ctx, player, promotion)
	if err != nil {
		return Claimed{}, err // NOT_FOUND also for another player's
	}
	if !a.answered(key) {
		if err := a.Claimable(s.now()); err != nil {
			return Claimed{}, err
		}
	}
	tx, err := s.ledger.Credit(ctx, a.Credit())
	if err != nil {
		return Claimed{}, err // unclaimed still: the same key may be tried again
	}
	a, err = s.store.MarkClaimed(ctx, a.ID, tx, key, s.timestamp())
	if err != nil {
		return Claimed{}, err
	}
	return Claimed{a, tx}, nil
}

// answered reports whether the claim named key has succeeded before.
func (a Assignment) answered(key string) bool { return a.Claimed && a.ClaimKey == key }

// claimKey names a claim. A name that the platform gives never meets one that a client gives.
func (s *Service) claimKey(ctx context.Context, player, promotion uuid.UUID, key string) (string, error) {
	if key == "" {
		id, err := uuid.NewV7()
		return "call:" + id.String(), err
	}
	key = "key:" + key
	other, err := s.store.ClaimedUnder(ctx, player, key)
	if err != nil {
		return "", err
	}
	if other != uuid.Nil && other != promotion {
		return "", apperr.New(apperr.IdempotencyMismatch, "the Idempotency-Key was used to claim another promotion")
	}
	return key, nil
}
