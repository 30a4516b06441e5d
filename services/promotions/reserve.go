package promotions

import (
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// ClaimParams are the parameters of [ClaimStore.ReserveClaim].
type ClaimParams struct {
	Player, Promotion uuid.UUID
	// Key is the client's Idempotency-Key, or empty.
	Key string
	// ClaimID identifies the claim. A claim that is repeated with the same key has the same id.
	ClaimID string
	At      time.Time
	// NotAfter is the time after which the ledger must refuse the credit.
	NotAfter time.Time
}

// Reservation is the result of [ClaimStore.ReserveClaim].
type Reservation struct {
	Assignment Assignment
	// NotAfter is the time after which the ledger must refuse the credit. It is zero if nothing is reserved because the
	// assignment is already paid.
	NotAfter time.Time
	// Shared is true if several claims of the assignment share the reservation. None of them may release it, because the
	// ledger may pay another one.
	Shared bool
}

// Claiming is what [ClaimStore.ReserveClaim] has found for a claim.
type Claiming struct {
	ClaimParams
	// KeyPromotion is the promotion for which the player's Idempotency-Key is stored, or uuid.Nil.
	KeyPromotion uuid.UUID
	// Assignment is the player's assignment with its promotion, or nil. Unassigned is the promotion if Assignment is nil; it is
	// only set for [Service.Eligibility].
	Assignment *Assignment
	Unassigned *Promotion
	// Restricted is true if a restriction refuses promotions to the player.
	Restricted bool
	// Reserved is true if another claim of the assignment is being paid.
	Reserved bool
	// Totals are the totals of the promotion. They are only set if the promotion has limits.
	Totals ClaimTotals
}

// ClaimTotals are what the claims of a promotion add up to, with the claims that are being paid.
type ClaimTotals struct {
	Claims int64
	Amount money.Amount
	// Today is the number of claims of the day, in UTC.
	Today int64
}

// Decide returns whether the claim needs a reservation. It needs none if the assignment is already paid. Decide returns an
// error if the promotion cannot be claimed; the errors and their order are those of the API:
//
//   - IDEMPOTENCY_MISMATCH: the key was used for another promotion
//   - the error of the first rule of claimRules that is not met
//
// A claim whose answer was lost meets all rules once its payment is known, because it was paid before.
func (c Claiming) Decide() (reserve bool, err error) {
	switch {
	case c.KeyPromotion != uuid.Nil && c.KeyPromotion != c.Promotion:
		return false, apperr.New(apperr.IdempotencyMismatch, "the Idempotency-Key was used to claim another promotion")
	case c.Assignment != nil && c.Assignment.ClaimedBy(c.ClaimID):
		return false, nil
	}
	for _, rule := range claimRules() {
		if err := c.refusal(rule); err != nil {
			return false, err
		}
	}
	return !c.Assignment.Claimed, nil
}

// paidUnanswered reports whether the assignment is paid, but no claim of it has been answered. The next claim succeeds.
func (a Assignment) paidUnanswered() bool { return a.Claimed && a.ClaimID == "" }
