package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
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
		"the default":          {answers: []error{errAway}, attempts: 12, dead: true, longest: 31300 * time.Millisecond},
		"away, but permanent": {
			answers: []error{event.Permanent(unavailable())}, attempts: 1, dead: true,
		},
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

// unavailable is what a handler returns whose database is away.
func unavailable() error {
	return fmt.Errorf("registered: %w", errors.Join(errAway,
		apperr.New(apperr.DependencyUnavailable, "the database cannot be reached").WithCause(errAway)))
}

// TestOutage takes a handler's dependency away for longer or shorter, among other failures. Only the end of the bound may
// make a dead letter of the event, and the log hears of each outage twice.
func TestOutage(t *testing.T) {
	const begins, ends = "a dependency is away", "the dependency is back"
	for name, tt := range map[string]struct {
		retry    event.Retry
		handle   func(since time.Duration, call int) error
		dead     bool
		from, to time.Duration // expected time that it takes
		begins   int
		ends     int
	}{
		"three quarters of an hour": {
			handle: func(since time.Duration, _ int) error {
				if since < 45*time.Minute {
					return unavailable()
				}
				return nil
			},
			from: 45 * time.Minute, to: 45*time.Minute + 5*time.Second, begins: 1, ends: 1,
		},
		"for good": {
			handle: func(time.Duration, int) error { return unavailable() },
			dead:   true, from: event.MaxOutage, to: event.MaxOutage + 5*time.Second, begins: 1,
		},
		"for good, with a bound of its own": {
			retry:  event.Retry{Outage: time.Minute},
			handle: func(time.Duration, int) error { return unavailable() },
			dead:   true, from: time.Minute, to: time.Minute + 5*time.Second, begins: 1,
		},
		"then the event is refused": {
			handle: func(since time.Duration, _ int) error {
				if since < time.Minute {
					return unavailable()
				}
				return event.Permanentf("unknown")
			},
			dead: true, from: time.Minute, to: time.Minute + 5*time.Second, begins: 1, ends: 1,
		},
		"failures of its own are counted apart": {
			handle: func(since time.Duration, call int) error {
				if since < 10*time.Minute && call > 11 {
					return unavailable()
				}
				return errors.New("broken")
			},
			dead: true, from: 10 * time.Minute, to: 11 * time.Minute, begins: 1, ends: 1,
		},
		"in turns with failures of its own": {
			retry: event.Retry{Attempts: 100000, Outage: time.Minute},
			handle: func(_ time.Duration, call int) error {
				if call%2 == 0 {
					return unavailable()
				}
				return errors.New("broken")
			},
			dead: true, from: time.Minute, to: time.Minute + 10*time.Second, begins: -1, ends: -1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log strings.Builder
				started, calls := time.Now(), 0
				s := event.Subscription{Retry: tt.retry, Handler: func(context.Context, event.Event) error {
					calls++
					return tt.handle(time.Since(started), calls)
				}}
				err := s.Deliver(t.Context(), nil, slog.New(slog.NewTextHandler(&log, nil)), event.Event{ID: "1"})
				took := time.Since(started)

				var dead *event.UndeliverableError
				if got := errors.As(err, &dead); got != tt.dead || !got && err != nil || got && dead.Attempts != calls {
					t.Errorf("delivered with %v after %d calls, want dead: %v", err, calls, tt.dead)
				}
				if took < tt.from || took > tt.to {
					t.Errorf("took %s, want %s to %s", took, tt.from, tt.to)
				}
				for text, want := range map[string]int{begins: tt.begins, ends: tt.ends} {
					if n := strings.Count(log.String(), text); n != want && want >= 0 {
						t.Errorf("the log says %d times %q, want %d", n, text, want)
					}
				}
			})
		})
	}
}

// TestOutageIsInterrupted stops a delivery in the long pause of an outage.
func TestOutageIsInterrupted(t *testing.T) {
	for name, of := range map[string]func(stop, cancel func()) func(){
		"by a stop":      func(stop, _ func()) func() { return stop },
		"by its context": func(_, cancel func()) func() { return cancel },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				stop := make(chan struct{})
				calls := 0
				s := event.Subscription{
					Retry:   event.Retry{Initial: time.Hour, Max: time.Hour, Outage: 100 * time.Hour},
					Handler: func(context.Context, event.Event) error { calls++; return unavailable() },
				}
				time.AfterFunc(time.Second, of(func() { close(stop) }, cancel))
				started := time.Now()
				err := s.Deliver(ctx, stop, slog.New(slog.DiscardHandler), event.Event{ID: "1"})
				if took := time.Since(started); !errors.Is(err, event.ErrStopped) || calls != 1 || took != time.Second {
					t.Errorf("delivered with %v after %d calls and %s", err, calls, took)
				}
				cancel()
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
			err := s.Deliver(tt.ctx, tt.stop, slog.New(slog.DiscardHandler), event.Event{ID: "1"})
			if !errors.Is(err, event.ErrStopped) || calls != 1 {
				t.Errorf("delivered with %v after %d calls", err, calls)
			}
		})
	}
}

// An ID that no database keeps as text is not given to the handler at all: trying again would not mend it.
func TestIDsThatNobodyCanRemember(t *testing.T) {
	for _, id := range []string{"", "a\x00b", "a\nb", "\xff", strings.Repeat("i", 1025)} {
		s := event.Subscription{Handler: func(context.Context, event.Event) error {
			t.Errorf("%.20q reached the handler", id)
			return nil
		}}
		e := event.Event{ID: id, Topic: "t", Source: "/s", Type: "t"}
		var dead *event.UndeliverableError
		err := s.Deliver(t.Context(), nil, slog.New(slog.DiscardHandler), e)
		if !errors.As(err, &dead) || dead.Attempts != 1 || !event.IsPermanent(e.Check()) {
			t.Errorf("%.20q: delivered with %v, published with %v", id, err, e.Check())
		}
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
		if err := s.Deliver(t.Context(), nil, slog.New(slog.DiscardHandler), event.Event{ID: "1"}); err != nil || calls != 2 {
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

func TestWithGraceKeepsToADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := lifecycle.New(t.Context())
		g.Go("consumer", func(ctx context.Context) error {
			graceful, cancel := event.WithGrace(ctx, time.Minute)
			defer cancel()
			<-graceful.Done()
			return nil
		})
		stop, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := g.Stop(stop); err != nil {
			t.Error(err)
		}
	})
}
