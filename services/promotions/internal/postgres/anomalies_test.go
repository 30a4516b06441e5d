package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// watch is a monitor on the database of a fixture, with a clock of its own.
type watch struct {
	fixture
	store   *postgres.Store
	monitor *promotions.Monitor
	now     time.Time
	mu      sync.Mutex
	alerts  []promotions.Anomaly
}

func newWatch(f fixture, rules promotions.AnomalyRules) *watch {
	w := &watch{fixture: f, store: postgres.New(f.pool, func() {}), now: time.Date(2026, 3, 10, 12, 30, 0, 0, time.UTC)}
	w.monitor = promotions.NewMonitor(w.store, rules, w.alert, func() time.Time { return w.now })
	return w
}

func (w *watch) alert(_ context.Context, a promotions.Anomaly) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alerts = append(w.alerts, a)
}

// add delivers the event of an entry. It may be called from any goroutine.
func (w *watch) add(e promotions.Entry) {
	w.Helper()
	if err := w.monitor.TransactionAdded(w.Context(), e); err != nil {
		w.Error(err)
	}
}

// found returns the rules of the stored anomalies, oldest first. It checks that there was one alert for each.
func (w *watch) found() []promotions.AnomalyRule {
	w.Helper()
	page, err := w.monitor.ListAnomalies(w.Context(), promotions.AnomalyFilter{}, keyset.PageRequest[uuid.UUID]{Size: 100})
	if err != nil {
		w.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.alerts) != page.Total {
		w.Errorf("got %d alerts for %d anomalies", len(w.alerts), page.Total)
	}
	rules := []promotions.AnomalyRule{}
	for _, a := range page.Items {
		rules = append(rules, a.Rule)
	}
	slices.Reverse(rules)
	return rules
}

func (w *watch) want(when string, want ...promotions.AnomalyRule) {
	w.Helper()
	if got := w.found(); !slices.Equal(got, want) {
		w.Errorf("%s: found %v, want %v", when, got, want)
	}
}

// debit returns a new debit of a player.
func (w *watch) debit(player uuid.UUID, amount money.Amount) promotions.Entry {
	return promotions.Entry{EventID: uuid.NewString(), Key: uuid.NewString(), At: w.now, Transaction: promotions.Transaction{
		ID: uuid.Must(uuid.NewV7()), UserID: player, Type: promotions.TransactionTypeDebit, Amount: amount,
	}}
}

// credit returns a new credit of a player for a promotion. No assignment has its key.
func (w *watch) credit(player, promotion uuid.UUID, amount money.Amount) promotions.Entry {
	e := w.debit(player, amount)
	e.Transaction.Type = promotions.TransactionTypeCredit
	e.Transaction.AdditionalData = map[string]any{"promotionId": promotion.String()}
	return e
}

// windows returns the number of stored windows.
func (w *watch) windows() (n int) {
	w.Helper()
	if err := w.pool.QueryRow(w.Context(), "SELECT count(*) FROM anomaly_windows").Scan(&n); err != nil {
		w.Fatal(err)
	}
	return n
}

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

// The rule needs a past: neither a new promotion nor a new platform is compared with nothing.
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
	tx, err := f.ledger.Credit(t.Context(), list.Items[0].Credit())
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

// The event arrives while the claim is being marked, and waits for the mark. It then finds the assignment claimed.
func TestEventDuringTheMark(t *testing.T) {
	t.Parallel()
	f := start(t)
	w := newWatch(f, promotions.AnomalyRules{Window: time.Hour, CreditWithoutClaim: true})
	player, _ := f.assigned()
	list, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	a := list.Items[0]
	tx, err := f.ledger.Credit(t.Context(), a.Credit())
	if err != nil {
		t.Fatal(err)
	}
	mark, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer mark.Rollback(context.Background()) // committed below
	if _, err := mark.Exec(t.Context(), `UPDATE player_promotions SET claimed = true, claimed_at = now(), transaction_id = $2, claim_id = 'call'
		WHERE id = $1`, a.ID, tx.ID); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		w.add(promotions.Entry{EventID: uuid.NewString(), Key: a.ID.String(), Transaction: tx, At: w.now})
	})
	f.awaitBlocked(1)
	if err := mark.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	w.want("after the mark")
	if n := w.windows(); n != 2 {
		t.Errorf("got %d windows, want one of the player and one of the promotion", n)
	}
}

