package inbox_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/event/inbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
)

const table = `create table inbox (
	consumer text not null,
	event_id text not null,
	handled_at timestamptz not null default now(),
	primary key (consumer, event_id)
);
create index on inbox (handled_at);`

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return postgrestest.New(t, postgrestest.Script(table))
}

var errEffect = errors.New("effect failed")

// handle calls inbox.Begin in a transaction that then returns effect, which may be nil. It reports whether the event was new.
func handle(t *testing.T, pool *pgxpool.Pool, consumer, id string, effect error) (first bool) {
	t.Helper()
	err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) (err error) {
		if first, err = inbox.Begin(t.Context(), tx, consumer, id); err != nil {
			return err
		}
		return effect
	})
	if !errors.Is(err, effect) {
		t.Error(err)
	}
	return first
}

func TestBegin(t *testing.T) {
	pool := newPool(t)
	for _, step := range []struct {
		name, consumer, id string
		effect             error
		first              bool
	}{
		{"new event with failing effect", "promotions", "1", errEffect, true},
		{"redelivery after the failure", "promotions", "1", nil, true},
		{"redelivery after the success", "promotions", "1", nil, false},
		{"other consumer group", "analytics", "1", nil, true},
		{"other event", "promotions", "2", nil, true},
	} {
		if got := handle(t, pool, step.consumer, step.id, step.effect); got != step.first {
			t.Errorf("%s: first = %t, want %t", step.name, got, step.first)
		}
	}
}

func TestBeginWithDatabaseSQL(t *testing.T) {
	pool := newPool(t)
	db := postgres.SQL(pool)
	defer db.Close()
	for _, want := range []bool{true, false} {
		if got, err := inbox.Begin(t.Context(), postgres.FromSQL(db), "c", "1"); err != nil || got != want {
			t.Errorf("first = %v, %v; want %v", got, err, want)
		}
	}
}

func TestBeginConcurrently(t *testing.T) {
	pool := newPool(t)
	var firsts atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if handle(t, pool, "c", "1", nil) {
				firsts.Add(1)
			}
		})
	}
	wg.Wait()
	if firsts.Load() != 1 {
		t.Errorf("first = true %d times, want once", firsts.Load())
	}
}

func TestPruneDeletesOldEvents(t *testing.T) {
	pool := newPool(t)
	_, err := pool.Exec(t.Context(), `insert into inbox
		select 'c', n::text, now() - interval '2 days' from generate_series(1, 12000) n
		union all select 'c', 'young', now() - interval '1 hour'`)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := inbox.Prune(t.Context(), pool, 24*time.Hour); err != nil || n != 12000 {
		t.Errorf("Prune = %d, %v; want 12000", n, err)
	}
	if handle(t, pool, "c", "young", nil) {
		t.Error("Prune deleted a young event")
	}
	if !handle(t, pool, "c", "1", nil) {
		t.Error("Prune kept an old event")
	}
}

func TestRunPrunes(t *testing.T) {
	pool := newPool(t)
	_, err := pool.Exec(t.Context(), "insert into inbox values ('c', 'old', now() - interval '2 days'), ('c', 'young', now())")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- inbox.Run(ctx, pool, 24*time.Hour, slog.New(slog.DiscardHandler)) }()
	for left := 2; left != 1; {
		if err := pool.QueryRow(t.Context(), "select count(*) from inbox").Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
}
