package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// restrict stores the restrictions of a player with a version, as an event does.
func (f fixture) restrict(player uuid.UUID, version int64, restrictions ...promotions.PlayerRestriction) {
	f.Helper()
	for i := range restrictions {
		restrictions[i].UserID = player
	}
	err := f.service.PlayerStatusChanged(f.Context(), uuid.NewString(), promotions.StatusChange{
		Player: player, Active: true, Complete: true, Restrictions: restrictions, Version: version, At: time.Now(),
	})
	if err != nil {
		f.Fatal(err)
	}
}

func restriction(kind promotions.RestrictionKind) promotions.PlayerRestriction {
	return promotions.PlayerRestriction{Kind: kind}
}

// outcome assigns a promotion to a player and returns the outcome.
func (f fixture) outcome(p promotions.Promotion, player uuid.UUID, reassign bool) promotions.AssignOutcome {
	f.Helper()
	got, err := f.service.Assign(f.Context(), p.ID, []uuid.UUID{player}, uuid.Must(uuid.NewV7()), reassign)
	if err != nil || len(got) != 1 {
		f.Fatalf("got %v, %v, want one outcome", got, err)
	}
	return got[0].Outcome
}

// listed returns the number of a player's assignments that the player or an employee sees.
func (f fixture) listed(player uuid.UUID, own bool) int {
	f.Helper()
	page, err := f.service.ListAssignments(f.Context(), player, promotions.AssignmentFilter{Own: own}, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil || page.Total != len(page.Items) {
		f.Fatalf("got %d items and total %d, %v", len(page.Items), page.Total, err)
	}
	return page.Total
}

// refusals returns the actions of a player's refusals, newest first.
func (f fixture) refusals(player uuid.UUID) []promotions.RefusalAction {
	f.Helper()
	page, err := f.service.ListRefusals(f.Context(), player, keyset.PageRequest[uuid.UUID]{Size: 10})
	if err != nil {
		f.Fatal(err)
	}
	var actions []promotions.RefusalAction
	for _, r := range page.Items {
		actions = append(actions, r.Action)
	}
	return actions
}

func TestKindsOfRestrictions(t *testing.T) {
	t.Parallel()
	f := start(t)
	for kind, allowed := range map[promotions.RestrictionKind]bool{
		promotions.RestrictionKindSelfExclusion: false, promotions.RestrictionKindCoolOff: false,
		promotions.RestrictionKindHarmIndicator: false, promotions.RestrictionKindBonusAbuse: false,
		promotions.RestrictionKindMarketingOptOut: true,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := f
			f.T = t
			player, held := f.assigned()
			other := f.promotion(promotions.PromotionTypeBonus, 0, 0)
			before := f.notifications(player)
			f.restrict(player, 1, restriction(kind))
			outcome, again, own := promotions.AssignOutcomeRestrictedPlayer, promotions.AssignOutcomeRestrictedPlayer, 0
			if allowed {
				outcome, again, own = promotions.AssignOutcomeAssigned, promotions.AssignOutcomeAlreadyAssigned, 2
			}
			if got := f.outcome(other, player, false); got != outcome {
				t.Errorf("a new promotion: got %s, want %s", got, outcome)
			}
			if got := f.outcome(held, player, false); got != again {
				t.Errorf("a promotion of the player: got %s, want %s", got, again)
			}
			if got := f.listed(player, true); got != own {
				t.Errorf("the player sees %d promotions, want %d", got, own)
			}
			if got := f.listed(player, false); got != max(own, 1) {
				t.Errorf("an employee sees %d promotions, want %d", got, max(own, 1))
			}
			if got := f.notifications(player); got != before {
				t.Errorf("the player has %d notifications, want %d as before", got, before)
			}
			_, err := f.service.Claim(t.Context(), player, held.ID, "")
			if want := map[bool]apperr.Code{false: apperr.PlayerRestricted, true: ""}[allowed]; apperr.CodeOf(err) != want {
				t.Errorf("claim: got %v, want %q", err, want)
			}
			want := []promotions.RefusalAction{promotions.RefusalActionClaim, promotions.RefusalActionAssign, promotions.RefusalActionAssign}
			if allowed {
				want = nil
			}
			if got := f.refusals(player); !slices.Equal(got, want) {
				t.Errorf("got the refusals %v, want %v", got, want)
			}
			f.restrict(player, 2)
			if got := f.outcome(f.promotion(promotions.PromotionTypeBonus, 0, 0), player, false); got != promotions.AssignOutcomeAssigned {
				t.Errorf("without restrictions: got %s, want ASSIGNED", got)
			}
			if got := f.notifications(player); got != before+1 {
				t.Errorf("the player has %d notifications, want one more than %d", got, before)
			}
		})
	}
}

// notifications returns the number of notifications of a player in the outbox.
func (f fixture) notifications(player uuid.UUID) int {
	n := 0
	for _, e := range f.outbox() {
		if e.GetUserId() == player.String() {
			n++
		}
	}
	return n
}
