package postgres_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// TestStatesInSQLAndGo creates a promotion for each status and each relation of the period to today. Each filter by states
// must select the promotions that are in these states according to StateAt.
func TestStatesInSQLAndGo(t *testing.T) {
	t.Parallel()
	f := start(t)
	byState := map[promotions.PromotionState][]uuid.UUID{}
	for _, period := range [][2]int{{-2, -1}, {-1, 0}, {0, 0}, {0, 1}, {1, 2}} {
		for _, status := range []promotions.Status{"DRAFT", "PUBLISHED", "PAUSED", "ARCHIVED"} {
			p := f.promotion(promotions.PromotionTypeBonus, period[0], period[1])
			if _, err := f.pool.Exec(t.Context(), `UPDATE promotions SET is_active = $2 = 'PUBLISHED',
				inactive_as = CASE $2 WHEN 'PUBLISHED' THEN 'PAUSED' ELSE $2 END WHERE id = $1`, p.ID, string(status)); err != nil {
				t.Fatal(err)
			}
			p, err := f.service.Get(t.Context(), p.ID)
			if err != nil || p.Status() != status {
				t.Fatalf("got status %s, %v, want %s", p.Status(), err, status)
			}
			byState[p.State] = append(byState[p.State], p.ID)
		}
	}
	for _, limits := range []promotions.PromotionLimits{
		{MaxClaims: 1}, {MaxClaims: 2}, {Budget: 3999}, {Budget: 4000}, {MaxClaims: 2, Budget: 3999}, {MaxClaimsPerDay: 1},
	} {
		p := f.limited(limits, 2000, 2000)
		f.claim(p, p.players[0], "")
		stored, err := f.service.Get(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		byState[stored.State] = append(byState[stored.State], p.ID)
	}
	if n := len(byState[promotions.PromotionStateExhausted]); n != 3 {
		t.Errorf("%d promotions are exhausted, want 3", n)
	}
	all := []promotions.PromotionState{"DRAFT", "SCHEDULED", "ACTIVE", "PAUSED", "EXPIRED", "ARCHIVED", "EXHAUSTED"}
	for chosen := range 1 << len(all) {
		var states []promotions.PromotionState
		var want []uuid.UUID
		for i, state := range all {
			if chosen>>i&1 == 1 {
				states = append(states, state)
				want = append(want, byState[state]...)
			}
		}
		if len(states) == 0 { // all that are not archived
			for state, ids := range byState {
				if state != promotions.PromotionStateArchived {
					want = append(want, ids...)
				}
			}
		}
		page, err := f.service.List(t.Context(), promotions.PromotionFilter{States: states}, keyset.PageRequest[uuid.UUID]{Size: 100})
		if err != nil {
			t.Fatal(err)
		}
		var got []uuid.UUID
		for _, p := range page.Items {
			got = append(got, p.ID)
			if !slices.Contains(byState[p.State], p.ID) {
				t.Errorf("states %v: promotion %s has state %s in the list", states, p.ID, p.State)
			}
		}
		sort := func(ids []uuid.UUID) {
			slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		}
		sort(got)
		sort(want)
		if !slices.Equal(got, want) || page.Total != len(want) {
			t.Errorf("states %v: got %d promotions, total %d, want %d", states, len(got), page.Total, len(want))
		}
	}
}

// TestDraftsMayOverlap publishes two drafts of a unique type in one period. Only the first can be published.
func TestDraftsMayOverlap(t *testing.T) {
	t.Parallel()
	f := start(t)
	var drafts []promotions.Promotion
	for range 2 {
		p, err := f.service.Create(t.Context(), promotions.Promotion{
			Title: "Welcome", Type: promotions.PromotionTypeWelcomeBonus, Amount: 1, InactiveAs: string(promotions.StatusDraft),
			StartDate: f.today, EndDate: f.today,
		})
		if err != nil || p.State != promotions.PromotionStateDraft {
			t.Fatalf("got state %s, %v, want DRAFT", p.State, err)
		}
		drafts = append(drafts, p)
	}
	if _, err := f.service.Assign(t.Context(), drafts[0].ID, []uuid.UUID{f.player()}, uuid.New(), false); apperr.CodeOf(err) != apperr.PromotionNotActive {
		t.Errorf("assignment of a draft: got %v, want PROMOTION_NOT_ACTIVE", err)
	}
	if p, err := f.service.Publish(t.Context(), drafts[0].ID); err != nil || p.State != promotions.PromotionStateActive {
		t.Errorf("got state %s, %v, want ACTIVE", p.State, err)
	}
	_, err := f.service.Publish(t.Context(), drafts[1].ID)
	f.wantCode(err, apperr.PromotionExists)
	if _, err := f.service.Pause(t.Context(), drafts[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.service.Publish(t.Context(), drafts[1].ID); err != nil {
		t.Fatal(err)
	}
	_, err = f.service.Resume(t.Context(), drafts[0].ID)
	f.wantCode(err, apperr.PromotionExists)
}
