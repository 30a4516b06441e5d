package postgres_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
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
func (f fixture) outcome(p promotions.Promotion, player uuid.UUID) promotions.AssignOutcome {
	f.Helper()
	got, err := f.service.Assign(f.Context(), p.ID, []uuid.UUID{player}, uuid.Must(uuid.NewV7()), false)
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
			if got := f.outcome(other, player); got != outcome {
				t.Errorf("a new promotion: got %s, want %s", got, outcome)
			}
			if got := f.outcome(held, player); got != again {
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
			if got := f.outcome(f.promotion(promotions.PromotionTypeBonus, 0, 0), player); got != promotions.AssignOutcomeAssigned {
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

func TestRestrictionsHaveTheHighestVersion(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeBonus, 0, 0)
	none, abuse := []promotions.PlayerRestriction{}, []promotions.PlayerRestriction{restriction(promotions.RestrictionKindBonusAbuse)}
	type change struct {
		version      int64
		active       bool
		restrictions []promotions.PlayerRestriction // nil: the event does not contain them
	}
	for name, tt := range map[string]struct {
		changes []change
		want    promotions.AssignOutcome
	}{
		"restricted":                         {[]change{{1, true, abuse}}, promotions.AssignOutcomeRestrictedPlayer},
		"lifted":                             {[]change{{1, true, abuse}, {2, true, none}}, promotions.AssignOutcomeAssigned},
		"older restriction arrives last":     {[]change{{2, true, none}, {1, true, abuse}}, promotions.AssignOutcomeAssigned},
		"older lift arrives last":            {[]change{{3, true, abuse}, {2, true, none}}, promotions.AssignOutcomeRestrictedPlayer},
		"the same version again":             {[]change{{1, true, abuse}, {1, true, none}}, promotions.AssignOutcomeRestrictedPlayer},
		"inactive and restricted":            {[]change{{1, false, abuse}}, promotions.AssignOutcomeInactivePlayer},
		"restricted, and then activated":     {[]change{{1, false, abuse}, {2, true, abuse}}, promotions.AssignOutcomeRestrictedPlayer},
		"an event without the restrictions":  {[]change{{1, true, abuse}, {2, true, nil}}, promotions.AssignOutcomeRestrictedPlayer},
		"the complete event of this version": {[]change{{2, true, nil}, {2, true, abuse}}, promotions.AssignOutcomeRestrictedPlayer},
		"an older event with restrictions":   {[]change{{2, false, nil}, {1, true, abuse}, {3, true, nil}}, promotions.AssignOutcomeRestrictedPlayer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := f
			f.T = t
			player := uuid.Must(uuid.NewV7())
			player[0] ^= 1 // an old id, so that Assign does not wait for the registration
			for _, c := range tt.changes {
				restrictions := slices.Clone(c.restrictions)
				for i := range restrictions {
					restrictions[i].UserID = player
				}
				err := f.service.PlayerStatusChanged(t.Context(), uuid.NewString(), promotions.StatusChange{
					Player: player, Active: c.active, Complete: c.restrictions != nil, Restrictions: restrictions, Version: c.version,
					At: time.Now(),
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := f.outcome(p, player); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestRestrictionBeforeTheRegistration(t *testing.T) {
	t.Parallel()
	f := start(t)
	welcome := f.promotion(promotions.PromotionTypeWelcomeBonus, 0, 0)
	for kind, want := range map[promotions.RestrictionKind]int{
		promotions.RestrictionKindHarmIndicator: 0, promotions.RestrictionKindMarketingOptOut: 1,
	} {
		player := uuid.Must(uuid.NewV7())
		f.restrict(player, 1, restriction(kind))
		if err := f.service.Registered(t.Context(), uuid.NewString(), player, time.Now()); err != nil {
			t.Fatal(err)
		}
		if got, notified := f.listed(player, false), f.notifications(player); got != want || notified != 0 {
			t.Errorf("%s: got %d promotions and %d notifications, want %d and none", kind, got, notified, want)
		}
		refusals := f.refusals(player)
		if want == 0 && !slices.Equal(refusals, []promotions.RefusalAction{promotions.RefusalActionAssign}) || want == 1 && refusals != nil {
			t.Errorf("%s: got the refusals %v", kind, refusals)
		}
	}
	if got := f.outcome(welcome, f.player()); got != promotions.AssignOutcomeAlreadyAssigned {
		t.Errorf("another player: got %s, want ALREADY_ASSIGNED", got)
	}
}

func TestRestrictionsExpire(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, 100, 100)
	player, muted := p.players[0], p.players[1]
	end := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	until := func(kind promotions.RestrictionKind, end time.Time) promotions.PlayerRestriction {
		return promotions.PlayerRestriction{Kind: kind, Until: end}
	}
	own := until(promotions.RestrictionKindSelfExclusion, end.Add(-time.Minute))
	own.ByPlayer = true
	f.restrict(player, 1, until(promotions.RestrictionKindSelfExclusion, end), own)
	f.restrict(muted, 1, until(promotions.RestrictionKindMarketingOptOut, end))
	for _, offset := range []time.Duration{-time.Microsecond, 0} {
		restricted := offset < 0
		later := f.replicas(1, func() time.Time { return end.Add(offset) })[0]
		other := f.promotion(promotions.PromotionTypeBonus, 0, 2)
		got, err := later.Assign(t.Context(), other.ID, []uuid.UUID{player, muted}, uuid.New(), false)
		outcome, notified, code := promotions.AssignOutcomeAssigned, 1, apperr.Code("")
		if restricted {
			outcome, notified, code = promotions.AssignOutcomeRestrictedPlayer, 0, apperr.PlayerRestricted
		}
		if err != nil || got[0].Outcome != outcome || got[1].Outcome != promotions.AssignOutcomeAssigned {
			t.Errorf("%s from the end: got %v, %v, want %s and ASSIGNED", offset, got, err, outcome)
		}
		if n := f.notifications(muted); n != 1+notified {
			t.Errorf("%s from the end: got %d notifications, want %d", offset, n, 1+notified)
		}
		if restricted {
			_, err = later.Claim(t.Context(), player, p.ID, "")
			f.wantCode(err, code)
		}
	}
	_, err := f.replicas(1, func() time.Time { return end })[0].Claim(t.Context(), player, p.ID, "")
	f.wantCode(err, "")
}

// TestMutedReminders revokes the assignments of muted players, and lets them expire.
func TestMutedReminders(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{ClaimWithinHours: 25})
	notified, optedOut, restricted := f.player(), f.player(), f.player()
	all := []uuid.UUID{notified, optedOut, restricted}
	for _, id := range all {
		f.assign(p, id, false, promotions.AssignOutcomeAssigned)
	}
	f.restrict(optedOut, 1, restriction(promotions.RestrictionKindMarketingOptOut))
	f.restrict(restricted, 1, restriction(promotions.RestrictionKindCoolOff))
	later := f.replicas(1, func() time.Time { return time.Now().Add(2 * time.Hour) })[0]
	if err := later.HandleDeadlines(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := f.revoke(p, all...); !slices.Equal(got, []promotions.RevokeOutcome{"REVOKED", "REVOKED", "REVOKED"}) {
		t.Errorf("got %v, want REVOKED", got)
	}
	for _, typ := range []notificationsv1.NotificationEventType{
		notificationsv1.NotificationEventType_PROMOTION_EXPIRING, notificationsv1.NotificationEventType_PROMOTION_REVOKED,
	} {
		for _, id := range all {
			want := 0
			if id == notified {
				want = 1
			}
			if n := f.notified(id, typ); n != want {
				t.Errorf("%s: got %d notifications, want %d", typ, n, want)
			}
		}
	}
	f.assign(p, notified, true, promotions.AssignOutcomeAssigned)
	f.assign(p, optedOut, true, promotions.AssignOutcomeAssigned)
	f.assign(p, restricted, true, promotions.AssignOutcomeRestrictedPlayer)
	for id, want := range map[uuid.UUID][2]int{notified: {2, 0}, optedOut: {2, 1}, restricted: {1, 0}} {
		var assigned, muted int
		err := f.pool.QueryRow(t.Context(), "SELECT times_assigned, times_muted FROM player_promotions WHERE user_id = $1", id).
			Scan(&assigned, &muted)
		if n := f.notified(id, notificationsv1.NotificationEventType_PROMOTION); err != nil || [2]int{assigned, muted} != want || n != assigned-muted {
			t.Errorf("assigned %d times, muted %d times, notified %d times, %v, want %v", assigned, muted, n, err, want)
		}
	}
}

// TestAssignmentsWaitForRestrictions restricts a player while an assignment waits for the row of the player. The assignment
// must see the restriction.
func TestAssignmentsWaitForRestrictions(t *testing.T) {
	t.Parallel()
	f := start(t)
	player, held := f.assigned()
	p := f.promotion(promotions.PromotionTypeBonus, 0, 0)
	hold, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = hold.Rollback(t.Context()) }()
	// The statement of the consumer, which has not committed yet.
	if _, err := hold.Exec(t.Context(), "UPDATE players SET promotions_refused_until = $2, promotions_muted_until = $2 WHERE id = $1",
		player, int64(1<<62)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if got := f.outcome(p, player); got != promotions.AssignOutcomeRestrictedPlayer {
			t.Errorf("got %s, want RESTRICTED_PLAYER", got)
		}
	})
	wg.Go(func() {
		if _, err := f.service.Revoke(t.Context(), held.ID, []uuid.UUID{player}); err != nil {
			t.Error(err)
		}
	})
	f.awaitBlocked(2)
	if err := hold.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if n := f.notified(player, notificationsv1.NotificationEventType_PROMOTION_REVOKED); n != 0 {
		t.Errorf("got %d notifications of the revocation, want none", n)
	}
}
