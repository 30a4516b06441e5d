package promotions

import (
	"fmt"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// The names of the limits in errors.
const (
	limitMaxClaims       = "maxClaims"
	limitBudget          = "budget"
	limitMaxClaimsPerDay = "maxClaimsPerDay"
)

// Expiry returns when an assignment expires that is made at the given time. It is zero if it does not expire.
func (l PromotionLimits) Expiry(at time.Time) time.Time {
	if l.ClaimWithinHours == 0 {
		return time.Time{}
	}
	return at.Add(time.Duration(l.ClaimWithinHours) * time.Hour)
}

// withinLimits returns PROMOTION_EXHAUSTED if another claim of the amount would exceed a limit. It names the first such
// limit.
func (p Promotion) withinLimits(t ClaimTotals, amount money.Amount, now time.Time) error {
	exhausted := func(limit string) *apperr.Error {
		return apperr.New(apperr.PromotionExhausted, "promotion %s has reached its limit %s", p.ID, limit).With("limit", limit)
	}
	switch l := p.Limits; {
	case l.MaxClaims > 0 && t.Claims >= int64(l.MaxClaims):
		return exhausted(limitMaxClaims)
	case l.Budget > 0 && l.Budget-t.Amount < amount:
		return exhausted(limitBudget)
	case l.MaxClaimsPerDay > 0 && t.Today >= int64(l.MaxClaimsPerDay):
		tomorrow := date.Of(now).Time().AddDate(0, 0, 1)
		return exhausted(limitMaxClaimsPerDay).With("retryAt", tomorrow.Format(time.RFC3339))
	}
	return nil
}

// exhausted reports whether the claims of the promotion have used up its limits for good.
func (p Promotion) exhausted() bool {
	l, u := p.Limits, p.Usage
	return l.MaxClaims > 0 && u.Claimed >= l.MaxClaims || l.Budget > 0 && l.Budget-u.Spent < p.Amount
}

// validateLimits returns VALIDATION_FAILED if a limit that differs from the one of old is less than what is already used.
func (p Promotion) validateLimits(old Promotion, used ClaimTotals) error {
	var found []apperr.Violation
	below := func(limit, format string, args ...any) {
		v := apperr.Violation{Field: "limits." + limit, Rule: "used", Message: fmt.Sprintf(format, args...)}
		found = append(found, v)
	}
	if n := p.Limits.MaxClaims; n > 0 && n != old.Limits.MaxClaims && int64(n) < used.Claims {
		below(limitMaxClaims, "must be at least %d, the number of claims", used.Claims)
	}
	if b := p.Limits.Budget; b > 0 && b != old.Limits.Budget && b < used.Amount {
		below(limitBudget, "must be at least %s, the sum of the claims", used.Amount)
	}
	if n := p.Limits.MaxClaimsPerDay; n > 0 && n != old.Limits.MaxClaimsPerDay && int64(n) < used.Today {
		below(limitMaxClaimsPerDay, "must be at least %d, the number of claims of today", used.Today)
	}
	if found != nil {
		return apperr.InvalidAll(found)
	}
	return nil
}
