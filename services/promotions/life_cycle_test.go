package promotions_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// inStatus returns a promotion of a period with the given status.
func inStatus(status promotions.Status, start, end string) promotions.Promotion {
	p := promotions.Promotion{
		IsActive: status == promotions.StatusPublished, InactiveAs: string(status), StartDate: day(start), EndDate: day(end),
	}
	if p.IsActive {
		p.InactiveAs = string(promotions.StatusPaused)
	}
	return p
}

func TestStateOfAPromotion(t *testing.T) {
	t.Parallel()
	const last, today, next = "2026-03-09", "2026-03-10", "2026-03-11"
	now := time.Date(2026, 3, 10, 23, 59, 59, 0, time.UTC)
	for _, tt := range []struct {
		status              promotions.Status
		past, current, next promotions.PromotionState
	}{
		{promotions.StatusDraft, "DRAFT", "DRAFT", "DRAFT"},
		{promotions.StatusPublished, "EXPIRED", "ACTIVE", "SCHEDULED"},
		{promotions.StatusPaused, "EXPIRED", "PAUSED", "PAUSED"},
		{promotions.StatusArchived, "ARCHIVED", "ARCHIVED", "ARCHIVED"},
	} {
		for period, want := range map[[2]string]promotions.PromotionState{
			{last, last}: tt.past, {last, today}: tt.current, {today, today}: tt.current, {today, next}: tt.current,
			{next, next}: tt.next,
		} {
			p := inStatus(tt.status, period[0], period[1])
			if got := p.StateAt(now); got != want {
				t.Errorf("%s from %s to %s: got state %s, want %s", tt.status, period[0], period[1], got, want)
			}
			if available := p.Available(now) == nil; available != (want == promotions.PromotionStateActive) {
				t.Errorf("%s from %s to %s: available is %t in state %s", tt.status, period[0], period[1], available, want)
			}
		}
	}
}

// TestTransitions makes each transition from each status.
func TestTransitions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	const draft, published, paused, archived = promotions.StatusDraft, promotions.StatusPublished, promotions.StatusPaused, promotions.StatusArchived
	const conflict = promotions.Status("")
	for verb, tt := range map[string]struct {
		call func(*promotions.Service, context.Context, uuid.UUID) (promotions.Promotion, error)
		want map[promotions.Status]promotions.Status
	}{
		"publish": {(*promotions.Service).Publish, map[promotions.Status]promotions.Status{
			draft: published, published: published, paused: conflict, archived: conflict}},
		"pause": {(*promotions.Service).Pause, map[promotions.Status]promotions.Status{
			draft: conflict, published: paused, paused: paused, archived: conflict}},
		"resume": {(*promotions.Service).Resume, map[promotions.Status]promotions.Status{
			draft: conflict, published: published, paused: published, archived: conflict}},
		"archive": {(*promotions.Service).Archive, map[promotions.Status]promotions.Status{
			draft: archived, published: archived, paused: archived, archived: archived}},
	} {
		for before, after := range tt.want {
			stored := inStatus(before, "2026-03-10", "2026-03-10")
			service := promotions.New(&fakePromotionStore{promotion: stored}, nil, func() time.Time { return now })
			got, err := tt.call(service, t.Context(), uuid.New())
			switch {
			case after == conflict:
				want := string(stored.StateAt(now))
				if e := apperr.From(err); e.Code != apperr.PromotionStateConflict || e.Meta["state"] != want {
					t.Errorf("%s in %s: got %v, want PROMOTION_STATE_CONFLICT with state %s", verb, before, err, want)
				}
			case err != nil || got.Status() != after || got.State != got.StateAt(now):
				t.Errorf("%s in %s: got status %s, state %s, %v; want status %s", verb, before, got.Status(), got.State, err, after)
			case (before == after) != got.UpdatedAt.IsZero():
				t.Errorf("%s in %s: got updatedAt %v; only a change sets it", verb, before, got.UpdatedAt)
			}
		}
	}
}

// TestUpdateChangesTheStatus changes isActive, and another field, in each status.
func TestUpdateChangesTheStatus(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		before   promotions.Status
		isActive bool
		after    promotions.Status
	}{
		{promotions.StatusDraft, true, promotions.StatusPublished},
		{promotions.StatusDraft, false, promotions.StatusDraft},
		{promotions.StatusPublished, false, promotions.StatusPaused},
		{promotions.StatusPaused, true, promotions.StatusPublished},
		{promotions.StatusArchived, false, promotions.StatusArchived},
	} {
		store := &fakePromotionStore{promotion: inStatus(tt.before, "2026-03-10", "2026-03-10")}
		p, err := promotions.New(store, nil, time.Now).Update(t.Context(), uuid.New(), func(p *promotions.Promotion) error {
			p.IsActive = tt.isActive
			return nil
		})
		if err != nil || p.Status() != tt.after {
			t.Errorf("isActive %t in %s: got %s, %v, want %s", tt.isActive, tt.before, p.Status(), err, tt.after)
		}
	}
	for name, edit := range map[string]func(*promotions.Promotion){
		"title":    func(p *promotions.Promotion) { p.Title = "changed" },
		"isActive": func(p *promotions.Promotion) { p.IsActive = true },
	} {
		store := &fakePromotionStore{promotion: inStatus(promotions.StatusArchived, "2026-03-10", "2026-03-10")}
		_, err := promotions.New(store, nil, time.Now).Update(t.Context(), uuid.New(), func(p *promotions.Promotion) error {
			edit(p)
			return nil
		})
		if apperr.CodeOf(err) != apperr.PromotionStateConflict {
			t.Errorf("%s of an archived promotion: got %v, want PROMOTION_STATE_CONFLICT", name, err)
		}
	}
}
