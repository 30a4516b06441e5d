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

// revoke revokes assignments of p and returns the outcomes.
func (f fixture) revoke(p limitedPromotion, players ...uuid.UUID) []promotions.RevokeOutcome {
	f.Helper()
	results, err := f.service.Revoke(f.Context(), p.ID, players)
	if err != nil {
		f.Fatal(err)
	}
	outcomes := make([]promotions.RevokeOutcome, len(results))
	for i, r := range results {
		outcomes[i] = r.Outcome
	}
	return outcomes
}

// assign assigns p to a player and checks the outcome.
func (f fixture) assign(p limitedPromotion, player uuid.UUID, reassign bool, want promotions.AssignOutcome) {
	f.Helper()
	got, err := f.service.Assign(f.Context(), p.ID, []uuid.UUID{player}, uuid.New(), reassign)
	if err != nil || got[0].Outcome != want {
		f.Errorf("Assign = %v, %v, want %s", got, err, want)
	}
}

// notified returns the number of notifications of a type for a player in the outbox.
func (f fixture) notified(player uuid.UUID, typ notificationsv1.NotificationEventType) int {
	f.Helper()
	n := 0
	for _, e := range f.outbox() {
		if e.GetUserId() == player.String() && e.GetEventType() == typ {
			n++
		}
	}
	return n
}

func TestRevokeAndReassign(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, 100, 200)
	claimed, revoked, stranger := p.players[0], p.players[1], f.player()
	f.claim(p, claimed, "")
	want := []promotions.RevokeOutcome{"ALREADY_CLAIMED", "REVOKED", "NOT_ASSIGNED"}
	for range 2 { // harmless to repeat
		if got := f.revoke(p, claimed, revoked, stranger, revoked); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 2, Claimed: 1, Revoked: 1, Spent: 100})
	if n := f.notified(revoked, notificationsv1.NotificationEventType_PROMOTION_REVOKED); n != 1 {
		t.Errorf("the player got %d notifications of the revocation, want 1", n)
	}
	f.claim(p, revoked, apperr.AssignmentRevoked)
	f.assign(p, revoked, false, promotions.AssignOutcomeAlreadyAssigned)
	f.claim(p, revoked, apperr.AssignmentRevoked)
	f.update(p.ID, func(p *promotions.Promotion) { p.Amount = 300 })
	f.assign(p, revoked, true, promotions.AssignOutcomeAssigned)
	f.assign(p, revoked, true, promotions.AssignOutcomeAlreadyAssigned)
	f.assign(p, claimed, true, promotions.AssignOutcomeAlreadyAssigned)
	if n := f.notified(revoked, notificationsv1.NotificationEventType_PROMOTION); n != 2 {
		t.Errorf("the player got %d notifications of assignments, want 2", n)
	}
	f.claim(p, revoked, "")
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 3, Claimed: 2, Spent: 400})
	if _, err := f.service.Revoke(t.Context(), uuid.New(), []uuid.UUID{revoked}); apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("unknown promotion: got %v, want NOT_FOUND", err)
	}
}

// TestRevokeWaitsForClaims revokes an assignment whose claim is being paid, and one whose claim has died.
func TestRevokeWaitsForClaims(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, 100, 100)
	paying, pay := make(chan struct{}), make(chan struct{})
	f.ledger.before = func() { close(paying); <-pay }
	var wg sync.WaitGroup
	wg.Go(func() { f.claim(p, p.players[0], "") })
	<-paying
	f.ledger.before = nil
	wg.Go(func() {
		if got := f.revoke(p, p.players[0]); got[0] != promotions.RevokeOutcomeAlreadyClaimed {
			t.Errorf("got %v, want ALREADY_CLAIMED", got)
		}
	})
	close(pay)
	wg.Wait()

	f.ledger.fail = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	f.claim(p, p.players[1], apperr.DependencyUnavailable)
	_, err := f.service.Revoke(t.Context(), p.ID, p.players)
	if e := apperr.From(err); e.Code != apperr.DependencyUnavailable || e.RetryAfter == 0 {
		t.Errorf("got %v, want DEPENDENCY_UNAVAILABLE with Retry-After", err)
	}
}

// TestRevokeRacesWithClaims revokes and claims the same assignments at once. Each assignment ends in the state that both
// answers say.
func TestRevokeRacesWithClaims(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, repeat(100, 40)...)
	services := f.replicas(3, time.Now)
	codes := make([]apperr.Code, len(p.players))
	outcomes := make([]promotions.RevokeOutcome, len(p.players))
	var wg sync.WaitGroup
	for i, player := range p.players {
		wg.Go(func() {
			_, err := services[i%3].Claim(t.Context(), player, p.ID, "")
			codes[i] = apperr.CodeOf(err)
		})
		wg.Go(func() {
			results, err := f.service.Revoke(t.Context(), p.ID, []uuid.UUID{player})
			for apperr.CodeOf(err) == apperr.DependencyUnavailable { // a loaded machine takes more than two seconds for the claim
				results, err = f.service.Revoke(t.Context(), p.ID, []uuid.UUID{player})
			}
			if err != nil {
				t.Error(err)
				return
			}
			outcomes[i] = results[0].Outcome
		})
	}
	wg.Wait()
	for i, code := range codes {
		if outcome := outcomes[i]; (code != "" || outcome != promotions.RevokeOutcomeAlreadyClaimed) &&
			(code != apperr.AssignmentRevoked || outcome != promotions.RevokeOutcomeRevoked) {
			t.Errorf("assignment %d: the claim got %q and the revocation %s", i, code, outcome)
		}
	}
	f.checkCounters()
}

