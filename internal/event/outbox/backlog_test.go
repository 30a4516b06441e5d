package outbox_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
)

func TestBacklogAndStats(t *testing.T) {
	pool := newPool(t)
	old := newEvent("old")
	old.Time = time.Now().Add(-time.Hour)
	appendAll(t, pool, newEvent("new"), old, newEvent("newer"))
	b, err := outbox.ReadBacklog(t.Context(), pool)
	if err != nil || b.Events != 3 || b.Oldest < time.Hour || b.Oldest > 2*time.Hour {
		t.Errorf("ReadBacklog returned %+v, %v; want 3 events, the oldest an hour old", b, err)
	}

	bus := newBus()
	var calls atomic.Int64
	bus.before = func([]event.Event) error {
		if calls.Add(1) <= 2 {
			return errors.New("the bus is unavailable")
		}
		return nil
	}
	relay := outbox.NewRelay(pool, bus, discardLog(), outbox.Options{})
	stop := run(t, relay)
	bus.waitFor(t, 3)
	eventually(t, "the outbox is empty", empty(t, pool))
	want := outbox.Stats{Published: 3, Failures: 2, Shards: outbox.Shards}
	if got := relay.Stats(); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
	stop()
	if got := relay.Stats().Shards; got != 0 {
		t.Errorf("a stopped relay holds %d shards, want 0", got)
	}
	if b, err := outbox.ReadBacklog(t.Context(), pool); err != nil || b != (outbox.Backlog{}) {
		t.Errorf("ReadBacklog of an empty outbox returned %+v, %v", b, err)
	}
}

// TestBacklogIsBounded appends more events than ReadBacklog counts.
func TestBacklogIsBounded(t *testing.T) {
	pool := newPool(t)
	events := make([]event.Event, outbox.MaxBacklog+1)
	for i := range events {
		events[i] = newEvent("key")
	}
	appendAll(t, pool, events...)
	if b, err := outbox.ReadBacklog(t.Context(), pool); err != nil || b.Events != outbox.MaxBacklog {
		t.Errorf("ReadBacklog returned %+v, %v; want %d events", b, err, outbox.MaxBacklog)
	}
}
