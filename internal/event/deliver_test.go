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

var errFailed = errors.New("failed")

func TestDeliver(t *testing.T) {
	for name, tt := range map[string]struct {
		retry    event.Retry
		results  []error // results of the handler calls; the last result repeats
		attempts int     // expected calls
		dead     bool
		delay    time.Duration // expected sum of all delays before jitter
	}{
		"success": {results: []error{nil}, attempts: 1},
		"success at the third attempt": {
			retry:   event.Retry{Attempts: 5, Initial: time.Second, Max: time.Minute},
			results: []error{errFailed, errFailed, nil}, attempts: 3, delay: 3 * time.Second,
		},
		"delays double up to the maximum": {
			retry:   event.Retry{Attempts: 5, Initial: time.Second, Max: 2 * time.Second},
			results: []error{errFailed}, attempts: 5, dead: true, delay: 7 * time.Second,
		},
		"permanent error": {results: []error{event.Permanent(errFailed)}, attempts: 1, dead: true},
		"permanent error after a retry": {
			results:  []error{errFailed, event.Permanentf("%w", errFailed)},
			attempts: 2, dead: true, delay: 100 * time.Millisecond,
		},
		"default retry":              {results: []error{errFailed}, attempts: 12, dead: true, delay: 31300 * time.Millisecond},
		"permanent dependency error": {results: []error{event.Permanent(unavailable())}, attempts: 1, dead: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				s := event.Subscription{Retry: tt.retry, Handler: func(context.Context, event.Event) error {
					calls++
					return tt.results[min(calls, len(tt.results))-1]
				}}
				started := time.Now()
				err := s.Deliver(t.Context(), t.Context(), slog.New(slog.DiscardHandler), event.Event{ID: "1"})
				took := time.Since(started)

				var dead *event.UndeliverableError
				if got := errors.As(err, &dead); got != tt.dead || !got && err != nil {
					t.Fatalf("Deliver returned %v; UndeliverableError expected: %t", err, tt.dead)
				}
				if tt.dead && (dead.Attempts != tt.attempts || !errors.Is(err, errFailed)) {
					t.Errorf("Deliver returned %q, want an error after %d attempts", err, tt.attempts)
				}
				if calls != tt.attempts {
					t.Errorf("handler called %d times, want %d", calls, tt.attempts)
				}
				if took < tt.delay/2 || took > tt.delay*3/2 {
					t.Errorf("took %s, want %s to %s", took, tt.delay/2, tt.delay*3/2)
				}
			})
		})
	}
}

// unavailable returns the error of a handler whose database is unavailable.
func unavailable() error {
	return fmt.Errorf("register: %w", errors.Join(errFailed,
		apperr.New(apperr.DependencyUnavailable, "database unavailable").WithCause(errFailed)))
}

// TestDeliverDuringOutage makes a dependency of the handler unavailable for some time. Only Retry.Outage limits the retries
// after such failures, and Retry.Attempts does not count them. The start and the end of an outage are logged once.
func TestDeliverDuringOutage(t *testing.T) {
	const begins, ends = "dependency unavailable", "dependency available again"
	const maxDelay = 5 * time.Second * 3 / 2
	for name, tt := range map[string]struct {
		retry    event.Retry
		handle   func(since time.Duration, call int) error
		dead     bool
		from, to time.Duration // expected duration of Deliver
		begins   int           // expected log lines about the start of an outage; -1 means any number
		ends     int           // expected log lines about the end of an outage; -1 means any number
	}{
		"45 minutes": {
			handle: func(since time.Duration, _ int) error {
				if since < 45*time.Minute {
					return unavailable()
				}
				return nil
			},
			from: 45 * time.Minute, to: 45*time.Minute + maxDelay, begins: 1, ends: 1,
		},
		"never available": {
			handle: func(time.Duration, int) error { return unavailable() },
			dead:   true, from: event.MaxOutage, to: event.MaxOutage + maxDelay, begins: 1,
		},
		"never available, with Outage of one minute": {
			retry:  event.Retry{Outage: time.Minute},
			handle: func(time.Duration, int) error { return unavailable() },
			dead:   true, from: time.Minute, to: time.Minute + maxDelay, begins: 1,
		},
		"permanent error after the outage": {
			handle: func(since time.Duration, _ int) error {
				if since < time.Minute {
					return unavailable()
				}
				return event.Permanentf("unknown")
			},
			dead: true, from: time.Minute, to: time.Minute + maxDelay, begins: 1, ends: 1,
		},
		"other failures are counted separately": {
			handle: func(since time.Duration, call int) error {
				if since < 10*time.Minute && call > 11 {
					return unavailable()
				}
				return errors.New("broken")
			},
			dead: true, from: 10 * time.Minute, to: 11 * time.Minute, begins: 1, ends: 1,
		},
		"alternating with other failures": {
			retry: event.Retry{Attempts: 100000, Outage: time.Minute},
			handle: func(_ time.Duration, call int) error {
				if call%2 == 0 {
					return unavailable()
				}
				return errors.New("broken")
			},
			dead: true, from: time.Minute, to: time.Minute + 2*maxDelay, begins: -1, ends: -1,
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
				err := s.Deliver(t.Context(), t.Context(), slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), event.Event{ID: "1"})
				took := time.Since(started)

				var dead *event.UndeliverableError
				if got := errors.As(err, &dead); got != tt.dead || !got && err != nil || got && dead.Attempts != calls {
					t.Errorf("Deliver returned %v after %d calls; UndeliverableError expected: %t", err, calls, tt.dead)
				}
				if took < tt.from || took > tt.to {
					t.Errorf("took %s, want %s to %s", took, tt.from, tt.to)
				}
				for text, want := range map[string]int{begins: tt.begins, ends: tt.ends} {
					if n := strings.Count(log.String(), text); n != want && want >= 0 {
						t.Errorf("%q logged %d times, want %d", text, n, want)
					}
				}
			})
		})
	}
}

