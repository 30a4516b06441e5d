package promotions_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// factStore is a fake store with the facts of one claim.
type factStore struct {
	promotions.Store
	facts promotions.ClaimFacts
}

func (s *factStore) ClaimFacts(_ context.Context, p promotions.ClaimParams) (promotions.ClaimFacts, error) {
	f := s.facts
	f.ClaimParams = p
	return f, nil
}

// explain returns the eligibility of the facts at their time.
func explain(t *testing.T, f promotions.ClaimFacts, own bool) (promotions.Eligibility, error) {
	t.Helper()
	s := promotions.New(&factStore{facts: f}, nil, func() time.Time { return f.At })
	return s.Eligibility(t.Context(), uuid.New(), uuid.New(), own)
}

// failed returns the failed rules, separated by spaces.
func failed(e promotions.Eligibility) string {
	var rules []string
	for _, c := range e.Checks {
		if !c.Passed {
			rules = append(rules, string(c.Rule))
		}
	}
	return strings.Join(rules, " ")
}

// checked returns the check of a rule.
func checked(t *testing.T, e promotions.Eligibility, rule promotions.EligibilityRule) promotions.EligibilityCheck {
	t.Helper()
	for _, c := range e.Checks {
		if c.Rule == rule {
			return c
		}
	}
	t.Fatalf("no check of %s in %+v", rule, e)
	return promotions.EligibilityCheck{}
}

// allFacts returns facts with each combination of what decides about a claim.
func allFacts(now time.Time) []promotions.ClaimFacts {
	var all []promotions.ClaimFacts
	for bits := range 1 << 9 {
		bit := func(n int) bool { return bits>>n&1 == 1 }
		a := assigned()
		p := a.Promotion
		p.IsActive = !bit(0)
		if bit(1) {
			p.StartDate = day("2026-03-11")
		}
		if bit(2) {
			p.EndDate = day("2026-03-09")
		}
		f := promotions.ClaimFacts{}
		f.At, f.Restricted, f.Unassigned = now, bit(3), p
		if p.Limits.MaxClaims = 5; bit(4) {
			f.Totals.Claims = 5
		}
		if bit(5) {
			a.ExpiresAt = now
		}
		if bit(6) {
			a.RevokedAt = now
		}
		switch {
		case bit(7) && bit(8):
			repaired(&a)
		case bit(7):
			claimed(&a)
		}
		if bit(8) == bit(7) || !bit(8) {
			f.Assignment = &a
		}
		all = append(all, f)
	}
	return all
}

// TestClaimsFollowTheEligibility compares the decision about a claim with the first failed check, for all combinations.
func TestClaimsFollowTheEligibility(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	seen := map[apperr.Code]bool{}
	for _, f := range allFacts(now) {
		_, err := f.Decide()
		e, failure := explain(t, f, false)
		if failure != nil {
			t.Fatal(failure)
		}
		first, _, _ := strings.Cut(failed(e), " ")
		if first == string(promotions.EligibilityRuleNotAssigned) {
			first = string(apperr.NotFound)
		}
		code := apperr.CodeOf(err)
		seen[code] = true
		if first != string(code) || e.Eligible != (err == nil) || len(e.Checks) != 9 {
			t.Errorf("%+v: a claim fails with %q, but eligible is %t with the failed checks %q", f, code, e.Eligible, failed(e))
		}
		if err != nil && code != apperr.NotFound &&
			checked(t, e, promotions.EligibilityRule(code)).Message != apperr.From(err).Detail {
			t.Errorf("%s: the check has another message than the refusal %v", code, err)
		}
	}
	if len(seen) != 10 {
		t.Errorf("the claims ended with %v, want a success and 9 different refusals", seen)
	}
}

