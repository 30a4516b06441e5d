package eventtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// away is the error of a handler whose database cannot be reached.
func away() error {
	return fmt.Errorf("note the player: %w", apperr.New(apperr.DependencyUnavailable, "the database cannot be reached"))
}

// testOutage takes the handlers' database away for longer than the broker waits for a member that fell silent, while
// another member is ready to take over and a third comes. Every event is handled, once and in order, and by nobody else.
func testOutage(t *testing.T, f *fixture) {
	const keys, perKey = 6, 4
	rec := NewRecorder()
	var mu sync.Mutex
	var begun time.Time
	failures := make(map[string]int)
	handle := func(ctx context.Context, e event.Event) error {
		defer rec.Enter(e)()
		mu.Lock()
		defer mu.Unlock()
		if begun.IsZero() {
			begun = time.Now()
		}
		if time.Since(begun) < f.driver.Outage {
			failures[e.ID]++
			return away()
		}
		return rec.Handle(ctx, e)
	}
	f.subscribe(t, f.open(t), "g", handle)
	f.subscribe(t, f.open(t), "g", handle)
	for n := range perKey {
		for k := range keys {
			f.publish(t, f.event(fmt.Sprintf("key-%d", k), n))
		}
	}
	rec.Wait(t, keys*perKey)
	rec.Check(t)
	if got := len(rec.Seen()); got != keys*perKey {
		t.Errorf("%d deliveries of %d events: some were given to another member while they waited", got, keys*perKey)
	}
	mu.Lock()
	defer mu.Unlock()
	for id, n := range failures {
		if n <= attempts {
			t.Errorf("%s failed %d times only, which proves nothing", id, n)
		}
		if n, _ := number(id); n > 0 {
			t.Errorf("%s was tried before the one that it follows was through", id)
		}
	}
	f.depth(t, 0)
}

// testEndless has a dependency that does not come back: the event is given up when its time is over, and what follows
// it has its turn.
func testEndless(t *testing.T, f *fixture) {
	const outage = 100 * time.Millisecond
	rec := NewRecorder()
	bad := f.event("k", 0)
	var first time.Time
	var gaveUp time.Duration
	start(t, f.bus, event.Subscription{
		Group: f.group("g"),
		Topic: f.topic,
		Handler: func(_ context.Context, e event.Event) error {
			if e.ID == bad.ID {
				if first.IsZero() {
					first = time.Now()
				}
				gaveUp = time.Since(first)
				return away()
			}
			rec.record(e)
			return nil
		},
		Retry: event.Retry{Attempts: 2, Initial: time.Millisecond, Max: 5 * time.Millisecond, Outage: outage},
	})
	f.publish(t, bad, f.event("k", 0))
	rec.Wait(t, 1)
	letters := f.letters(t)
	if len(letters) != 1 || letters[0].Event.ID != bad.ID || letters[0].Attempts <= 2 {
		t.Fatalf("the dead letters are %+v", letters)
	}
	contains(t, "reason", letters[0].Reason, string(apperr.DependencyUnavailable))
	if gaveUp < outage {
		t.Errorf("gave up after %s, want %s", gaveUp, outage)
	}
}

// testStopBetween stops a member in the pause after a failure.
func testStopBetween(t *testing.T, f *fixture) {
	f.testStopInPause(t, errors.New("the disk is full"))
}

// testStopInOutage stops a member that waits for a dependency.
func testStopInOutage(t *testing.T, f *fixture) {
	f.testStopInPause(t, away())
}

// testStopInPause stops a member in the pause, of more than the test's patience, that follows err. The event is not
// through: the next member handles it.
func (f *fixture) testStopInPause(t *testing.T, err error) {
	failing := make(chan struct{}, 1)
	stop := start(t, f.open(t), event.Subscription{
		Group: f.group("g"),
		Topic: f.topic,
		Handler: func(context.Context, event.Event) error {
			select {
			case failing <- struct{}{}:
			default:
			}
			return err
		},
		Retry: event.Retry{Attempts: 1000, Initial: 4 * Patience, Max: 4 * Patience},
	})
	f.publish(t, f.event("k", 0))
	<-failing
	stop()
	f.depth(t, 0)

	rec := NewRecorder()
	f.subscribe(t, f.open(t), "g", rec.Handle)
	rec.Wait(t, 1)
}
