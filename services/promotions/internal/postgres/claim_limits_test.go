package postgres_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// limitedPromotion is a promotion with limits and the players to whom it is assigned.
type limitedPromotion struct {
	promotions.Promotion
	players []uuid.UUID
}

// limited returns a new promotion with limits. It is assigned to one new player for each amount.
func (f fixture) limited(limits promotions.PromotionLimits, amounts ...money.Amount) limitedPromotion {
	f.Helper()
	p := limitedPromotion{Promotion: f.promotion(promotions.PromotionTypeBonus, 0, 1)}
	for _, amount := range amounts {
		f.update(p.ID, func(p *promotions.Promotion) { p.Amount = amount })
		player := f.player()
		p.players = append(p.players, player)
		got, err := f.service.Assign(f.Context(), p.ID, []uuid.UUID{player}, uuid.New(), false)
		if err != nil || got[0].Outcome != promotions.AssignOutcomeAssigned {
			f.Fatalf("Assign = %v, %v, want ASSIGNED", got, err)
		}
	}
	p.Promotion = f.update(p.ID, func(p *promotions.Promotion) { p.Limits = limits })
	return p
}

func (f fixture) update(id uuid.UUID, change func(*promotions.Promotion)) promotions.Promotion {
	f.Helper()
	p, err := f.service.Update(f.Context(), id, func(p *promotions.Promotion) error { change(p); return nil })
	if err != nil {
		f.Fatal(err)
	}
	return p
}

// claim claims p and checks the code of the error.
func (f fixture) claim(p limitedPromotion, player uuid.UUID, want apperr.Code) {
	f.Helper()
	_, err := f.service.Claim(f.Context(), player, p.ID, "")
	f.wantCode(err, want)
}

// replicas returns the services of n replicas on the same database.
func (f fixture) replicas(n int, now func() time.Time) []*promotions.Service {
	services := make([]*promotions.Service, n)
	for i := range services {
		services[i] = promotions.New(postgres.New(f.role, func() {}), f.ledger, now)
		services[i].LimitCodes(unlimited{})
	}
	return services
}

// race claims p for all its players on three replicas at once, and returns the number of claims by code.
func (f fixture) race(p limitedPromotion) map[apperr.Code]int {
	services := f.replicas(3, time.Now)
	codes := map[apperr.Code]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, player := range p.players {
		wg.Go(func() {
			_, err := services[i%len(services)].Claim(f.Context(), player, p.ID, "")
			mu.Lock()
			defer mu.Unlock()
			codes[apperr.CodeOf(err)]++
		})
	}
	wg.Wait()
	return codes
}

// wantUsage checks the usage of p, and that the days and the counters equal the assignments.
func (f fixture) wantUsage(p promotions.Promotion, want promotions.PromotionUsage) {
	f.Helper()
	got, err := f.service.Get(f.Context(), p.ID)
	if err != nil || got.Usage != want {
		f.Errorf("got usage %+v, %v, want %+v", got.Usage, err, want)
	}
	f.checkCounters()
}

// checkCounters compares the counters and the days with the assignments.
func (f fixture) checkCounters() {
	f.Helper()
	var wrong int
	if err := f.pool.QueryRow(f.Context(), `
		WITH state AS (
		  SELECT promotion_id AS id, times_assigned AS assigned, claimed::int AS claimed,
		    (NOT claimed AND revoked_at IS NULL AND expired_at IS NOT NULL)::int AS expired,
		    (NOT claimed AND revoked_at IS NOT NULL)::int AS revoked, CASE WHEN claimed THEN amount ELSE 0 END AS spent
		  FROM player_promotions
		), rows AS (
		  SELECT p.id, COALESCE(sum(assigned), 0) AS assigned, COALESCE(sum(claimed), 0) AS claimed,
		    COALESCE(sum(expired), 0) AS expired, COALESCE(sum(revoked), 0) AS revoked, COALESCE(sum(spent), 0) AS spent
		  FROM promotions p LEFT JOIN state USING (id) GROUP BY p.id
		), days AS (
		  SELECT p.id, COALESCE(sum(assigned), 0) AS assigned, COALESCE(sum(claimed), 0) AS claimed,
		    COALESCE(sum(expired), 0) AS expired, COALESCE(sum(revoked), 0) AS revoked, COALESCE(sum(cost), 0) AS spent
		  FROM promotions p LEFT JOIN promotion_days d ON d.promotion_id = p.id GROUP BY p.id
		)
		SELECT count(*) FROM rows FULL JOIN days USING (id) FULL JOIN promotion_counters c USING (id)
		WHERE (rows.assigned, rows.claimed, rows.expired, rows.revoked, rows.spent) IS DISTINCT FROM
		    (days.assigned, days.claimed, days.expired, days.revoked, days.spent)
		  OR (rows.assigned, rows.claimed, rows.expired, rows.revoked, rows.spent) IS DISTINCT FROM
		    (c.assigned, c.claimed, c.expired, c.revoked, c.spent)`).Scan(&wrong); err != nil || wrong != 0 {
		f.Errorf("%d promotions have wrong counters, %v", wrong, err)
	}
}

