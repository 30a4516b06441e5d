package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func TestLimitsOfAPlayer(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour, PlayerAmount: 1000, PlayerCount: 3})
	player, other := uuid.New(), uuid.New()
	first := w.debit(player, 500)
	w.add(first)
	w.add(w.credit(player, uuid.New(), 500))
	w.add(w.debit(other, 1000))
	for range 3 {
		w.add(first) // delivered again
	}
	w.want("at the amount")
	w.add(w.debit(player, 1))
	w.want("above the amount, at the count", promotions.AnomalyRulePlayerAmount)
	w.add(w.debit(player, 1))
	w.add(w.debit(player, 1))
	w.want("above both", promotions.AnomalyRulePlayerAmount, promotions.AnomalyRulePlayerCount)
	w.now = w.now.Add(time.Hour)
	w.add(w.debit(player, 1000))
	w.want("in the next window", promotions.AnomalyRulePlayerAmount, promotions.AnomalyRulePlayerCount)
	w.add(w.debit(player, 1))
	w.want("above the amount in the next window",
		promotions.AnomalyRulePlayerAmount, promotions.AnomalyRulePlayerCount, promotions.AnomalyRulePlayerAmount)
}

func TestLimitsOfAPromotion(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour, PromotionAmount: 1000, PromotionCount: 3})
	promotion := uuid.New()
	w.add(w.credit(uuid.New(), promotion, 400))
	w.add(w.credit(uuid.New(), promotion, 600))
	w.add(w.credit(uuid.New(), uuid.New(), 1000))
	w.want("at the amount")
	w.add(w.credit(uuid.New(), promotion, 1))
	w.want("above the amount, at the count", promotions.AnomalyRulePromotionAmount)
	w.add(w.credit(uuid.New(), promotion, 1))
	w.want("above both", promotions.AnomalyRulePromotionAmount, promotions.AnomalyRulePromotionCount)
	if a := w.alerts[0]; a.PromotionID != promotion || a.UserID != uuid.Nil || !strings.Contains(a.Detail, "10.01 exceed 10.00") {
		t.Errorf("found %+v", a)
	}
}

func TestClaimRate(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{
		Window: time.Hour, ClaimRate: promotions.ClaimRateRule{Factor: 2, Minimum: 4, History: 4},
	})
	promotion := uuid.New()
	hour := func(credits int) {
		for range credits {
			w.add(w.credit(uuid.New(), promotion, 1))
		}
		w.now = w.now.Add(time.Hour)
	}
	hour(9) // leaves the history before the last window
	hour(3)
	hour(0)
	hour(3)
	hour(2) // an average of 8/4
	hour(4)
	w.want("at the limit")
	hour(5) // an average of 9/4 allows 4
	w.want("above the limit", promotions.AnomalyRuleClaimRate)
	late := w.credit(uuid.New(), promotion, 1)
	late.At = w.now.Add(-7 * time.Hour)
	w.add(late)
	w.want("after a late event in the first window", promotions.AnomalyRuleClaimRate)
}

// The rule compares a window with earlier windows. It reports nothing until enough of them exist.
func TestClaimRateOfANewPromotion(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{
		Window: time.Hour, ClaimRate: promotions.ClaimRateRule{Factor: 2, Minimum: 1, History: 24},
	})
	promotion := uuid.New()
	for _, credits := range []int{1, 4, 20} {
		for range credits {
			w.add(w.credit(uuid.New(), promotion, 1))
		}
		w.now = w.now.Add(time.Hour)
	}
	w.want("in the first three windows")
}

// A late or replayed event counts in its own window, or not at all.
func TestLateEvents(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour, PlayerCount: 2, CreditWithoutClaim: true})
	player := uuid.New()
	for _, ago := range []time.Duration{0, time.Hour, 2 * time.Hour, 0, 20 * time.Hour} {
		e := w.debit(player, 1)
		e.At = w.now.Add(-ago)
		w.add(e)
	}
	for _, off := range []time.Duration{-25 * time.Hour, -30 * 24 * time.Hour, 25 * time.Hour, 10_000 * time.Hour} {
		for range 4 {
			e := w.debit(player, 1)
			e.At = w.now.Add(off)
			w.add(e)
		}
	}
	w.want("after entries of several hours")
	if n := w.windows(); n != 4 {
		t.Errorf("got %d windows, want 4", n)
	}
	old := w.credit(player, uuid.New(), 1)
	old.At = w.now.Add(-20 * 24 * time.Hour)
	w.add(old)
	w.want("after an old credit without a claim", promotions.AnomalyRuleCreditWithoutClaim)
}

