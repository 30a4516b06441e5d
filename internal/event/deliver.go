package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
)

// ErrStopped says that Deliver was told to stop before it was through with an event: it must be delivered again.
var ErrStopped = errors.New("stopped before the event was handled")

// UndeliverableError says that an event belongs to the dead letters.
type UndeliverableError struct {
	// Attempts is how often the handler was called.
	Attempts int
	// Err is what it said last.
	Err error
}

func (u *UndeliverableError) Error() string {
	return fmt.Sprintf("gave up after %d attempts: %s", u.Attempts, u.Err)
}
func (u *UndeliverableError) Unwrap() error { return u.Err }

// Check says what the subscription lacks, or nil.
func (s Subscription) Check() error {
	switch {
	case s.Group == "":
		return errors.New("subscription has no group")
	case s.Topic == "":
		return fmt.Errorf("subscription of group %s has no topic", s.Group)
	case s.Handler == nil:
		return fmt.Errorf("subscription of group %s to %s has no handler", s.Group, s.Topic)
	}
	return nil
}

// Deliver calls the handler, again after each failure, until the event is through. It returns nil when it was handled,
// an UndeliverableError when it goes to the dead letters, and ErrStopped when stop was closed or ctx ended before either.
//
// Drivers call it, once at a time per key, and must keep the event theirs for as long as it takes, which may be as long as
// Retry.Outage. The handler runs with ctx; closing stop only cuts a pause short, so that a handler under way can finish. A
// panic of the handler counts as its error.
func (s Subscription) Deliver(ctx context.Context, stop <-chan struct{}, log *slog.Logger, e Event) error {
	retry, log := s.Retry.orDefault(), log.With("event", e.ID)
	away := outage{log: log}
	failures := 0
	for attempt := 1; ; attempt++ {
		err := s.call(ctx, log, e)
		var pause time.Duration
		switch {
		case err == nil:
			away.ends(ctx)
			return nil
		case ctx.Err() != nil:
			return ErrStopped
		case IsPermanent(err):
			away.ends(ctx)
			return &UndeliverableError{Attempts: attempt, Err: err}
		case isAway(err):
			if away.lasts(ctx, err) >= retry.Outage {
				return &UndeliverableError{Attempts: attempt, Err: err}
			}
			pause = retry.after(away.failures)
		default:
			away.ends(ctx)
			if failures++; failures >= retry.Attempts {
				return &UndeliverableError{Attempts: attempt, Err: err}
			}
			log.WarnContext(ctx, "event failed, trying again", "attempt", attempt, "error", err)
			pause = retry.after(failures)
		}
		if !pauseWith(ctx, stop, pause) {
			return ErrStopped
		}
	}
}

// isAway reports whether err says, anywhere in its chain, that a dependency is away. Only then may the same call succeed
// later with nothing changed here.
func isAway(err error) bool {
	return errors.Is(err, &apperr.Error{Code: apperr.DependencyUnavailable})
}

// outage is an event's wait for dependencies that are away. The log hears of its begin and of its end, not of each
// failure between: it may last.
type outage struct {
	log *slog.Logger
	// since is the first failure, and failures counts them; both outlast an end, so that the bound holds for an event
	// that is failed by one thing and another in turns.
	since    time.Time
	failures int
	lasting  bool
}

// lasts notes a failure and returns how long ago the first was.
func (o *outage) lasts(ctx context.Context, err error) time.Duration {
	if o.failures++; o.failures == 1 {
		o.since = time.Now()
	}
	if !o.lasting {
		o.lasting = true
		o.log.WarnContext(ctx, "a dependency is away, the event waits for it", "error", err)
	}
	return time.Since(o.since)
}

// ends notes that the dependency answered.
func (o *outage) ends(ctx context.Context) {
	if o.lasting {
		o.lasting = false
		o.log.InfoContext(ctx, "the dependency is back", "failures", o.failures, "away", time.Since(o.since))
	}
}

func (s Subscription) call(ctx context.Context, log *slog.Logger, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// The stack is for the log alone: the error becomes a header of the dead letter.
			log.ErrorContext(ctx, "handler panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("handler panicked: %v", p)
		}
	}()
	if err := e.checkID(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, AttemptTimeout)
	defer cancel()
	return s.Handler(ctx, e)
}

func (r Retry) orDefault() Retry {
	if r.Attempts <= 0 {
		r.Attempts = DefaultRetry().Attempts
	}
	if r.Initial <= 0 {
		r.Initial = DefaultRetry().Initial
	}
	if r.Max <= 0 {
		r.Max = DefaultRetry().Max
	}
	if r.Outage <= 0 {
		r.Outage = DefaultRetry().Outage
	}
	return r
}

// after is the pause that follows the attempt, the first being 1: between half of it and all of it, so that consumers
// that failed together do not come back together.
func (r Retry) after(attempt int) time.Duration {
	d := r.Initial
	for range attempt - 1 {
		if d >= r.Max {
			break
		}
		d *= 2
	}
	d = min(d, r.Max)
	return d/2 + rand.N(d/2+1)
}

// Pause waits for d and reports true, or false as soon as stop is closed.
func Pause(stop <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-stop:
		return false
	case <-timer.C:
		return true
	}
}

// pauseWith is Pause that ctx cuts short as well.
func pauseWith(ctx context.Context, stop <-chan struct{}, d time.Duration) bool {
	pausing, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case <-stop:
		return false
	case <-pausing.Done():
		return ctx.Err() == nil
	}
}

// WithGrace returns a context for the handlers that are under way when ctx ends: it ends grace later, or sooner if
// lifecycle.Deadline leaves less. The caller must call cancel.
func WithGrace(ctx context.Context, grace time.Duration) (graceful context.Context, cancel context.CancelFunc) {
	graceful, cancelGraceful := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, func() {
		grace := grace
		if end, told := lifecycle.Deadline(ctx); told {
			grace = min(grace, time.Until(end))
		}
		Pause(graceful.Done(), grace)
		cancelGraceful()
	})
	return graceful, func() { detach(); cancelGraceful() }
}
