package promotions

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// Validate checks the rules that no single field shows.
func (p Promotion) Validate() error {
	if p.EndDate.Before(p.StartDate) {
		return apperr.Invalid("endDate", "period", "must not be before startDate")
	}
	return nil
}

// Available says why a promotion cannot be assigned or claimed at an instant, or nil when it can.
func (p Promotion) Available(now time.Time) error {
	today := date.Of(now)
	switch {
	case !p.IsActive:
		return apperr.New(apperr.PromotionNotActive, "promotion %s is switched off", p.ID)
	case today.Before(p.StartDate):
		return apperr.New(apperr.PromotionNotStarted, "promotion %s starts on %s", p.ID, p.StartDate)
	case today.After(p.EndDate):
		return apperr.New(apperr.PromotionExpired, "promotion %s ended on %s", p.ID, p.EndDate)
	}
	return nil
}

// Claimable says why an assignment cannot be claimed at an instant, or nil when it can. An assignment that was paid
// without any claim having been answered (see [Service.Credited]) is claimable whatever has become of its promotion: its
// player is still to be told.
func (a Assignment) Claimable(now time.Time) error {
	switch {
	case a.Claimed && a.ClaimKey == "":
		return nil
	case a.Claimed:
		return AlreadyClaimed(a)
	}
	return a.Promotion.Available(now)
}

// AlreadyClaimed is the error of a claim of an assignment that another claim was answered for. It names the transaction.
func AlreadyClaimed(a Assignment) error {
	return apperr.New(apperr.PromotionAlreadyClaimed, "promotion %s was claimed at %s", a.PromotionID,
		a.ClaimedAt.UTC().Format(time.RFC3339)).With("transactionId", a.TransactionID.String())
}

// Credit is what the ledger is asked to pay.
type Credit struct {
	// Key names the effect: the assignment's id.
	Key            string
	UserID         uuid.UUID
	Amount         money.Amount
	Description    string
	AdditionalData map[string]any
}

// Credit returns what a claim of the assignment pays. It depends on nothing that can change after the assignment, so that
// a repeated claim asks the ledger for the same thing.
func (a Assignment) Credit() Credit {
	return Credit{
		Key:            a.ID.String(),
		UserID:         a.UserID,
		Amount:         a.Amount,
		Description:    fmt.Sprintf("Claimed '%s' promotion of type '%s'", a.Title, a.Promotion.Type),
		AdditionalData: map[string]any{"promotionId": a.PromotionID.String()},
	}
}
