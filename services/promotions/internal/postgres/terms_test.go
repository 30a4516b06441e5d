package postgres_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// termsOf returns the version of the terms of a player's only assignment.
func (f fixture) termsOf(player uuid.UUID) int32 {
	f.Helper()
	page, err := f.service.ListAssignments(f.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil || page.Total != 1 {
		f.Fatalf("got %+v, %v, want one assignment", page, err)
	}
	return page.Items[0].TermsVersion
}

func TestAssignmentsKeepTheVersionOfTheTerms(t *testing.T) {
	t.Parallel()
	f := start(t)
	none, p := f.assigned()
	if got := f.termsOf(none); got != 0 {
		t.Errorf("without terms the version is %d, want 0", got)
	}
	limited := limitedPromotion{Promotion: p}
	write := func(text string, want int32) {
		t.Helper()
		if got := f.update(p.ID, func(p *promotions.Promotion) { p.Terms.Text = text }).Terms; got.Version != want || got.Text != text {
			t.Errorf("got %+v, want version %d of %q", got, want, text)
		}
	}
	write("One claim per household.", 1)
	first := f.player()
	f.assign(limited, first, false, promotions.AssignOutcomeAssigned)
	f.assign(limited, none, false, promotions.AssignOutcomeAlreadyAssigned)
	write("One claim per household.", 1)
	write("One claim per person.", 2)
	write("", 3)
	for player, want := range map[uuid.UUID]int32{none: 0, first: 1} {
		if got := f.termsOf(player); got != want {
			t.Errorf("the assignment has version %d, want the %d of its creation", got, want)
		}
	}
	f.revoke(limited, first)
	f.assign(limited, first, true, promotions.AssignOutcomeAssigned)
	if got := f.termsOf(first); got != 3 {
		t.Errorf("assigned again, the version is %d, want 3", got)
	}
	_, err := f.pool.Exec(t.Context(), "UPDATE player_promotions SET terms_version = 2 WHERE user_id = $1", first)
	if name, _ := postgres.ConstraintViolated(err); name != "player_promotions_frozen" {
		t.Errorf("changing the version of an assignment: got %v, want a violation of player_promotions_frozen", err)
	}
}