func TestCreditsWithoutAClaim(t *testing.T) {
	t.Parallel()
	f := start(t)
	w := newWatch(f, promotions.AnomalyRules{Window: time.Hour, CreditWithoutClaim: true})
	player, p := f.assigned()
	claimed, err := f.service.Claim(t.Context(), player, p.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	paid := promotions.Entry{EventID: uuid.NewString(), Key: claimed.Assignment.ID.String(), Transaction: claimed.Transaction, At: w.now}
	w.add(paid)
	w.want("claimed")

	// The process dies between the payment and the mark. The event repairs the claim.
	second, q := f.assigned()
	list, err := f.service.ListAssignments(t.Context(), second, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	tx, err := f.ledger.Credit(t.Context(), list.Items[0].Credit(time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	repaired := promotions.Entry{EventID: uuid.NewString(), Key: list.Items[0].ID.String(), Transaction: tx, At: w.now}
	w.add(repaired)
	w.add(repaired)
	w.want("repaired")
	if got, err := f.service.Claim(t.Context(), second, q.ID, ""); err != nil || got.Transaction.ID != tx.ID {
		t.Errorf("claim after the repair: %+v, %v", got, err)
	}

	planted := w.credit(player, p.ID, 100)
	w.add(planted)
	w.add(planted)
	w.add(w.credit(player, p.ID, 100))
	w.want("planted", promotions.AnomalyRuleCreditWithoutClaim) // one per player and window
	if a := w.alerts[0]; a.UserID != player || a.PromotionID != p.ID || !strings.Contains(a.Detail, planted.Transaction.ID.String()) {
		t.Errorf("found %+v", a)
	}

	// The claim is paid a second time, under the key of the claim of another player.
	other := planted
	other.EventID, other.Key, other.Transaction.UserID = uuid.NewString(), claimed.Assignment.ID.String(), uuid.New()
	for range 2 {
		f.wantCode(w.monitor.TransactionAdded(t.Context(), other), apperr.IdempotencyMismatch)
	}
	w.want("with the key of another claim", promotions.AnomalyRuleCreditWithoutClaim, promotions.AnomalyRuleCreditWithoutClaim)
}

// TestMarkedEntriesAreNotMarkedAgain checks that the entry of a claimed assignment sends no statement that marks it.
func TestMarkedEntriesAreNotMarkedAgain(t *testing.T) {
	t.Parallel()
	f := start(t)
	config := f.role.Config()
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	marks := func() (n int) {
		t.Helper()
		err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_prepared_statements
			WHERE statement LIKE '%UPDATE player_promotions%' AND statement NOT LIKE '%pg_prepared%'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	owner := f.pool
	f.pool = pool
	w := newWatch(f, promotions.AnomalyRules{Window: time.Hour, CreditWithoutClaim: true})
	f.pool = owner
	player, p := f.assigned()
	claimed, err := f.service.Claim(t.Context(), player, p.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	w.add(promotions.Entry{EventID: uuid.NewString(), Key: claimed.Assignment.ID.String(), Transaction: claimed.Transaction, At: w.now})
	if n := marks(); n != 0 {
		t.Errorf("the entry of a claimed assignment prepared %d statements that mark it", n)
	}
	second, _ := f.assigned()
	list, err := f.service.ListAssignments(t.Context(), second, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	tx, err := f.ledger.Credit(t.Context(), list.Items[0].Credit(time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	w.add(promotions.Entry{EventID: uuid.NewString(), Key: list.Items[0].ID.String(), Transaction: tx, At: w.now})
	if n := marks(); n != 1 {
		t.Errorf("the entry of an assignment that is not claimed prepared %d statements that mark it, want 1", n)
	}
}
