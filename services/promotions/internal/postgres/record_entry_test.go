package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

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
	tx, err := f.ledger.Credit(t.Context(), a.Credit(time.Time{}))
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
		tx, err := f.ledger.Credit(t.Context(), list.Items[0].Credit(time.Time{}))
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
