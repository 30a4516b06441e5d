package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// TestRefusalsAreLimited repeats a refused claim. The number of its refusals on a day is limited, and independent of other
// promotions and actions.
func TestRefusalsAreLimited(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, first := f.assigned()
	second := f.promotion(promotions.PromotionTypeBonus, 0, 0)
	f.restrict(player, 1, restriction(promotions.RestrictionKindBonusAbuse))
	// A refusal of yesterday does not count.
	_, err := f.pool.Exec(t.Context(), `INSERT INTO refusals (id, user_id, promotion_id, action, created_at)
		SELECT CASE n WHEN 1 THEN '01890000-0000-7000-8000-000000000000' ELSE
		  (left($3, 24) || lpad(to_hex(n), 12, '0'))::uuid END, $1, $2, 'CLAIM', now() FROM generate_series(1, $4) n`,
		player, first.ID, uuid.Must(uuid.NewV7()).String(), promotions.MaxRefusals-1)
	if err != nil {
		t.Fatal(err)
	}
	total := func(want int) {
		t.Helper()
		page, err := f.service.ListRefusals(t.Context(), player, keyset.PageRequest[uuid.UUID]{Size: 1})
		if err != nil || page.Total != want || !page.More {
			t.Errorf("got %d refusals, more: %t, %v, want %d", page.Total, page.More, err, want)
		}
	}
	for _, want := range []int{promotions.MaxRefusals, promotions.MaxRefusals + 1, promotions.MaxRefusals + 1} {
		_, err := f.service.Claim(t.Context(), player, first.ID, "")
		f.wantCode(err, apperr.PlayerRestricted)
		total(want)
	}
	f.outcome(first, player)
	f.outcome(second, player)
	total(promotions.MaxRefusals + 3)
	store := postgres.New(f.role, func() {})
	refusal := promotions.Refusal{UserID: player, PromotionID: first.ID, Action: promotions.RefusalActionClaim, CreatedAt: time.Now()}
	if err := store.RecordRefusal(t.Context(), refusal); err != nil {
		t.Fatal(err)
	}
	total(promotions.MaxRefusals + 3)
	// The refusals are evidence.
	for _, sql := range []string{"DELETE FROM refusals", "UPDATE refusals SET action = 'JOB'"} {
		if _, err := f.role.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s: the role of the service may do this", sql)
		}
	}
}

func TestListRefusals(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	f.restrict(player, 1, restriction(promotions.RestrictionKindBonusAbuse))
	f.outcome(p, player)
	f.ledger.fail = apperr.New(apperr.PlayerRestricted, "the player is restricted")
	other, _ := f.assigned()
	for _, id := range []uuid.UUID{player, other} {
		_, err := f.service.Claim(t.Context(), id, p.ID, "")
		if id == player {
			f.wantCode(err, apperr.PlayerRestricted)
		}
	}
	first, err := f.service.ListRefusals(t.Context(), player, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil || first.Total != 2 || !first.More || first.Items[0].Action != promotions.RefusalActionClaim || first.Items[0].PromotionID != p.ID {
		t.Fatalf("got %+v, %v, want the claim", first, err)
	}
	second, err := f.service.ListRefusals(t.Context(), player, keyset.PageRequest[uuid.UUID]{Size: 1, Before: first.Items[0].ID})
	if err != nil || second.Total != 2 || second.More || second.Items[0].Action != promotions.RefusalActionAssign {
		t.Errorf("got %+v, %v, want the assignment", second, err)
	}
	if got := f.refusals(uuid.New()); got != nil {
		t.Errorf("an unknown player has the refusals %v", got)
	}
}

// TestRefusalsOfTheLedger claims before the event of the restriction has arrived.
func TestRefusalsOfTheLedger(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, p := f.assigned()
	f.ledger.fail = apperr.New(apperr.PlayerRestricted, "the player is restricted")
	_, err := f.service.Claim(t.Context(), player, p.ID, "")
	f.wantCode(err, apperr.PlayerRestricted)
	if got := f.refusals(player); !slices.Equal(got, []promotions.RefusalAction{promotions.RefusalActionClaim}) {
		t.Errorf("got the refusals %v, want CLAIM", got)
	}
	f.wantUsage(p, promotions.PromotionUsage{Assigned: 1})
}
