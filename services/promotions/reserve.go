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

// Reservation reserves a claim. Claims of the same assignment share it.
type Reservation struct {
	Assignment Assignment
	// ReservedAt is when the first claim was reserved. An assignment has no two reservations with the same time.
	ReservedAt time.Time
	// NotAfter is the time after which the ledger must refuse the credit. It is zero if nothing is reserved because the
	// assignment is already paid.
	NotAfter time.Time
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
	// Closed is true if no further claim can share the reservation: a revocation waits for it, its time is nearly over, or too
	// many claims have shared it.
	Closed bool
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

// closedRetry is after how long a client repeats a claim whose assignment has a closed reservation.
const closedRetry = time.Second

// Decide returns whether the claim needs a reservation. It needs none if the assignment is already paid. Decide returns an
// error if the promotion cannot be claimed; the errors and their order are those of the API:
//
//   - IDEMPOTENCY_MISMATCH: the key was used for another promotion
//   - the error of the first rule of claimRules that is not met
//   - DEPENDENCY_UNAVAILABLE: the reservation of the assignment is closed, and ends within seconds
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
	if c.Closed && !c.Assignment.Claimed {
		e := apperr.New(apperr.DependencyUnavailable, "another claim of promotion %s is ending; repeat the request", c.Promotion)
		e.RetryAfter = closedRetry
		return false, e
	}
	return !c.Assignment.Claimed, nil
}

// paidUnanswered reports whether the assignment is paid, but no claim of it has been answered. The next claim succeeds.
func (a Assignment) paidUnanswered() bool { return a.Claimed && a.ClaimID == "" }
