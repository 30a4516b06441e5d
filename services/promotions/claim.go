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

// payTime is the time in which the ledger may add the credit of a claim. After it the ledger refuses the credit, so that a
// reservation can be settled; see [Service.SettleClaims]. It is longer than a call of the ledger with all its retries. It
// also limits how far the clocks of this process and of the ledger's database may differ.
const payTime = 15 * time.Second

// finishTime limits what follows a reservation: the call of the ledger, and the confirmation or the release.
const finishTime = 10 * time.Second

// Claim pays a player's assignment of a promotion exactly once, even if calls run concurrently.
//
// It reserves the claim, asks the ledger for the credit, and confirms the claim. The reservation holds one unit of each
// limit of the promotion, and no one can revoke or expire a reserved assignment. If the ledger refuses the credit, Claim
// releases the reservation, unless other claims of the assignment share it. A reserved claim ends even if the client gives
// up, so that no client holds a reservation. If the process dies, [Service.SettleClaims] settles it.
//
// The ledger adds at most one credit per idempotency key, and the key of the credit is the assignment's id. If the process
// dies after the credit, [Monitor.TransactionAdded] or [Service.SettleClaims] marks the assignment as claimed. The next
// claim then returns the transaction.
//
// The parameter key is the client's Idempotency-Key, or empty. A repeated claim with the same key returns the same result. A
// claim of another promotion with the same key fails with IDEMPOTENCY_MISMATCH. The key is stored with the reservation, so
// the ledger never pays a claim that fails because of its key. It is deleted if the claim ends without a payment. Each call
// without a key is a separate claim.
//
// Claim fails with NOT_FOUND if the promotion is not assigned to the player, with PROMOTION_ALREADY_CLAIMED if another claim
// has succeeded, and with the errors of [Claiming.Decide] and [LedgerClient]. After DEPENDENCY_UNAVAILABLE the claim may
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
	id, err := claimID(key)
	if err != nil {
		return Claimed{}, false, err
	}
	if err := ctx.Err(); err != nil {
		return Claimed{}, false, err
	}
	ctx = context.WithoutCancel(ctx)
	now := s.now()
	r, err := s.store.ReserveClaim(ctx, ClaimParams{
		Player: player, Promotion: promotion, Key: key, ClaimID: id, At: now, NotAfter: now.Add(payTime),
	})
	if err != nil {
		return Claimed{}, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, finishTime)
	defer cancel()
	tx, err := s.ledger.Credit(ctx, r.Assignment.Credit(r.NotAfter))
	if err != nil {
		return Claimed{}, false, s.notPaid(ctx, r, err)
	}
	a, err := s.store.ConfirmClaim(ctx, r.Assignment, tx, id, s.now())
	if err != nil {
		return Claimed{}, false, err
	}
	a.State = a.StateAt(s.now())
	return Claimed{a, tx}, r.Assignment.ClaimedBy(id), nil
}

// notPaid releases a reservation if the ledger has refused the credit with err, and returns err. It records a refusal
// because of a restriction. After other errors the credit may still be added.
func (s *Service) notPaid(ctx context.Context, r Reservation, err error) error {
	code := apperr.CodeOf(err)
	if code == apperr.PlayerRestricted {
		if err := s.recordRefused(ctx, r.Assignment); err != nil {
			return err // no refusal is answered without a record; the reservation is settled
		}
	}
	if code == apperr.DependencyUnavailable || code == apperr.Internal || r.NotAfter.IsZero() {
		return err
	}
	// If the release fails, SettleClaims releases the reservation.
	_ = s.store.ReleaseClaim(ctx, r)
	return err
}

// ClaimedBy reports whether the claim with the given id has already succeeded.
func (a Assignment) ClaimedBy(claimID string) bool { return a.Claimed && a.ClaimID == claimID }

// claimID returns the id of a claim: the client's key, or a new id if there is none. The prefixes keep keys and new ids
// distinct.
func claimID(key string) (string, error) {
	if key != "" {
		return "key:" + key, nil
	}
	id, err := uuid.NewV7()
	return "call:" + id.String(), err
}
