package promotions

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// rulePeriod is the name of the rule in violations that concern a period.
const rulePeriod = "period"

// Validate checks the rules that involve several fields. It returns VALIDATION_FAILED with a violation of endDate if the
// period ends before it starts.
func (p Promotion) Validate() error {
	if p.EndDate.Before(p.StartDate) {
		return apperr.Invalid("endDate", rulePeriod, "must not be before startDate")
	}
	return nil
}

// validateUpdate checks the rules of Validate for the updated promotion p. The parameter old is the promotion before the
// update. The violation names a field that the update changed.
func (p Promotion) validateUpdate(old Promotion) error {
	if p.EndDate.Before(p.StartDate) && p.EndDate == old.EndDate {
		return apperr.Invalid("startDate", rulePeriod, "must not be after endDate, which is %s", p.EndDate)
	}
	return p.Validate()
}

// Available returns nil if the promotion can be assigned and claimed at now. Otherwise it returns PROMOTION_NOT_ACTIVE,
// PROMOTION_NOT_STARTED or PROMOTION_EXPIRED.
func (p Promotion) Available(now time.Time) error {
	today := date.Of(now)
	for _, rule := range claimRules() {
		if err := p.unavailable(rule, today); err != nil {
			return err
		}
	}
	return nil
}

// revoked returns ASSIGNMENT_REVOKED.
func (a Assignment) revoked() error {
	return apperr.New(apperr.AssignmentRevoked, "promotion %s was withdrawn at %s", a.PromotionID,
		a.RevokedAt.UTC().Format(time.RFC3339))
}

// tooLate returns ASSIGNMENT_EXPIRED.
func (a Assignment) tooLate() error {
	return apperr.New(apperr.AssignmentExpired, "promotion %s had to be claimed before %s", a.PromotionID,
		a.ExpiresAt.UTC().Format(time.RFC3339))
}

// AlreadyClaimed returns PROMOTION_ALREADY_CLAIMED with the id of the transaction that paid the assignment.
func AlreadyClaimed(a Assignment) error {
	return apperr.New(apperr.PromotionAlreadyClaimed, "promotion %s was claimed at %s", a.PromotionID,
		a.ClaimedAt.UTC().Format(time.RFC3339)).With("transactionId", a.TransactionID.String())
}

// Credit is a payment that promotions requests from the ledger.
type Credit struct {
	// Key is the idempotency key: the assignment's id.
	Key            string
	UserID         uuid.UUID
	Amount         money.Amount
	Description    string
	AdditionalData map[string]any
	// NotAfter is the time after which the ledger must refuse the credit. It is zero for a credit that was already added.
	NotAfter time.Time
}

// Credit returns the payment for a claim of the assignment. It uses only values that never change after the assignment, so
// that a repeated claim sends the same request to the ledger.
func (a Assignment) Credit(notAfter time.Time) Credit {
	return Credit{
		Key:            a.ID.String(),
		UserID:         a.UserID,
		Amount:         a.Amount,
		Description:    fmt.Sprintf("Claimed '%s' promotion of type '%s'", a.Title, a.Promotion.Type),
		AdditionalData: map[string]any{"promotionId": a.PromotionID.String()},
		NotAfter:       notAfter,
	}
}