// TestDeadlines lets assignments expire, by the clock of the service.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{ClaimWithinHours: 30}) // applies to later assignments
	player, claimed, revoked := f.player(), f.player(), f.player()
	for _, id := range []uuid.UUID{player, claimed, revoked} {
		f.assign(p, id, false, promotions.AssignOutcomeAssigned)
	}
	f.claim(p, claimed, "")
	f.revoke(p, revoked)
	assigned := time.Now()
	handle := func(after time.Duration) {
		t.Helper()
		var wg sync.WaitGroup
		for _, service := range f.replicas(3, func() time.Time { return assigned.Add(after) }) {
			wg.Go(func() {
				if err := service.HandleDeadlines(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	reminders := func(want int) {
		t.Helper()
		for _, id := range []uuid.UUID{claimed, revoked} {
			if n := f.notified(id, notificationsv1.NotificationEventType_PROMOTION_EXPIRING); n != 0 {
				t.Errorf("a player without a claimable assignment got %d reminders", n)
			}
		}
		if n := f.notified(player, notificationsv1.NotificationEventType_PROMOTION_EXPIRING); n != want {
			t.Errorf("the player got %d reminders, want %d", n, want)
		}
	}
	handle(5 * time.Hour)
	reminders(0)
	handle(6*time.Hour + time.Minute)
	handle(7 * time.Hour)
	reminders(1)
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 3, Claimed: 1, Revoked: 1, Spent: 2000})

	// The claim checks the time itself. An assignment whose claim is being paid does not expire.
	late := f.replicas(1, func() time.Time { return assigned.Add(31 * time.Hour) })[0]
	_, err := late.Claim(t.Context(), player, p.ID, "")
	f.wantCode(err, apperr.AssignmentExpired)
	f.ledger.lost = apperr.New(apperr.DependencyUnavailable, "the answer is lost")
	other := f.player()
	f.assign(p, other, false, promotions.AssignOutcomeAssigned)
	f.claim(p, other, apperr.DependencyUnavailable)
	f.ledger.lost = nil
	handle(31 * time.Hour)
	f.wantUsage(p.Promotion, promotions.PromotionUsage{
		Assigned: 4, Claimed: 1, Expired: 1, Revoked: 1, Reserved: 1, Spent: 2000,
	})
	if err := late.SettleClaims(t.Context()); err != nil {
		t.Fatal(err)
	}
	handle(32 * time.Hour)
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 4, Claimed: 2, Expired: 1, Revoked: 1, Spent: 4000})
	var left int
	if err := f.pool.QueryRow(t.Context(), "SELECT count(*) FROM assignment_deadlines").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d deadlines are left, %v, want none", left, err)
	}
	if got := f.revoke(p, player); got[0] != promotions.RevokeOutcomeRevoked {
		t.Errorf("revoking an expired assignment: got %v, want REVOKED", got)
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 4, Claimed: 2, Revoked: 2, Spent: 4000})
}

// TestAssignmentStatesInSQLAndGo filters by each set of states. The filter must select the assignments that are in these
// states according to StateAt.
func TestAssignmentStatesInSQLAndGo(t *testing.T) {
	t.Parallel()
	f := start(t)
	player := f.player()
	if _, err := f.pool.Exec(t.Context(), "ALTER TABLE player_promotions DISABLE TRIGGER player_promotions_frozen"); err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{
		"", "expires_at = now() + interval '1 hour'", "expires_at = now()", "expires_at = now(), expired_at = now()",
		"revoked_at = now()", "revoked_at = now(), expires_at = now()", "revoked_at = now(), expired_at = now(), expires_at = now()",
		"claimed = true, claimed_at = now(), transaction_id = gen_random_uuid(), expires_at = now()",
	} {
		p := limitedPromotion{Promotion: f.promotion(promotions.PromotionTypeBonus, 0, 0)}
		f.assign(p, player, false, promotions.AssignOutcomeAssigned)
		if change != "" {
			if _, err := f.pool.Exec(t.Context(), "UPDATE player_promotions SET "+change+" WHERE promotion_id = $1", p.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.checkCounters()
	all := []promotions.AssignmentState{"ASSIGNED", "CLAIMED", "EXPIRED", "REVOKED"}
	byState := map[promotions.AssignmentState]int{"ASSIGNED": 2, "CLAIMED": 1, "EXPIRED": 2, "REVOKED": 3}
	for chosen := range 1 << len(all) {
		var states []promotions.AssignmentState
		want := 0
		for i, state := range all {
			if chosen>>i&1 == 1 {
				states = append(states, state)
			}
			if chosen>>i&1 == 1 || chosen == 0 {
				want += byState[state]
			}
		}
		page, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{States: states},
			keyset.PageRequest[uuid.UUID]{Size: 100})
		if err != nil || page.Total != want || len(page.Items) != want {
			t.Errorf("states %v: got %d of %d assignments, %v, want %d", states, len(page.Items), page.Total, err, want)
		}
		for _, a := range page.Items {
			if len(states) > 0 && !slices.Contains(states, a.State) {
				t.Errorf("states %v: got an assignment in state %s", states, a.State)
			}
		}
	}
}
