package wire

import (
	promotionsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/promotions/v1"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// FromEligibility converts the results of the rules of a claim.
func FromEligibility(e promotions.Eligibility) *promotionsv1.Eligibility {
	m := &promotionsv1.Eligibility{Eligible: e.Eligible, Checks: make([]*promotionsv1.EligibilityCheck, len(e.Checks))}
	for i, c := range e.Checks {
		m.Checks[i] = &promotionsv1.EligibilityCheck{
			Check: FromEligibilityRule(c.Rule), Passed: c.Passed, Message: c.Message, Values: fields.Struct(c.Values),
		}
	}
	return m
}
