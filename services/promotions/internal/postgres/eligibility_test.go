package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// unmet returns the rules that a claim would not meet, and the values of the last of them.
func (f fixture) unmet(p promotions.Promotion, player uuid.UUID) ([]promotions.EligibilityRule, map[string]any) {
	f.Helper()
	e, err := f.service.Eligibility(f.Context(), p.ID, player, false)
	if err != nil {
		f.Fatal(err)
	}
	rules, values := []promotions.EligibilityRule{}, map[string]any{}
	for _, c := range e.Checks {
		if !c.Passed {
			rules, values = append(rules, c.Rule), c.Values
		}
	}
	return rules, values
}

func TestEligibility(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 1, Budget: 1000}, 100, 200)
	first, second, stranger := p.players[0], p.players[1], f.player()
	check := func(player uuid.UUID, want string) {
		t.Helper()
		if rules, values := f.unmet(p.Promotion, player); fmt.Sprint(rules, values) != want {
			t.Errorf("got %v %v, want %s", rules, values, want)
		}
	}
	check(first, "[] map[]")
	check(stranger, "[NOT_ASSIGNED] map[assignmentId:]")
	f.claim(p, first, "")
	check(second, "[PROMOTION_EXHAUSTED] map[amount:2.00 budget:10.00 claims:1 limit:maxClaims maxClaims:1 spent:1.00]")
	f.restrict(second, 1,
		restriction(promotions.RestrictionKindMarketingOptOut),
		promotions.PlayerRestriction{Kind: promotions.RestrictionKindCoolOff, Until: time.Now().Add(-time.Hour), ByPlayer: true},
		restriction(promotions.RestrictionKindBonusAbuse))
	f.update(p.ID, func(p *promotions.Promotion) { p.Limits = promotions.PromotionLimits{} })
	check(second, "[PLAYER_RESTRICTED] map[restrictions:[map[kind:BONUS_ABUSE until:]]]")
	if got := f.refusals(second); len(got) != 0 {
		t.Errorf("the question was recorded as a refusal: %v", got)
	}
	_, err := f.service.Eligibility(t.Context(), uuid.New(), first, false)
	f.wantCode(err, apperr.NotFound)
	_, err = f.service.Eligibility(t.Context(), p.ID, uuid.New(), false)
	f.wantCode(err, apperr.NotFound)
}

// TestEligibilityDuringAClaim asks while the claim is being paid. The reservation is its own, so another claim of the player
// could succeed.
func TestEligibilityDuringAClaim(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 1}, 100, 100)
	f.ledger.before = func() {
		if rules, _ := f.unmet(p.Promotion, p.players[0]); len(rules) != 0 {
			t.Errorf("got %v for the player who claims, want nothing", rules)
		}
		if rules, _ := f.unmet(p.Promotion, p.players[1]); fmt.Sprint(rules) != "[PROMOTION_EXHAUSTED]" {
			t.Errorf("got %v for the other player, want PROMOTION_EXHAUSTED", rules)
		}
	}
	f.claim(p, p.players[0], "")
}
