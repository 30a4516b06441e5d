package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// Claimed is the result of a claim.
type Claimed struct {
	Assignment  Assignment
	Transaction Transaction
}

// Claim pays a player's assignment of a promotion exactly once, even if calls run concurrently.
//
// The ledger adds at most one credit per idempotency key, and the key of the credit is the assignment's id. If the process
// dies after the credit, [Monitor.TransactionAdded] marks the assignment as claimed when the ledger's event arrives. The
// next claim then returns the transaction.
//
// The parameter key is the client's Idempotency-Key, or empty. A repeated claim with the same key returns the same result. A
// claim of another promotion with the same key fails with IDEMPOTENCY_MISMATCH. Claim reserves the key before it calls the
// ledger, so the ledger never pays a claim that fails because of its key. Each call without a key is a separate claim.
//
// Claim fails with NOT_FOUND if the promotion is not assigned to the player, with PROMOTION_ALREADY_CLAIMED if another claim
// has succeeded, and with the errors of [Promotion.Available] and [LedgerClient]. After DEPENDENCY_UNAVAILABLE the claim may
// have been paid; repeating it is safe.
func (s *Service) Claim(ctx context.Context, player, promotion uuid.UUID, key string) (Claimed, error) {
	started := time.Now()
	claimed, repeated, err := s.claim(ctx, player, promotion, key)
	switch {
	case err != nil && ctx.Err() != nil && time.Since(started) < minRefusalWait:
		// The client has given up, so the claim was not refused. Otherwise a player could cause alerts at will.
	case err != nil:
		s.claims.Refused(apperr.CodeOf(err))
	case !repeated:
		s.claims.Paid()
	}
	return claimed, err
}

// minRefusalWait is the minimum time after which a claim that the client gives up counts as refused. A healthy platform
// answers earlier.
const minRefusalWait = time.Second

// claim implements Claim. repeated is true if the same claim has already succeeded.
func (s *Service) claim(
	ctx context.Context, player, promotion uuid.UUID, key string,
) (claimed Claimed, repeated bool, err error) {
	if err := s.checkKey(ctx, player, promotion, key); err != nil {
		return Claimed{}, false, err
	}
	a, err := s.store.Assignment(ctx, player, promotion)
	if err != nil {
		return Claimed{}, false, err
	}
	id, err := claimID(key)
	if err != nil {
		return Claimed{}, false, err
	}
	if repeated = a.claimedBy(id); !repeated {
		if err := a.Claimable(s.now()); err != nil {
			return Claimed{}, false, err
		}
		if err := s.reserveKey(ctx, a, key); err != nil {
			return Claimed{}, false, err
		}
	}
	tx, err := s.ledger.Credit(ctx, a.Credit())
	if err != nil {
		return Claimed{}, false, err
	}
	a, err = s.store.MarkClaimed(ctx, a.ID, tx, id, s.now())
	if err != nil {
		return Claimed{}, false, err
	}
	return Claimed{a, tx}, repeated, nil
}

// claimedBy reports whether the claim with the given id has already succeeded.
func (a Assignment) claimedBy(claimID string) bool { return a.Claimed && a.ClaimID == claimID }

// claimID returns the id of a claim: the client's key, or a new id if there is none. The prefixes keep keys and new ids
// distinct.
func claimID(key string) (string, error) {
	if key != "" {
		return "key:" + key, nil
	}
	id, err := uuid.NewV7()
	return "call:" + id.String(), err
}

// checkKey returns IDEMPOTENCY_MISMATCH if the key is reserved for another promotion. Claim calls it first, so that this
// error takes precedence over all others.
func (s *Service) checkKey(ctx context.Context, player, promotion uuid.UUID, key string) error {
	if key == "" {
		return nil
	}
	reserved, err := s.store.ClaimKey(ctx, player, key)
	if err != nil {
		return err
	}
	return samePromotion(reserved, promotion)
}

// reserveKey reserves the key for the assignment's promotion. It returns IDEMPOTENCY_MISMATCH if the key is reserved for
// another promotion. If concurrent claims reserve one key for different promotions, only one of them succeeds.
func (s *Service) reserveKey(ctx context.Context, a Assignment, key string) error {
	if key == "" {
		return nil
	}
	reserved, err := s.store.ReserveClaimKey(ctx, a.UserID, key, a.PromotionID, s.now())
	if err != nil {
		return err
	}
	return samePromotion(reserved, a.PromotionID)
}

func samePromotion(reserved, promotion uuid.UUID) error {
	if reserved == uuid.Nil || reserved == promotion {
		return nil
	}
	return apperr.New(apperr.IdempotencyMismatch, "the Idempotency-Key was used to claim another promotion")
}