// TestDeliverStopsDuringDelay cancels one of the two contexts during a long delay between attempts.
func TestDeliverStopsDuringDelay(t *testing.T) {
	for name, choose := range map[string]func(stop, abort func()) (cancel func()){
		"context":         func(stop, _ func()) func() { return stop },
		"handler context": func(_, abort func()) func() { return abort },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				handling, abort := context.WithCancel(t.Context())
				defer abort()
				calls := 0
				s := event.Subscription{
					Retry:   event.Retry{Initial: time.Hour, Max: time.Hour, Outage: 100 * time.Hour},
					Handler: func(context.Context, event.Event) error { calls++; return unavailable() },
				}
				time.AfterFunc(time.Second, choose(stop, abort))
				started := time.Now()
				err := s.Deliver(ctx, handling, slog.New(slog.DiscardHandler), event.Event{ID: "1"})
				if took := time.Since(started); !errors.Is(err, event.ErrStopped) || calls != 1 || took != time.Second {
					t.Errorf("Deliver returned %v after %d calls and %s, want ErrStopped after 1 call and 1s", err, calls, took)
				}
			})
		})
	}
}

func TestDeliverStops(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct{ ctx, handling context.Context }{
		"context ended":         {ended, t.Context()},
		"handler context ended": {t.Context(), ended},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			s := event.Subscription{Handler: func(context.Context, event.Event) error { calls++; return errFailed }}
			err := s.Deliver(tt.ctx, tt.handling, slog.New(slog.DiscardHandler), event.Event{ID: "1"})
			if !errors.Is(err, event.ErrStopped) || calls != 1 {
				t.Errorf("Deliver returned %v after %d calls, want ErrStopped after 1 call", err, calls)
			}
		})
	}
}

// TestDeliverRefusesInvalidIDs delivers events whose ids are empty, too long, not UTF-8 or contain a control character.
func TestDeliverRefusesInvalidIDs(t *testing.T) {
	for _, id := range []string{"", "a\x00b", "a\nb", "\xff", strings.Repeat("i", 1025)} {
		s := event.Subscription{Handler: func(context.Context, event.Event) error {
			t.Errorf("the handler received id %.20q", id)
			return nil
		}}
		e := event.Event{ID: id, Topic: "t", Source: "/s", Type: "t"}
		var dead *event.UndeliverableError
		err := s.Deliver(t.Context(), t.Context(), slog.New(slog.DiscardHandler), e)
		if !errors.As(err, &dead) || dead.Attempts != 1 || !event.IsPermanent(e.Check()) {
			t.Errorf("%.20q: Deliver returned %v, Check returned %v, want permanent errors", id, err, e.Check())
		}
	}
}

func TestDeliverRetriesAfterAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := event.Subscription{Handler: func(ctx context.Context, _ event.Event) error {
			if calls++; calls == 1 {
				<-ctx.Done()
			}
			return ctx.Err()
		}}
		err := s.Deliver(t.Context(), t.Context(), slog.New(slog.DiscardHandler), event.Event{ID: "1"})
		if err != nil || calls != 2 {
			t.Errorf("Deliver returned %v after %d calls, want success after 2", err, calls)
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
			t.Errorf("context ended after %s, want 1m", took)
		}

		again, cancel := event.WithGrace(ctx, time.Minute)
		cancel()
		if again.Err() == nil {
			t.Error("cancel did not end the context")
		}
	})
}

func TestWithGraceEndsAtTheDeadline(t *testing.T) {
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
