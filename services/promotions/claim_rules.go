package promotions

import (
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// claimRules returns the rules of a claim, in the order in which it checks them. A claim stops at the first rule that is not
// met, and [Service.Eligibility] evaluates all of them.
func claimRules() [9]EligibilityRule {
	return [...]EligibilityRule{
		EligibilityRuleNotAssigned,
		EligibilityRulePlayerRestricted,
		EligibilityRuleAssignmentRevoked,
		EligibilityRulePromotionAlreadyClaimed,
		EligibilityRuleAssignmentExpired,
		EligibilityRulePromotionNotActive,
		EligibilityRulePromotionNotStarted,
		EligibilityRulePromotionExpired,
		EligibilityRulePromotionExhausted,
	}
}

// refusal returns the error of a claim that does not meet a rule, or nil. A rule does not depend on other rules. Without an
// assignment, the rules about it are met. A claim that is paid but whose answer was lost meets all rules: it was paid
// before.
//
// Each claim calls it for each rule, so it allocates nothing if the rule is met.
func (c *Claiming) refusal(rule EligibilityRule) error {
	a, today := c.Assignment, date.Of(c.At)
	if a != nil && a.paidUnanswered() {
		return nil
	}
	switch {
	case rule == EligibilityRuleNotAssigned && a == nil:
		return notAssigned()
	case rule == EligibilityRulePlayerRestricted && c.Restricted:
		return restrictedError()
	case rule == EligibilityRuleAssignmentRevoked && a != nil && !a.Claimed && !a.RevokedAt.IsZero():
		return a.revoked()
	case rule == EligibilityRulePromotionAlreadyClaimed && a != nil && a.Claimed:
		return AlreadyClaimed(*a)
	case rule == EligibilityRuleAssignmentExpired && a != nil && !a.Claimed && a.expired(c.At):
		return a.tooLate()
	case rule == EligibilityRulePromotionExhausted && !c.Reserved:
		return c.promotion().withinLimits(c.Totals, c.amount(), c.At)
	default:
		return c.promotion().unavailable(rule, today)
	}
}

// unavailable returns the error of a rule about the status and the period that p does not meet on a day. It returns nil for
// other rules.
func (p *Promotion) unavailable(rule EligibilityRule, today date.Date) error {
	switch {
	case rule == EligibilityRulePromotionNotActive && !p.IsActive:
		return apperr.New(apperr.PromotionNotActive, "promotion %s is not active", p.ID)
	case rule == EligibilityRulePromotionNotStarted && today.Before(p.StartDate):
		return apperr.New(apperr.PromotionNotStarted, "promotion %s starts on %s", p.ID, p.StartDate)
	case rule == EligibilityRulePromotionExpired && today.After(p.EndDate):
		return apperr.New(apperr.PromotionExpired, "promotion %s ended on %s", p.ID, p.EndDate)
	}
	return nil
}

// promotion returns the promotion. It is only used if there is one.
func (c *Claiming) promotion() *Promotion {
	if c.Assignment != nil {
		return c.Assignment.Promotion
	}
	return c.Unassigned
}

// amount returns the amount that a claim pays.
func (c *Claiming) amount() money.Amount {
	if c.Assignment != nil {
		return c.Assignment.Amount
	}
	return c.Unassigned.Amount
}

func notAssigned() error { return apperr.New(apperr.NotFound, "promotion not found") }