// Three replicas deliver every event, some of them twice at the same time. Each entry counts once, and the limit is exact.
func TestConcurrentReplicas(t *testing.T) {
	t.Parallel()
	f := start(t)
	rules := promotions.AnomalyRules{Window: time.Hour, PlayerCount: 20, PromotionCount: 199, PromotionAmount: 20_000}
	replicas := []*watch{newWatch(f, rules), newWatch(f, rules), newWatch(f, rules)}
	players, promotion := []uuid.UUID{uuid.New(), uuid.New(), uuid.New(), uuid.New()}, uuid.New()
	var entries []promotions.Entry
	for i := range 200 {
		entries = append(entries, replicas[0].credit(players[min(i/20, 3)], promotion, 100)) // the last player has 140 entries
	}
	var wg sync.WaitGroup
	for n := range 24 { // partitions
		for _, r := range replicas {
			wg.Go(func() {
				for i := n; i < len(entries); i += 24 {
					if err := r.monitor.TransactionAdded(t.Context(), entries[i]); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	var entriesCounted, amount int64
	if err := f.pool.QueryRow(t.Context(), `SELECT entries, (amount * 100)::bigint FROM anomaly_windows
		WHERE scope = 'PROMOTION_CREDITS'`).Scan(&entriesCounted, &amount); err != nil {
		t.Fatal(err)
	}
	if entriesCounted != 200 || amount != 200*100 {
		t.Errorf("the promotion has %d credits of %d, want 200 of 20000", entriesCounted, amount)
	}
	all := newWatch(f, rules)
	for _, r := range replicas {
		all.alerts = append(all.alerts, r.alerts...)
	}
	got := all.found()
	slices.Sort(got)
	if want := []promotions.AnomalyRule{promotions.AnomalyRulePlayerCount, promotions.AnomalyRulePromotionCount}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

// Nothing of an event is stored if its transaction does not commit, at whichever statement it fails.
func TestFailuresStoreNothing(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"player_promotions", "inbox", "anomaly_windows", "anomalies"} {
		f := start(t)
		w := newWatch(f, promotions.AnomalyRules{Window: time.Hour, PlayerCount: 1, CreditWithoutClaim: true})
		player, p := f.assigned()
		list, err := f.service.ListAssignments(t.Context(), player, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
		if err != nil {
			t.Fatal(err)
		}
		tx, err := f.ledger.Credit(t.Context(), list.Items[0].Credit())
		if err != nil {
			t.Fatal(err)
		}
		repair := promotions.Entry{EventID: uuid.NewString(), Key: list.Items[0].ID.String(), Transaction: tx, At: w.now}
		planted := w.credit(player, p.ID, 1)
		trigger := func(sql string) {
			if _, err := f.pool.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
		trigger(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full disk' USING ERRCODE = '53100'; END $$`)
		trigger(fmt.Sprintf("CREATE TRIGGER fail AFTER INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION fail()", table))
		entries := []promotions.Entry{repair, planted}
		failed := 0
		for _, e := range entries {
			if err := w.monitor.TransactionAdded(t.Context(), e); err != nil {
				f.wantCode(err, apperr.DependencyUnavailable)
				failed++
			}
		}
		stored := func() (events, counted int) {
			err := f.pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM inbox WHERE event_id = ANY($1)),
				(SELECT COALESCE(sum(entries), 0) FROM anomaly_windows WHERE scope = 'PLAYER_ENTRIES')`,
				[]string{repair.EventID, planted.EventID}).Scan(&events, &counted)
			if err != nil {
				t.Fatal(err)
			}
			return events, counted
		}
		if events, counted := stored(); failed == 0 || events != len(entries)-failed || counted != events {
			t.Errorf("%s: %d events failed, %d are stored, %d are counted", table, failed, events, counted)
		}
		w.found() // one alert for each stored anomaly
		trigger("DROP TRIGGER fail ON " + table)
		for range 2 {
			for _, e := range entries {
				w.add(e)
			}
		}
		got := w.found()
		slices.Sort(got)
		if want := []promotions.AnomalyRule{promotions.AnomalyRuleCreditWithoutClaim, promotions.AnomalyRulePlayerCount}; !slices.Equal(got, want) {
			t.Errorf("%s: after the failure found %v, want %v", table, got, want)
		}
		if events, counted := stored(); events != 2 || counted != 2 {
			t.Errorf("%s: after the failure %d events are stored and %d are counted, want 2", table, events, counted)
		}
	}
}

// An entry that cannot be stored fails alone, although it is committed together with others.
func TestABadEntryFailsAlone(t *testing.T) {
	t.Parallel()
	f := start(t)
	w := newWatch(f, promotions.AnomalyRules{Window: time.Hour, PlayerCount: 100})
	hold, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback(context.Background()) // released below
	if _, err := hold.Exec(t.Context(), "LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	bad := w.debit(uuid.New(), 1)
	bad.EventID = "bad\x00id"
	good := []promotions.Entry{w.debit(uuid.New(), 1), w.debit(uuid.New(), 1), w.debit(uuid.New(), 1)}
	var wg sync.WaitGroup
	wg.Go(func() { w.add(good[0]) })
	f.awaitBlocked(1)
	errs := make(chan error, 1)
	wg.Go(func() { errs <- w.monitor.TransactionAdded(t.Context(), bad) })
	for _, e := range good[1:] {
		wg.Go(func() { w.add(e) })
	}
	if err := hold.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := <-errs; err == nil || errors.Is(err, &apperr.Error{Code: apperr.DependencyUnavailable}) {
		t.Errorf("the bad entry: got %v, want an error", err)
	}
	if n := w.windows(); n != len(good) {
		t.Errorf("got %d windows, want %d", n, len(good))
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	rules := promotions.AnomalyRules{Window: time.Hour, PlayerCount: 5, ClaimRate: promotions.ClaimRateRule{Factor: 2, Minimum: 1, History: 10}}
	w := newWatch(start(t), rules)
	_, err := w.pool.Exec(t.Context(), `INSERT INTO anomaly_windows (scope, subject, length, start, entries, amount)
		SELECT scope, gen_random_uuid(), 3600, $1::timestamptz - hours * interval '1 hour', 1, 1
		FROM generate_series(0, 100) hours, generate_series(1, 120) n, unnest(ARRAY['PLAYER_ENTRIES', 'PROMOTION_CREDITS']) scope`,
		w.now.Truncate(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	// Events of each hour, with ids as the platform and as other producers make them, of two consumers.
	_, err = w.pool.Exec(t.Context(), `INSERT INTO inbox (consumer, event_id, handled_at)
		SELECT consumer, CASE kind WHEN 'v7' THEN substr(ms, 1, 8) || '-' || substr(ms, 9) || '-7000-8000-' || lpad(hours::text, 12, '0')
			ELSE 'transactions/' || hours END, at
		FROM (SELECT hours, $1::timestamptz - hours * interval '1 hour' AS at,
			lpad(to_hex((extract(epoch FROM $1::timestamptz - hours * interval '1 hour') * 1000)::bigint), 12, '0') AS ms
			FROM generate_series(0, 100) hours) e,
			unnest(ARRAY['promotions', 'promotions.transactions']) consumer, unnest(ARRAY['v7', 'other']) kind`, w.now)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.store.Prune(t.Context(), rules, w.now); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{
		"anomaly_windows WHERE scope = 'PLAYER_ENTRIES'":                               120 * (24 + 1),
		"anomaly_windows WHERE scope = 'PROMOTION_CREDITS'":                            120 * (24 + 1 + 10),
		"inbox WHERE consumer = 'promotions'":                                          2 * 101,
		"inbox WHERE consumer = 'promotions.transactions' AND event_id LIKE '%/%'":     101,
		"inbox WHERE consumer = 'promotions.transactions' AND event_id NOT LIKE '%/%'": 24 + 24 + 1 + 1,
	} {
		var n int
		if err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM "+query).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d rows remain, %v; want %d", query, n, err, want)
		}
	}
}

func TestListAnomalies(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour, PlayerCount: 1, PlayerAmount: 100})
	for range 5 {
		player := uuid.New()
		w.add(w.debit(player, 60))
		w.add(w.debit(player, 60))
	}
	request := keyset.PageRequest[uuid.UUID]{Size: 3}
	var ids []uuid.UUID
	for more := true; more; {
		page, err := w.monitor.ListAnomalies(t.Context(), promotions.AnomalyFilter{}, request)
		if err != nil || page.Total != 10 || page.TotalIsEstimate {
			t.Fatalf("got %+v, %v", page, err)
		}
		for _, a := range page.Items {
			ids = append(ids, a.ID)
		}
		request.Before, more = ids[len(ids)-1], page.More
	}
	if len(ids) != 10 || !slices.IsSortedFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(b.String(), a.String()) }) {
		t.Errorf("the pages have %v", ids)
	}
	employee := uuid.New()
	for _, id := range ids[:4] {
		if _, err := w.monitor.MarkAnomalySeen(t.Context(), id, employee); err != nil {
			t.Fatal(err)
		}
	}
	yes, no := true, false
	for name, tt := range map[string]struct {
		f    promotions.AnomalyFilter
		want int
	}{
		"all":             {promotions.AnomalyFilter{}, 10},
		"seen":            {promotions.AnomalyFilter{Seen: &yes}, 4},
		"not seen":        {promotions.AnomalyFilter{Seen: &no}, 6},
		"rule":            {promotions.AnomalyFilter{Rule: promotions.AnomalyRulePlayerCount}, 5},
		"rule, no result": {promotions.AnomalyFilter{Rule: promotions.AnomalyRuleClaimRate}, 0},
		"rule and seen":   {promotions.AnomalyFilter{Rule: promotions.AnomalyRulePlayerCount, Seen: &yes}, 2},
	} {
		page, err := w.monitor.ListAnomalies(t.Context(), tt.f, keyset.PageRequest[uuid.UUID]{Size: 20})
		if err != nil || page.Total != tt.want || len(page.Items) != tt.want || page.More {
			t.Errorf("%s: got %d items of %d, %v; want %d", name, len(page.Items), page.Total, err, tt.want)
		}
		for _, a := range page.Items {
			if tt.f.Rule != "" && a.Rule != tt.f.Rule || tt.f.Seen != nil && a.Seen != *tt.f.Seen || a.Seen != (a.SeenBy == employee) {
				t.Errorf("%s: got %+v", name, a)
			}
		}
	}
}

func TestTotalAboveTheExactMaximum(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour})
	for _, tt := range []struct {
		rows     int
		estimate bool
	}{{keyset.MaxExactTotal, false}, {keyset.MaxExactTotal + 50, true}} {
		_, err := w.pool.Exec(t.Context(), `INSERT INTO anomalies (id, rule, detail, created_at, subject, window_start)
			SELECT gen_random_uuid(), 'CLAIM_RATE', '', now(), gen_random_uuid(), now()
			FROM generate_series(1, $1 - (SELECT count(*) FROM anomalies))`, tt.rows)
		if err != nil {
			t.Fatal(err)
		}
		filter := promotions.AnomalyFilter{Rule: promotions.AnomalyRuleClaimRate}
		page, err := w.monitor.ListAnomalies(t.Context(), filter, keyset.PageRequest[uuid.UUID]{Size: 1})
		if err != nil || page.TotalIsEstimate != tt.estimate || page.Total != min(tt.rows, keyset.MaxExactTotal+1) {
			t.Errorf("%d rows: got total %d, estimate %t, %v", tt.rows, page.Total, page.TotalIsEstimate, err)
		}
	}
}

func TestMarkingAsSeenKeepsTheFirstEmployee(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour, CreditWithoutClaim: true})
	w.add(w.credit(uuid.New(), uuid.New(), 1))
	id := w.alerts[0].ID
	employees := []uuid.UUID{uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New(), uuid.New()}
	marked := make([]promotions.Anomaly, len(employees))
	var wg sync.WaitGroup
	for i, employee := range employees {
		wg.Go(func() {
			var err error
			if marked[i], err = w.monitor.MarkAnomalySeen(t.Context(), id, employee); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, a := range marked {
		if a != marked[0] || !a.Seen || !slices.Contains(employees, a.SeenBy) || a.ID != id {
			t.Errorf("got %+v and %+v, want the same employee", a, marked[0])
		}
	}
	_, err := w.monitor.MarkAnomalySeen(t.Context(), uuid.New(), employees[0])
	w.wantCode(err, apperr.NotFound)
	if err == nil || !strings.Contains(err.Error(), "anomaly not found") {
		t.Errorf("the error is %v", err)
	}
}