func repeat(amount money.Amount, n int) []money.Amount {
	amounts := make([]money.Amount, n)
	for i := range amounts {
		amounts[i] = amount
	}
	return amounts
}

func TestMaxClaimsHoldsExactly(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 7}, repeat(2000, 60)...)
	if codes := f.race(p); codes[""] != 7 || codes[apperr.PromotionExhausted] != 53 {
		t.Errorf("got %v, want 7 claims and 53 refusals", codes)
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 60, Claimed: 7, Spent: 14000})
	f.update(p.ID, func(p *promotions.Promotion) { p.Limits.MaxClaims = 8 })
	if codes := f.race(p); codes[""] != 1 || codes[apperr.PromotionAlreadyClaimed] != 7 || codes[apperr.PromotionExhausted] != 52 {
		t.Errorf("got %v with a limit of 8, want one more claim", codes)
	}
}

// TestBudgetHoldsExactly claims random amounts. The budget is not exceeded, and no unclaimed amount fits into the rest.
func TestBudgetHoldsExactly(t *testing.T) {
	t.Parallel()
	f := start(t)
	amounts := make([]money.Amount, 60)
	for i := range amounts {
		amounts[i] = money.Amount(1 + rand.Int64N(9000))
	}
	const budget = 100_000
	p := f.limited(promotions.PromotionLimits{Budget: budget}, amounts...)
	f.race(p)
	f.race(p) // claims what was refused although it fits, because another claim was being paid
	var spent, smallest money.Amount
	smallest = money.Max
	for i, player := range p.players {
		page, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
		if err != nil || page.Items[0].Amount != amounts[i] {
			t.Fatalf("got %+v, %v, want an assignment of %s", page, err, amounts[i])
		}
		if page.Items[0].Claimed {
			spent += amounts[i]
		} else {
			smallest = min(smallest, amounts[i])
		}
	}
	if spent > budget || spent+smallest <= budget {
		t.Errorf("the claims add up to %s, and the smallest unclaimed amount is %s; the budget is %s",
			spent, smallest, money.Amount(budget))
	}
}

// TestDailyLimitOverMidnight claims before and after midnight, by the clock of the service. A claim counts on the day on
// which it was reserved, even if it is confirmed on the next day.
func TestDailyLimitOverMidnight(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaimsPerDay: 2}, repeat(100, 6)...)
	midnight := f.today.AddDays(1).Time()
	now := midnight.Add(-time.Second)
	service := f.replicas(1, func() time.Time { return now })[0]
	claim := func(i int, want apperr.Code) {
		t.Helper()
		_, err := service.Claim(t.Context(), p.players[i], p.ID, "")
		f.wantCode(err, want)
		if retryAt := apperr.From(err).Meta["retryAt"]; want == apperr.PromotionExhausted && retryAt != date.Of(now).AddDays(1).Time().Format(time.RFC3339) {
			t.Errorf("got retryAt %q at %s", retryAt, now)
		}
	}
	claim(0, "")
	f.ledger.before = func() { now = midnight }
	claim(1, "")
	f.ledger.before = nil
	now = midnight.Add(-time.Microsecond)
	claim(2, apperr.PromotionExhausted)
	now = midnight
	claim(2, "")
	claim(3, "")
	claim(4, apperr.PromotionExhausted)
	f.checkCounters()
}

// TestLimitsCannotBeSetBelowTheUse counts claims that are being paid as used.
func TestLimitsCannotBeSetBelowTheUse(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, 2000, 3000)
	f.claim(p, p.players[0], "")
	f.ledger.fail = apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	f.claim(p, p.players[1], apperr.DependencyUnavailable)
	for _, tt := range []struct {
		limits promotions.PromotionLimits
		want   string
	}{
		{promotions.PromotionLimits{MaxClaims: 1}, "limits.maxClaims"},
		{promotions.PromotionLimits{MaxClaims: 2}, ""},
		{promotions.PromotionLimits{Budget: 4999}, "limits.budget"},
		{promotions.PromotionLimits{Budget: 5000}, ""},
		{promotions.PromotionLimits{MaxClaimsPerDay: 1}, "limits.maxClaimsPerDay"},
		{promotions.PromotionLimits{MaxClaimsPerDay: 2, ClaimWithinHours: 1}, ""},
	} {
		_, err := f.service.Update(t.Context(), p.ID, func(p *promotions.Promotion) error { p.Limits = tt.limits; return nil })
		violations := apperr.From(err).Violations
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%+v: got %v, want no error", tt.limits, err)
		case tt.want != "" && (len(violations) != 1 || violations[0].Field != tt.want):
			t.Errorf("%+v: got %v with %v, want a violation of %s", tt.limits, err, violations, tt.want)
		}
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 2, Claimed: 1, Reserved: 1, Spent: 2000})
}

