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
// promotion it is IDEMPOTENCY_MISMATCH. A key belongs to a promotion before the ledger is asked, so that a claim which is
// refused for its key is not paid. Without a key every call is a claim of its own.
func (s *Service) Claim(ctx context.Context, player, promotion uuid.UUID, key string) (Claimed, error) {
	if err := s.checkKey(ctx, player, promotion, key); err != nil {
		return Claimed{}, err
	}
	a, err := s.store.Assignment(ctx, player, promotion)
	if err != nil {
		return Claimed{}, err // NOT_FOUND also for another player's
	}
	name, err := claimName(key)
	if err != nil {
		return Claimed{}, err
	}
	if !a.answered(name) {
		if err := a.Claimable(s.now()); err != nil {
			return Claimed{}, err
		}
		if err := s.takeKey(ctx, a, key); err != nil {
			return Claimed{}, err
		}
	}
	tx, err := s.ledger.Credit(ctx, a.Credit())
	if err != nil {
		return Claimed{}, err // unclaimed still: the same key may be tried again
	}
	a, err = s.store.MarkClaimed(ctx, a.ID, tx, name, s.now())
	if err != nil {
		return Claimed{}, err
	}
	return Claimed{a, tx}, nil
}

// answered reports whether the claim of that name has succeeded before.
func (a Assignment) answered(name string) bool { return a.Claimed && a.ClaimKey == name }

// claimName names a claim. A name that the platform gives never meets one that a client gives.
func claimName(key string) (string, error) {
	if key != "" {
		return "key:" + key, nil
	}
	id, err := uuid.NewV7()
	return "call:" + id.String(), err
}

// checkKey refuses a key that belongs to another promotion, whatever else is wrong with the claim.
func (s *Service) checkKey(ctx context.Context, player, promotion uuid.UUID, key string) error {
	if key == "" {
		return nil
	}
	owner, err := s.store.ClaimKey(ctx, player, key)
	if err != nil {
		return err
	}
	return sameOwner(owner, promotion)
}

// takeKey makes the key belong to the assignment's promotion, which only one of several that race can have.
func (s *Service) takeKey(ctx context.Context, a Assignment, key string) error {
	if key == "" {
		return nil
	}
	owner, err := s.store.TakeClaimKey(ctx, a.UserID, key, a.PromotionID, s.now())
	if err != nil {
		return err
	}
	return sameOwner(owner, a.PromotionID)
}

func sameOwner(owner, promotion uuid.UUID) error {
	if owner == uuid.Nil || owner == promotion {
		return nil
	}
	return apperr.New(apperr.IdempotencyMismatch, "the Idempotency-Key was used to claim another promotion")
}
