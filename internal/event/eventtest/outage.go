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

// unavailable returns the error of a handler whose database is unavailable.
func unavailable() error {
	return fmt.Errorf("add the player: %w", apperr.New(apperr.DependencyUnavailable, "database unavailable"))
}

// testOutage makes the handlers' database unavailable for longer than the broker waits for an unresponsive member. After
// the outage, every event must be handled once and in order, by the member that received it first.
func testOutage(t *testing.T, f *fixture) {
	const keys, perKey = 6, 4
	rec := NewRecorder()
	var mu sync.Mutex
	var started time.Time
	failures := make(map[string]int)
	handle := func(ctx context.Context, e event.Event) error {
		defer rec.Enter(e)()
		mu.Lock()
		defer mu.Unlock()
		if started.IsZero() {
			started = time.Now()
		}
		if time.Since(started) < f.driver.Outage {
			failures[e.ID]++
			return unavailable()
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
		t.Errorf("%d deliveries, want %d; were waiting events delivered to another member?", got, keys*perKey)
	}
	mu.Lock()
	defer mu.Unlock()
	for id, n := range failures {
		if n <= attempts {
			t.Errorf("%s failed %d times, want more than %d", id, n, attempts)
		}
		if n, _ := number(id); n > 0 {
			t.Errorf("%s was delivered before the previous event of its key was handled", id)
		}
	}
	f.checkDepth(t, 0)
}

// testOutageTimeout simulates a dependency that stays unavailable. After Retry.Outage the event becomes a dead letter,
// and the next event of its key is delivered.
func testOutageTimeout(t *testing.T, f *fixture) {
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
				return unavailable()
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
		t.Fatalf("dead letters are %+v, want only %s, after more than 2 attempts", letters, bad.ID)
	}
	checkReason(t, letters[0], string(apperr.DependencyUnavailable))
	if gaveUp < outage {
		t.Errorf("gave up after %s, want at least %s", gaveUp, outage)
	}
}

func testStopBetweenAttempts(t *testing.T, f *fixture) {
	f.testStopDuringDelay(t, errors.New("disk full"))
}

func testStopDuringOutage(t *testing.T, f *fixture) {
	f.testStopDuringDelay(t, unavailable())
}

// testStopDuringDelay stops a member during the delay that follows err. The delay is longer than the timeout of the
// test. The next member must handle the event.
func (f *fixture) testStopDuringDelay(t *testing.T, err error) {
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
		Retry: event.Retry{Attempts: 1000, Initial: 4 * Timeout, Max: 4 * Timeout},
	})
	f.publish(t, f.event("k", 0))
	<-failing
	stop()
	f.checkDepth(t, 0)

	rec := NewRecorder()
	f.subscribe(t, f.open(t), "g", rec.Handle)
	rec.Wait(t, 1)
}
