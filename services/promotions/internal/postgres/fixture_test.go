package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/casino-loyalty/loyalty/atlas"
	notificationsv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/notifications/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// fakeLedger pays each key once. Credit first calls before, if it is not nil. It returns fail, if it is not nil.
type fakeLedger struct {
	mu     sync.Mutex
	paid   map[string]promotions.Transaction
	fail   error
	lost   error // Credit pays, but returns this error
	before func()
	closed time.Time // credits with a time limit up to this time are refused
}

func (l *fakeLedger) Credit(_ context.Context, c promotions.Credit) (promotions.Transaction, error) {
	if l.before != nil {
		l.before()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return promotions.Transaction{}, l.fail
	}
	tx, ok := l.paid[c.Key]
	if !ok && !c.NotAfter.IsZero() && !c.NotAfter.After(l.closed) {
		return promotions.Transaction{}, apperr.New(apperr.DependencyUnavailable, "the entry reached the ledger too late")
	}
	if !ok {
		tx = promotions.Transaction{
			ID: uuid.Must(uuid.NewV7()), UserID: c.UserID, Type: promotions.TransactionTypeCredit, Amount: c.Amount,
			Description: c.Description, AdditionalData: c.AdditionalData,
		}
		l.paid[c.Key] = tx
	}
	return tx, l.lost
}

// Settled decides at once: Credit adds no entry whose time is over.
func (l *fakeLedger) Settled(ctx context.Context, player uuid.UUID, key string, notAfter time.Time) (promotions.Transaction, error) {
	if err := l.settled(notAfter); err != nil {
		return promotions.Transaction{}, err
	}
	return l.Transaction(ctx, player, key)
}

func (l *fakeLedger) settled(notAfter time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	if notAfter.After(l.closed) {
		l.closed = notAfter
	}
	return nil
}

func (l *fakeLedger) Transaction(_ context.Context, player uuid.UUID, key string) (promotions.Transaction, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tx, ok := l.paid[key]
	if !ok || tx.UserID != player {
		return promotions.Transaction{}, apperr.New(apperr.NotFound, "transaction not found")
	}
	return tx, nil
}

// unlimited lets players redeem any number of wrong codes.
type unlimited struct{}

func (unlimited) Allow(context.Context, string, ratelimit.Limit) error  { return nil }
func (unlimited) Refund(context.Context, string, ratelimit.Limit) error { return nil }

// fixture is a service with its own database. The service uses its own role, and pool connects as a superuser.
type fixture struct {
	*testing.T
	pool    *pgxpool.Pool
	role    *pgxpool.Pool // with the role of the service
	ledger  *fakeLedger
	service *promotions.Service
	monitor *promotions.Monitor
	today   date.Date
}

func start(t *testing.T) fixture {
	t.Helper()
	pool, role := postgrestest.NewWithRole(t, atlas.Promotions, dbrole.Of("promotions"))
	f := fixture{T: t, pool: pool, role: role, ledger: &fakeLedger{paid: map[string]promotions.Transaction{}}, today: date.Of(time.Now())}
	store := postgres.New(role, func() {})
	f.service = promotions.New(store, f.ledger, time.Now)
	f.service.LimitCodes(unlimited{})
	f.monitor = promotions.NewMonitor(store, f.ledger, promotions.DefaultAnomalyRules(), func(context.Context, promotions.Anomaly) {}, time.Now)
	return f
}

// promotion creates a promotion. The parameters from and to are the first and the last day, in days after today.
func (f fixture) promotion(kind promotions.PromotionType, from, to int) promotions.Promotion {
	f.Helper()
	p, err := f.service.Create(f.Context(), promotions.Promotion{
		Title: "50% of _everything_", Type: kind, Amount: 2000, IsActive: true,
		StartDate: f.today.AddDays(from), EndDate: f.today.AddDays(to),
	})
	if err != nil {
		f.Fatal(err)
	}
	return p
}

// player registers a player.
func (f fixture) player() uuid.UUID {
	f.Helper()
	id := uuid.Must(uuid.NewV7())
	if err := f.service.Registered(f.Context(), uuid.NewString(), id, time.Now()); err != nil {
		f.Fatal(err)
	}
	return id
}

// assigned returns a new player with an assigned promotion.
func (f fixture) assigned() (player uuid.UUID, p promotions.Promotion) {
	f.Helper()
	p, player = f.promotion(promotions.PromotionTypeBonus, 0, 0), f.player()
	got, err := f.service.Assign(f.Context(), p.ID, []uuid.UUID{player}, uuid.Must(uuid.NewV7()), false)
	if err != nil || len(got) != 1 || got[0].Outcome != promotions.AssignOutcomeAssigned {
		f.Fatalf("Assign = %v, %v, want one ASSIGNED", got, err)
	}
	return player, p
}

// outbox returns the events in the outbox, oldest first.
func (f fixture) outbox() []*notificationsv1.NotificationEvent {
	f.Helper()
	rows, err := f.pool.Query(f.Context(), "SELECT payload FROM outbox ORDER BY id")
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	var events []*notificationsv1.NotificationEvent
	for rows.Next() {
		var payload []byte
		if err := rows.Scan(&payload); err != nil {
			f.Fatal(err)
		}
		e := &notificationsv1.NotificationEvent{}
		if err := proto.Unmarshal(payload, e); err != nil {
			f.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// wantCode checks the code of an error.
func (f fixture) wantCode(err error, code apperr.Code) {
	f.Helper()
	if got := apperr.CodeOf(err); got != code {
		f.Errorf("got %q (%v), want %q", got, err, code)
	}
}
