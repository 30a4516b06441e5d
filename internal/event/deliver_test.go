package event_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casino-loyalty/loyalty/internal/event"
)

var errAway = errors.New("away")

func TestDeliver(t *testing.T) {
	for name, tt := range map[string]struct {
		retry    event.Retry
		answers  []error // of the attempts; the last one repeats
		attempts int     // expected calls
		dead     bool
		longest  time.Duration // expected bound of all pauses together; at least half of it passes
	}{
		"handled at once": {answers: []error{nil}, attempts: 1},
		"handled at the third attempt": {
			retry:   event.Retry{Attempts: 5, Initial: time.Second, Max: time.Minute},
			answers: []error{errAway, errAway, nil}, attempts: 3, longest: 3 * time.Second,
		},
		"pauses grow up to the limit": {
			retry:   event.Retry{Attempts: 5, Initial: time.Second, Max: 2 * time.Second},
			answers: []error{errAway}, attempts: 5, dead: true, longest: 7 * time.Second,
		},
		"never tried again":    {answers: []error{event.Permanent(errAway)}, attempts: 1, dead: true},
		"permanent in the end": {answers: []error{errAway, event.Permanentf("%w", errAway)}, attempts: 2, dead: true, longest: 100 * time.Millisecond},
		"the default":          {answers: []error{errAway}, attempts: 14, dead: true, longest: 100500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				s := event.Subscription{Retry: tt.retry, Handler: func(context.Context, event.Event) error {
					calls++
					return tt.answers[min(calls, len(tt.answers))-1]
				}}
				started := time.Now()
				err := s.Deliver(t.Context(), nil, slog.New(slog.DiscardHandler), event.Event{ID: "1"})
				took := time.Since(started)

				var dead *event.UndeliverableError
				if got := errors.As(err, &dead); got != tt.dead || !got && err != nil {
					t.Fatalf("delivered with %v, want dead: %v", err, tt.dead)
				}
				if tt.dead && (dead.Attempts != tt.attempts || !errors.Is(err, errAway)) {
					t.Errorf("error says %q", err)
				}
				if calls != tt.attempts {
					t.Errorf("called %d times, want %d", calls, tt.attempts)
				}
				if took > tt.longest || took < tt.longest/2 {
					t.Errorf("took %s, want %s to %s", took, tt.longest/2, tt.longest)
				}
			})
		})
	}
}

func TestDeliverStops(t *testing.T) {
	stopped := make(chan struct{})
	close(stopped)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		stop <-chan struct{}
	}{
		"between attempts":    {t.Context(), stopped},
		"its handler gave up": {ended, nil},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			s := event.Subscription{Handler: func(context.Context, event.Event) error { calls++; return errAway }}
			err := s.Deliver(tt.ctx, tt.stop, slog.New(slog.DiscardHandler), event.Event{})
			if !errors.Is(err, event.ErrStopped) || calls != 1 {
				t.Errorf("delivered with %v after %d calls", err, calls)
			}
		})
	}
}

func TestSilentHandlerIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := event.Subscription{Handler: func(ctx context.Context, _ event.Event) error {
			if calls++; calls == 1 {
				<-ctx.Done()
			}
			return ctx.Err()
		}}
		if err := s.Deliver(t.Context(), nil, slog.New(slog.DiscardHandler), event.Event{}); err != nil || calls != 2 {
			t.Errorf("delivered with %v after %d calls", err, calls)
		}
	})
}

func TestWithGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		graceful, cancel := event.WithGrace(ctx, time.Minute)
		defer cancel()
		stop()
		started := time.Now()
		<-graceful.Done()
		if took := time.Since(started); took != time.Minute {
			t.Errorf("ended after %s", took)
		}

		again, cancel := event.WithGrace(ctx, time.Minute)
		cancel()
		if again.Err() == nil {
			t.Error("was not cancelled")
		}
	})
}
