package promotions_test

import (
	"context"
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
func deactivated(a *promotions.Assignment) { a.Promotion.IsActive = false }
func claimed(a *promotions.Assignment) {
	a.Claimed, a.ClaimID, a.TransactionID, a.ClaimedAt = true, "call:1", uuid.New(), time.Now()
}

// repaired marks an assignment as claimed after the ledger's event. No claim of the player has succeeded yet.
func repaired(a *promotions.Assignment) { claimed(a); a.ClaimID = "" }

// claimable returns the error of a claim of a.
func claimable(a promotions.Assignment, now time.Time) error {
	c := promotions.Claiming{Assignment: &a}
	c.At = now
	_, err := c.Decide()
	return err
}

func TestClaimable(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 23, 59, 59, 0, time.UTC)
	for name, tt := range map[string]struct {
		a    promotions.Assignment
		want apperr.Code
	}{
		"middle of the period":   {assigned(), ""},
		"first day":              {assigned(from("2026-03-10")), ""},
		"last day":               {assigned(until("2026-03-10")), ""},
		"only day":               {assigned(from("2026-03-10"), until("2026-03-10")), ""},
		"expired yesterday":      {assigned(until("2026-03-09")), apperr.PromotionExpired},
		"starts tomorrow":        {assigned(from("2026-03-11")), apperr.PromotionNotStarted},
		"deactivated":            {assigned(deactivated), apperr.PromotionNotActive},
		"deactivated, expired":   {assigned(deactivated, until("2026-03-09")), apperr.PromotionNotActive},
		"already claimed":        {assigned(claimed), apperr.PromotionAlreadyClaimed},
		"claimed, then expired":  {assigned(claimed, until("2026-03-09")), apperr.PromotionAlreadyClaimed},
		"repaired":               {assigned(repaired), ""},
		"repaired, then expired": {assigned(repaired, until("2026-03-09")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := claimable(tt.a, now)
			if got := apperr.CodeOf(err); got != tt.want {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

func TestClaimableUsesTheDayInUTC(t *testing.T) {
	t.Parallel()
	// 01:30 on April 1 at UTC+3 is 22:30 on March 31 in UTC.
	now := time.Date(2026, 4, 1, 1, 30, 0, 0, time.FixedZone("UTC+3", 3*3600))
	if err := claimable(assigned(), now); err != nil {
		t.Errorf("on the last day in UTC: got %v, want no error", err)
	}
}

func TestAlreadyClaimedNamesTheTransaction(t *testing.T) {
	t.Parallel()
	a := assigned(claimed)
	if got := apperr.From(claimable(a, time.Now())).Meta["transactionId"]; got != a.TransactionID.String() {
		t.Errorf("got transactionId %q, want %s", got, a.TransactionID)
	}
}

func TestCreditDoesNotChangeWithThePromotion(t *testing.T) {
	t.Parallel()
	a := assigned()
	before := a.Credit(time.Time{})
	a.Promotion.Title, a.Promotion.Amount = "Renamed", 9900
	after := a.Credit(time.Time{})
	if before.Description != after.Description || before.Amount != after.Amount || before.Key != after.Key {
		t.Errorf("got %+v after the change of the promotion, want %+v", after, before)
	}
	if want := "Claimed 'Welcome Bonus' promotion of type 'WELCOME_BONUS'"; after.Description != want {
		t.Errorf("got description %q, want %q", after.Description, want)
	}
	if after.Amount != money.Amount(2000) || after.AdditionalData["promotionId"] != a.PromotionID.String() {
		t.Errorf("got credit %+v, want 20.00 for promotion %s", after, a.PromotionID)
	}
}

// fakePromotionStore contains one promotion.
type fakePromotionStore struct {
	promotions.Store
	promotion promotions.Promotion
	used      promotions.ClaimTotals
}

func (s *fakePromotionStore) CreatePromotion(context.Context, promotions.Promotion) error { return nil }

func (s *fakePromotionStore) UpdatePromotion(_ context.Context, _ uuid.UUID, now func() time.Time, change func(*promotions.Promotion, promotions.ClaimTotals) error) (promotions.Promotion, error) {
	p := s.promotion
	p.State = p.StateAt(now())
	return p, change(&p, s.used)
}

// violatedField returns the field of the only violation of err, or "" if err is nil.
func violatedField(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e := apperr.From(err)
	if e.Code != apperr.ValidationFailed || len(e.Violations) != 1 {
		t.Fatalf("got %v, want VALIDATION_FAILED with one violation", err)
	}
	return e.Violations[0].Field
}

func TestCreateChecksThePeriod(t *testing.T) {
	t.Parallel()
	service := promotions.New(&fakePromotionStore{}, nil, time.Now)
	for name, tt := range map[string]struct{ start, end, want string }{
		"end before start": {"2026-03-10", "2026-03-09", "endDate"},
		"one day":          {"2026-03-10", "2026-03-10", ""},
		"two days":         {"2026-03-10", "2026-03-11", ""},
	} {
		_, err := service.Create(t.Context(), promotions.Promotion{StartDate: day(tt.start), EndDate: day(tt.end)})
		if got := violatedField(t, err); got != tt.want {
			t.Errorf("%s: the violation names %q, want %q", name, got, tt.want)
		}
	}
}

// The violation of an update names a field that the update changes.
func TestUpdateChecksThePeriod(t *testing.T) {
	t.Parallel()
	stored := promotions.Promotion{Title: "x", StartDate: day("2026-03-10"), EndDate: day("2026-03-20")}
	for name, tt := range map[string]struct{ start, end, want string }{
		"start after the stored end":           {"2026-03-21", "", "startDate"},
		"start on the stored end":              {"2026-03-20", "", ""},
		"end before the stored start":          {"", "2026-03-09", "endDate"},
		"end on the stored start":              {"", "2026-03-10", ""},
		"both, end before start":               {"2026-04-02", "2026-04-01", "endDate"},
		"both, start after the unchanged end":  {"2026-03-21", "2026-03-20", "startDate"},
		"both, end before the unchanged start": {"2026-03-10", "2026-03-09", "endDate"},
		"both, valid":                          {"2026-04-01", "2026-04-02", ""},
		"neither":                              {"", "", ""},
	} {
		service := promotions.New(&fakePromotionStore{promotion: stored}, nil, time.Now)
		_, err := service.Update(t.Context(), uuid.New(), func(p *promotions.Promotion) error {
			p.Title = "changed"
			if tt.start != "" {
				p.StartDate = day(tt.start)
			}
			if tt.end != "" {
				p.EndDate = day(tt.end)
			}
			return nil
		})
		if got := violatedField(t, err); got != tt.want {
			t.Errorf("%s: the violation names %q, want %q", name, got, tt.want)
		}
	}
}

func TestPromotionTypeRules(t *testing.T) {
	t.Parallel()
	type rules struct{ uniquePerPeriod, assignedOnRegistration bool }
	want := map[promotions.PromotionType]rules{ // an absent type has no rules
		promotions.PromotionTypeWelcomeBonus: {uniquePerPeriod: true, assignedOnRegistration: true},
	}
	for _, kind := range promotions.PromotionTypes() {
		if got := (rules{kind.UniquePerPeriod(), kind.AssignedOnRegistration()}); got != want[kind] {
			t.Errorf("%s: got rules %+v, want %+v; after an intended change of the schema, change the map in this test",
				kind, got, want[kind])
		}
	}
}
