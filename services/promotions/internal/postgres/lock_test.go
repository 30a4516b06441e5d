package postgres_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
	"github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// awaitBlocked waits until n sessions of the database wait for a lock.
func (f fixture) awaitBlocked(n int) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for got := -1; got != n; <-tick.C {
		err := f.pool.QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&got)
		if err != nil {
			f.Fatalf("%d sessions wait for a lock, want %d: %v", got, n, err)
		}
	}
}

// Assignments and registrations that start after a deactivation wait for it, and then find the promotion inactive.
func TestDeactivationPrecedesLaterAssignments(t *testing.T) {
	t.Parallel()
	f := start(t)
	first, second, third := f.player(), f.player(), uuid.Must(uuid.NewV7())
	p := f.promotion(promotions.PromotionTypeWelcomeBonus, 0, 0)
	hold, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback(context.Background()) // no-op after the commit below
	if _, err := hold.Exec(t.Context(), "SELECT FROM players WHERE id = $1 FOR UPDATE", first); err != nil {
		t.Fatal(err)
	}
	assign := func(player uuid.UUID, want apperr.Code) func() {
		return func() {
			_, err := f.service.Assign(t.Context(), p.ID, []uuid.UUID{player}, uuid.Must(uuid.NewV7()), false)
			f.wantCode(err, want)
		}
	}
	var wg sync.WaitGroup
	for n, step := range []func(){
		assign(first, ""), // locks the promotion and waits for its player
		func() {
			_, err := f.service.Update(t.Context(), p.ID, func(p *promotions.Promotion) error {
				p.IsActive = false
				return nil
			})
			f.wantCode(err, "")
		},
		assign(second, apperr.PromotionNotActive),
		func() { f.wantCode(f.service.Registered(t.Context(), uuid.NewString(), third, time.Now()), "") },
	} {
		wg.Go(step)
		f.awaitBlocked(n + 1)
	}
	if err := hold.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	list, err := f.service.ListAssignments(t.Context(), third, promotions.AssignmentFilter{}, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil || list.Total != 0 {
		t.Errorf("a player who registered after the deactivation has %+v, %v, want no assignment", list, err)
	}
}

// Two transactions deadlock if both insert overlapping periods before either checks for conflicts.
func TestCreateIsRetriedAfterADeadlock(t *testing.T) {
	t.Parallel()
	f := start(t)
	// PostgreSQL may roll back the test's transaction instead of the service's. The test then tries another period.
	for day := f.today; !f.deadlocked(day); day = day.AddDays(2) {
		t.Log("PostgreSQL rolled back the test's transaction")
	}
}

// deadlocked causes a deadlock and reports whether PostgreSQL rolled back the service's transaction. The service must retry
// a transaction that was rolled back.
func (f fixture) deadlocked(day date.Date) bool {
	f.Helper()
	tx, err := f.pool.Begin(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(f.Context())) }()
	insert := func(day date.Date) error {
		_, err := tx.Exec(f.Context(), `
			INSERT INTO promotions (id, title, description, type, amount, start_date, end_date, created_at, updated_at)
			VALUES ($1, 'x', '', 'WELCOME_BONUS', 1, $2, $2, now(), now())`, uuid.Must(uuid.NewV7()), day.Time())
		return err
	}
	if err := insert(day); err != nil {
		f.Fatal(err)
	}
	created := make(chan error, 1)
	go func() {
		_, err := f.service.Create(f.Context(), promotions.Promotion{
			Title: "x", Type: promotions.PromotionTypeWelcomeBonus, Amount: 1, IsActive: true,
			StartDate: day, EndDate: day.AddDays(1),
		})
		created <- err
	}()
	f.awaitBlocked(1)
	switch err := insert(day.AddDays(1)); { // returns after PostgreSQL has rolled back one transaction
	case err == nil:
	case strings.Contains(err.Error(), "40P01"):
		f.wantCode(<-created, "")
		return false
	default:
		f.Fatal(err)
	}
	if err := tx.Commit(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.wantCode(<-created, apperr.PromotionExists)
	return true
}

// An update that waits for the lock takes the time after it, so that it is not older than the update that had the lock.
func TestUpdateTakesTheTimeAfterTheLock(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.promotion(promotions.PromotionTypeBonus, 0, 0)
	var clock atomic.Int64
	clock.Store(p.CreatedAt.Unix())
	now := func() time.Time { return time.Unix(clock.Load(), 0).UTC() }
	service := promotions.New(postgres.New(f.role, func() {}), f.ledger, now)
	hold, err := f.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Rollback(context.Background()) // no-op after the commit below
	if _, err := hold.Exec(t.Context(), "SELECT FROM promotions WHERE id = $1 FOR UPDATE", p.ID); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if p, err = service.Pause(t.Context(), p.ID); err != nil {
			t.Error(err)
		}
	})
	f.awaitBlocked(1)
	clock.Add(60)
	if err := hold.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if !p.UpdatedAt.Equal(now()) {
		t.Errorf("got updatedAt %s, want the time after the lock, %s", p.UpdatedAt, now())
	}
}
