package postgres_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/internal/money"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// watch is a monitor on the database of a fixture, with its own clock.
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
	w.monitor = promotions.NewMonitor(w.store, w.ledger, rules, w.alert, func() time.Time { return w.now })
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
