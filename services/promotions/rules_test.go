package promotions_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

type option func(*promotions.Assignment)

func day(s string) date.Date {
	d, err := date.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

func assigned(options ...option) promotions.Assignment {
	a := promotions.Assignment{
		ID: uuid.New(), UserID: uuid.New(), PromotionID: uuid.New(), Amount: 2000, Title: "Welcome Bonus",
		Promotion: &promotions.Promotion{
			IsActive: true, Type: promotions.PromotionTypeWelcomeBonus,
			StartDate: day("2026-03-01"), EndDate: day("2026-03-31"),
		},
	}
	for _, o := range options {
		o(&a)
	}
	return a
}

func from(s string) option                 { return func(a *promotions.Assignment) { a.Promotion.StartDate = day(s) } }
func until(s string) option                { return func(a *promotions.Assignment) { a.Promotion.EndDate = day(s) } }
func switchedOff(a *promotions.Assignment) { a.Promotion.IsActive = false }
func claimed(a *promotions.Assignment) {
	a.Claimed, a.ClaimKey, a.TransactionID, a.ClaimedAt = true, "call:1", uuid.New(), time.Now()
}
func paidUnanswered(a *promotions.Assignment) { claimed(a); a.ClaimKey = "" }

func TestClaimable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 23, 59, 59, 0, time.UTC)
	for name, tt := range map[string]struct {
		a    promotions.Assignment
		want apperr.Code
	}{
		"in the middle of its period":     {assigned(), ""},
		"open on its first day":           {assigned(from("2026-03-10")), ""},
		"open on its last day":            {assigned(until("2026-03-10")), ""},
		"open on its only day":            {assigned(from("2026-03-10"), until("2026-03-10")), ""},
		"over since yesterday":            {assigned(until("2026-03-09")), apperr.PromotionExpired},
		"not before tomorrow":             {assigned(from("2026-03-11")), apperr.PromotionNotStarted},
		"switched off by the staff":       {assigned(switchedOff), apperr.PromotionNotActive},
		"switched off and over":           {assigned(switchedOff, until("2026-03-09")), apperr.PromotionNotActive},
		"claimed already":                 {assigned(claimed), apperr.PromotionAlreadyClaimed},
		"claimed, and over since":         {assigned(claimed, until("2026-03-09")), apperr.PromotionAlreadyClaimed},
		"paid, but nobody was told":       {assigned(paidUnanswered), ""},
		"paid, nobody was told, now over": {assigned(paidUnanswered, until("2026-03-09")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.a.Claimable(now)
			if got := apperr.CodeOf(err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestDayIsUTC(t *testing.T) {
	t.Parallel()
	// Half past one in the east is still yesterday in UTC.
	now := time.Date(2026, 4, 1, 1, 30, 0, 0, time.FixedZone("east", 3*3600))
	if err := assigned().Claimable(now); err != nil {
		t.Errorf("the last day in UTC is not over: %v", err)
	}
}

func TestAlreadyClaimedNamesTheTransaction(t *testing.T) {
	t.Parallel()
	a := assigned(claimed)
	if got := apperr.From(a.Claimable(time.Now())).Meta["transactionId"]; got != a.TransactionID.String() {
		t.Errorf("transactionId is %q, want %s", got, a.TransactionID)
	}
}

func TestCreditIsTheOfferAsItWasMade(t *testing.T) {
	t.Parallel()
	a := assigned()
	before := a.Credit()
	a.Promotion.Title, a.Promotion.Amount = "Renamed", 9900
	after := a.Credit()
	if before.Description != after.Description || before.Amount != after.Amount || before.Key != after.Key {
		t.Errorf("the credit changed with the promotion: %+v, then %+v", before, after)
	}
	if want := "Claimed 'Welcome Bonus' promotion of type 'WELCOME_BONUS'"; after.Description != want {
		t.Errorf("description is %q, want %q", after.Description, want)
	}
	if after.Amount != money.Amount(2000) || after.AdditionalData["promotionId"] != a.PromotionID.String() {
		t.Errorf("credit is %+v", after)
	}
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	p := promotions.Promotion{StartDate: day("2026-03-10"), EndDate: day("2026-03-09")}
	e := apperr.From(p.Validate())
	if e.Code != apperr.ValidationFailed || len(e.Violations) != 1 || e.Violations[0].Field != "endDate" {
		t.Errorf("an end before the start gives %v", e)
	}
	p.EndDate = p.StartDate
	if err := p.Validate(); err != nil {
		t.Errorf("a period of one day is refused: %v", err)
	}
}

func TestRulesOfTypesComeFromTheSchema(t *testing.T) {
	t.Parallel()
	for _, tt := range promotions.PromotionTypes() {
		welcome := tt == promotions.PromotionTypeWelcomeBonus
		if tt.UniquePerPeriod() != welcome || tt.AssignedOnRegistration() != welcome {
			t.Errorf("%s: unique %t, on registration %t", tt, tt.UniquePerPeriod(), tt.AssignedOnRegistration())
		}
	}
}
