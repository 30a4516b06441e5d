package eventtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// counts is an observer that counts its calls.
type counts struct{ handled, retried, deadLettered atomic.Int64 }

func (c *counts) Handled(event.Event, time.Duration) { c.handled.Add(1) }
func (c *counts) Retried()                           { c.retried.Add(1) }
func (c *counts) DeadLettered()                      { c.deadLettered.Add(1) }

// testLag checks the lag of a group before its first subscription, while its handler fails, and after the failure has become
// a dead letter. It also checks the calls of the observer.
func testLag(t *testing.T, f *fixture) {
	f.publish(t, f.event("k", 0), f.event("k", 1), f.event("k", 2), f.event("k", 3), f.event("k", 4))
	f.awaitLag(t, f.group("g"), 5)

	var seen counts
	release := make(chan struct{})
	start(t, f.bus, event.Subscription{
		Group: f.group("g"), Topic: f.topic, Observer: &seen,
		Retry: event.Retry{Attempts: 3, Initial: time.Millisecond, Max: time.Millisecond},
		Handler: func(ctx context.Context, e event.Event) error {
			if n, _ := number(e.ID); n != 2 {
				return nil
			}
			select {
			case <-release:
			case <-ctx.Done():
			}
			return errors.New("never")
		},
	})
	f.awaitLag(t, f.group("g"), 3) // the handler holds event 2
	close(release)
	f.awaitLag(t, f.group("g"), 0)
	if h, r, d := seen.handled.Load(), seen.retried.Load(), seen.deadLettered.Load(); h != 4 || r != 2 || d != 1 {
		t.Errorf("the observer saw %d handled events, %d retries and %d dead letters; want 4, 2 and 1", h, r, d)
	}
	f.awaitLag(t, f.group("other"), 5)
}

// awaitLag waits until Lag of a group is n.
func (f *fixture) awaitLag(t *testing.T, group string, n int64) {
	t.Helper()
	ctx := deadline(t)
	for {
		got, err := f.bus.Lag(ctx, group, f.topic)
		if err == nil && got == n {
			return
		}
		if backoff.Sleep(ctx, 10*time.Millisecond) != nil {
			t.Fatalf("Lag returned %d, %v, want %d", got, err, n)
		}
	}
}
