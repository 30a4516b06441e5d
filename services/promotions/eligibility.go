package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
)

// Eligibility says whether a player can claim a promotion, and which rules are met. It has one check for each rule, in the
// order of the rules.
type Eligibility struct {
	Eligible bool
	Checks   []EligibilityCheck
}

// EligibilityCheck is the result of a rule.
type EligibilityCheck struct {
	Rule    EligibilityRule
	Passed  bool
	Message string
	// Values are the values that decided, as in JSON.
	Values map[string]any
}

// ClaimFacts are what [ClaimStore.ClaimFacts] has found about a claim that a player could make.
type ClaimFacts struct {
	Claiming
	// Restrictions are the restrictions in force that refuse promotions to the player.
	Restrictions []PlayerRestriction
}

// Eligibility evaluates all rules of a claim of the promotion by the player, without a claim. own is true if the player
// asks: the values then contain neither the limits of the promotion nor restrictions that employees have set.
//
// It fails with NOT_FOUND if there is no such promotion or player, and if own is true, also if the promotion was never
// assigned to the player. Nothing keeps the result from changing before a claim.
func (s *Service) Eligibility(ctx context.Context, promotion, player uuid.UUID, own bool) (Eligibility, error) {
	facts, err := s.store.ClaimFacts(ctx, ClaimParams{Player: player, Promotion: promotion, At: s.now()})
	if err != nil {
		return Eligibility{}, err
	}
	if own && facts.Assignment == nil {
		return Eligibility{}, notAssigned()
	}
	e := Eligibility{Eligible: true}
	for _, rule := range claimRules() {
		refusal := facts.refusal(rule)
		check := EligibilityCheck{
			Rule: rule, Passed: refusal == nil, Message: facts.passed(rule), Values: facts.values(rule, own),
		}
		if refusal != nil {
			e.Eligible, check.Message = false, facts.failed(rule, refusal)
		}
		e.Checks = append(e.Checks, check)
	}
	return e, nil
}

// passed returns the message of a rule that is met.
func (f *ClaimFacts) passed(rule EligibilityRule) string {
	switch rule {
	case EligibilityRuleNotAssigned:
		return "the promotion is assigned to the player"
	case EligibilityRulePlayerRestricted:
		return "no restriction keeps the player from promotions"
	case EligibilityRuleAssignmentRevoked:
		return "the assignment is not revoked"
	case EligibilityRulePromotionAlreadyClaimed:
		if f.Assignment != nil && f.Assignment.paidUnanswered() {
			return "the claim is paid, and the next claim returns the transaction"
		}
		return "the promotion is not claimed"
	case EligibilityRuleAssignmentExpired:
		return "the time to claim the promotion is not over"
	case EligibilityRulePromotionNotActive:
		return "the promotion is published and not paused"
	case EligibilityRulePromotionNotStarted:
		return "the period of the promotion has begun"
	case EligibilityRulePromotionExpired:
		return "the period of the promotion has not ended"
	default:
		return "no limit of the promotion is used up"
	}
}

// failed returns the message of a rule that is not met.
func (f *ClaimFacts) failed(rule EligibilityRule, refusal error) string {
	if rule == EligibilityRuleNotAssigned {
		return "the promotion is not assigned to the player"
	}
	return apperr.From(refusal).Detail
}

// values returns the values that decide a rule.
func (f *ClaimFacts) values(rule EligibilityRule, own bool) map[string]any {
	var a Assignment
	if f.Assignment != nil {
		a = *f.Assignment
	}
	p, today := f.promotion(), date.Of(f.At).String()
	switch rule {
	case EligibilityRuleNotAssigned:
		return map[string]any{"assignmentId": idText(a.ID)}
	case EligibilityRulePlayerRestricted:
		return f.restrictionValues(own)
	case EligibilityRuleAssignmentRevoked:
		return map[string]any{"revokedAt": timeText(a.RevokedAt)}
	case EligibilityRulePromotionAlreadyClaimed:
		return map[string]any{"claimedAt": timeText(a.ClaimedAt), "transactionId": idText(a.TransactionID)}
	case EligibilityRuleAssignmentExpired:
		return map[string]any{"expiresAt": timeText(a.ExpiresAt)}
	case EligibilityRulePromotionNotActive:
		return map[string]any{"isActive": p.IsActive}
	case EligibilityRulePromotionNotStarted:
		return map[string]any{"startDate": p.StartDate.String(), "today": today}
	case EligibilityRulePromotionExpired:
		return map[string]any{"endDate": p.EndDate.String(), "today": today}
	default:
		return f.limitValues(own)
	}
}

// restrictionValues returns the restrictions that refuse promotions; if own is true, only those that the player has set.
func (f *ClaimFacts) restrictionValues(own bool) map[string]any {
	restrictions := []any{}
	for _, r := range f.Restrictions {
		if r.ByPlayer || !own {
			restrictions = append(restrictions, map[string]any{"kind": string(r.Kind), "until": timeText(r.Until)})
		}
	}
	return map[string]any{"restrictions": restrictions}
}

// limitValues returns the limits and what is used of them, for employees, and the limit that is used up. A refused claim
// tells the player the latter, too.
func (f *ClaimFacts) limitValues(own bool) map[string]any {
	values := map[string]any{}
	if refusal := f.refusal(EligibilityRulePromotionExhausted); refusal != nil {
		for name, value := range apperr.From(refusal).Meta {
			values[name] = value
		}
	}
	if own {
		return values
	}
	l := f.promotion().Limits
	if l.MaxClaims > 0 {
		values["maxClaims"], values["claims"] = l.MaxClaims, f.Totals.Claims
	}
	if l.Budget > 0 {
		values["budget"], values["spent"], values["amount"] = l.Budget.String(), f.Totals.Amount.String(), f.amount().String()
	}
	if l.MaxClaimsPerDay > 0 {
		values["maxClaimsPerDay"], values["claimsToday"] = l.MaxClaimsPerDay, f.Totals.Today
	}
	return values
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func idText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}