// TestDeadClaimsAreSettled leaves reservations behind, with and without a payment. They are settled as the ledger says, and
// the units of the limit that were not paid can be claimed.
func TestDeadClaimsAreSettled(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 2}, repeat(2000, 4)...)
	f.ledger.lost = apperr.New(apperr.DependencyUnavailable, "the answer is lost")
	f.claim(p, p.players[0], apperr.DependencyUnavailable)
	f.ledger.lost, f.ledger.fail = nil, apperr.New(apperr.DependencyUnavailable, "the ledger cannot be reached")
	f.claim(p, p.players[1], apperr.DependencyUnavailable)
	f.ledger.fail = nil
	f.claim(p, p.players[2], apperr.PromotionExhausted)
	if err := f.service.SettleClaims(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 4, Reserved: 2})
	later := f.replicas(3, func() time.Time { return time.Now().Add(time.Minute) })
	var wg sync.WaitGroup
	for _, service := range later {
		wg.Go(func() {
			if err := service.SettleClaims(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 4, Claimed: 1, Spent: 2000})
	f.claim(p, p.players[2], "")
	f.claim(p, p.players[3], apperr.PromotionExhausted)
	f.claim(p, p.players[1], apperr.PromotionExhausted)
	f.claim(p, p.players[0], "") // returns the transaction
	f.claim(p, p.players[0], apperr.PromotionAlreadyClaimed)
}

// TestPauseDuringClaims pauses a promotion while players claim it. No claim succeeds that began after the answer.
func TestPauseDuringClaims(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, repeat(100, 40)...)
	services := f.replicas(3, time.Now)
	paused := make(chan struct{})
	var wg sync.WaitGroup
	for i, player := range p.players {
		wg.Go(func() {
			if i >= len(p.players)/2 {
				<-paused
			}
			_, err := services[i%3].Claim(t.Context(), player, p.ID, "")
			if code := apperr.CodeOf(err); i >= len(p.players)/2 && code != apperr.PromotionNotActive || code != "" && code != apperr.PromotionNotActive {
				t.Errorf("claim %d: got %v", i, err)
			}
		})
	}
	if _, err := f.service.Pause(context.WithoutCancel(t.Context()), p.ID); err != nil {
		t.Error(err)
	}
	close(paused)
	wg.Wait()
	f.checkCounters()
}

// TestReleaseWaitsForTheClaims releases a reservation while another transaction decides about the claims of the promotion.
func TestReleaseWaitsForTheClaims(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 1}, 100)
	hold, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback(context.Background()) // no-op after the commit below
	f.ledger.fail = apperr.New(apperr.AccountDeactivated, "refused")
	var lock sync.Once
	f.ledger.before = func() {
		lock.Do(func() {
			if _, err := hold.Exec(context.Background(), "SELECT pg_advisory_xact_lock(hashtextextended('claims ' || $1::uuid, 0))",
				p.ID); err != nil {
				t.Error(err)
			}
		})
	}
	var wg sync.WaitGroup
	wg.Go(func() { f.claim(p, p.players[0], apperr.AccountDeactivated) })
	f.awaitBlocked(1)
	if err := hold.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 1})
}

// TestReservationOfAClaimedAssignment reserves an assignment that a replica of the previous release has marked meanwhile.
func TestReservationOfAClaimedAssignment(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 2}, 100, 100)
	f.claim(p, p.players[0], "")
	reserve := func() {
		t.Helper()
		if _, err := f.pool.Exec(t.Context(), `INSERT INTO claim_reservations (id, user_id, promotion_id, amount, reserved_at, not_after)
			SELECT id, user_id, promotion_id, amount, now(), now() FROM player_promotions WHERE claimed`); err != nil {
			t.Fatal(err)
		}
	}
	reserve()
	f.claim(p, p.players[1], apperr.PromotionExhausted)
	if err := f.service.SettleClaims(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.claim(p, p.players[1], "")
	f.wantUsage(p.Promotion, promotions.PromotionUsage{Assigned: 2, Claimed: 2, Spent: 200})
}

// TestManyDeadClaimsAreSettled settles more reservations than are read at once.
func TestManyDeadClaimsAreSettled(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{MaxClaims: 600}, 100)
	if _, err := f.pool.Exec(t.Context(), `INSERT INTO claim_reservations (id, user_id, promotion_id, amount, reserved_at, not_after)
		SELECT gen_random_uuid(), gen_random_uuid(), $1, 1, now(), now() FROM generate_series(1, 600)`, p.ID); err != nil {
		t.Fatal(err)
	}
	f.claim(p, p.players[0], apperr.PromotionExhausted)
	if err := f.service.SettleClaims(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.claim(p, p.players[0], "")
}

// TestDeletedAssignmentsAreNotCounted deletes assignments in each state, as an operator does.
func TestDeletedAssignmentsAreNotCounted(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, 100, 200, 300)
	f.claim(p, p.players[0], "")
	f.revoke(p, p.players[1])
	if _, err := f.pool.Exec(t.Context(), "DELETE FROM player_promotions WHERE promotion_id = $1", p.ID); err != nil {
		t.Fatal(err)
	}
	f.wantUsage(p.Promotion, promotions.PromotionUsage{})
}