func TestEligibilityNamesEveryFailedRule(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	a := assigned(deactivated, from("2026-03-11"), until("2026-03-09"), func(a *promotions.Assignment) {
		a.RevokedAt, a.ExpiresAt = now, now
	})
	a.Promotion.Limits.MaxClaims = 1
	f := promotions.ClaimFacts{}
	f.At, f.Restricted, f.Assignment, f.Totals.Claims = now, true, &a, 1
	e, err := explain(t, f, false)
	want := "PLAYER_RESTRICTED ASSIGNMENT_REVOKED ASSIGNMENT_EXPIRED PROMOTION_NOT_ACTIVE PROMOTION_NOT_STARTED " +
		"PROMOTION_EXPIRED PROMOTION_EXHAUSTED"
	if err != nil || failed(e) != want || e.Eligible {
		t.Errorf("got %q, %v, want %q", failed(e), err, want)
	}
	f = promotions.ClaimFacts{}
	f.At, f.Unassigned = now, a.Promotion
	if e, err = explain(t, f, false); err != nil || !strings.HasPrefix(failed(e), "NOT_ASSIGNED PROMOTION_NOT_ACTIVE") {
		t.Errorf("without an assignment: got %q, %v", failed(e), err)
	}
	if _, err = explain(t, f, true); apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("without an assignment, the player got %v, want NOT_FOUND", err)
	}
}

// TestEligibilityHidesValuesFromPlayers compares the values for an employee with those for the player.
func TestEligibilityHidesValuesFromPlayers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	a := assigned()
	a.Promotion.Limits = promotions.PromotionLimits{MaxClaims: 9, Budget: 5000, MaxClaimsPerDay: 2}
	f := promotions.ClaimFacts{Restrictions: []promotions.PlayerRestriction{
		{Kind: promotions.RestrictionKindCoolOff, Until: now.Add(time.Hour), ByPlayer: true},
		{Kind: promotions.RestrictionKindBonusAbuse},
	}}
	f.At, f.Assignment, f.Restricted = now, &a, true
	f.Totals = promotions.ClaimTotals{Claims: 4, Amount: 2000, Today: 2}
	for own, want := range map[bool][2]string{
		false: {
			"map[restrictions:[map[kind:COOL_OFF until:2026-03-10T13:00:00Z] map[kind:BONUS_ABUSE until:]]]",
			"map[amount:20.00 budget:50.00 claims:4 claimsToday:2 limit:maxClaimsPerDay maxClaims:9 maxClaimsPerDay:2 " +
				"retryAt:2026-03-11T00:00:00Z spent:20.00]",
		},
		true: {
			"map[restrictions:[map[kind:COOL_OFF until:2026-03-10T13:00:00Z]]]",
			"map[limit:maxClaimsPerDay retryAt:2026-03-11T00:00:00Z]",
		},
	} {
		e, err := explain(t, f, own)
		if err != nil {
			t.Fatal(err)
		}
		restricted := checked(t, e, promotions.EligibilityRulePlayerRestricted)
		exhausted := checked(t, e, promotions.EligibilityRulePromotionExhausted)
		if got := [2]string{fmt.Sprint(restricted.Values), fmt.Sprint(exhausted.Values)}; !reflect.DeepEqual(got, want) {
			t.Errorf("own %t: got %q, want %q", own, got, want)
		}
		if restricted.Passed || exhausted.Passed || restricted.Message != "the player is restricted" {
			t.Errorf("own %t: got %+v and %+v, want two failed checks", own, restricted, exhausted)
		}
	}
}

// A claim that meets all rules allocates nothing to find that out.
func TestDecideDoesNotAllocate(t *testing.T) {
	a := assigned()
	a.Promotion.Limits = promotions.PromotionLimits{MaxClaims: 9, Budget: 50000, MaxClaimsPerDay: 2}
	c := promotions.Claiming{Assignment: &a}
	c.At = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	var err error
	if n := testing.AllocsPerRun(100, func() { _, err = c.Decide() }); n != 0 || err != nil {
		t.Errorf("got %v allocations, %v, want none", n, err)
	}
}

func BenchmarkDecide(b *testing.B) {
	a := assigned()
	c := promotions.Claiming{Assignment: &a}
	c.At = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decide(); err != nil {
			b.Fatal(err)
		}
	}
}
