package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"
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
// Drivers call it, once at a time per key. The handler runs with ctx; closing stop only cuts a pause short, so that a
// handler under way can finish. A panic of the handler counts as its error.
func (s Subscription) Deliver(ctx context.Context, stop <-chan struct{}, log *slog.Logger, e Event) error {
	retry := s.Retry.orDefault()
	for attempt := 1; ; attempt++ {
		err := s.call(ctx, log, e)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ErrStopped
		case IsPermanent(err), attempt >= retry.Attempts:
			return &UndeliverableError{Attempts: attempt, Err: err}
		}
		log.WarnContext(ctx, "event failed, trying again", "event", e.ID, "attempt", attempt, "error", err)
		if !Pause(stop, retry.after(attempt)) {
			return ErrStopped
		}
	}
}

func (s Subscription) call(ctx context.Context, log *slog.Logger, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// The stack is for the log alone: the error becomes a header of the dead letter.
			log.ErrorContext(ctx, "handler panicked", "event", e.ID, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("handler panicked: %v", p)
		}
	}()
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

// WithGrace returns a context that ends grace after ctx does, for the handlers that are under way when ctx ends. The
// caller must call cancel.
func WithGrace(ctx context.Context, grace time.Duration) (graceful context.Context, cancel context.CancelFunc) {
	graceful, cancelGraceful := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, func() {
		Pause(graceful.Done(), grace)
		cancelGraceful()
	})
	return graceful, func() { detach(); cancelGraceful() }
}
