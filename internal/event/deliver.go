package event

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/lifecycle"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// ErrStopped is returned by Deliver if a context ends before the event is handled. The event must be delivered again.
var ErrStopped = errors.New("stopped before the event was handled")

// UndeliverableError is returned by Deliver if the event must become a dead letter.
type UndeliverableError struct {
	// Attempts is the number of calls of the handler. It is 0 if the message is not a valid event.
	Attempts int
	// Err is the error of the last call, or the reason why the message is not a valid event.
	Err error
}

func (u *UndeliverableError) Error() string {
	return fmt.Sprintf("gave up after %d attempts: %s", u.Attempts, u.Err)
}
func (u *UndeliverableError) Unwrap() error { return u.Err }

// Check returns an error if the subscription has no group, topic or handler.
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

// Deliver calls the handler and retries failures according to s.Retry. It returns nil if the event was handled, an
// *UndeliverableError if the event must become a dead letter, and ErrStopped if ctx or handling ended first.
//
// The context of the handler derives from handling. The end of ctx only interrupts the delay before a retry, so that a
// running handler can finish. A panic of the handler counts as a failure.
//
// Deliver is for drivers. A driver calls it for one event of a key at a time. The event must stay assigned to this consumer
// until Deliver returns, which can take longer than Retry.Outage.
func (s Subscription) Deliver(ctx, handling context.Context, log *slog.Logger, e Event) error {
	retry, log := s.Retry.orDefault(), log.With("event", e.ID)
	delays, outage := retry.delays(), outage{log: log, delays: retry.delays()}
	failures := 0
	for attempt := 1; ; attempt++ {
		start := time.Now()
		err := s.call(handling, log, e)
		var delay time.Duration
		switch {
		case err == nil:
			outage.end(handling)
			s.observe(func(o Observer) { o.Handled(e, time.Since(start)) })
			return nil
		case handling.Err() != nil:
			return ErrStopped
		case IsPermanent(err):
			outage.end(handling)
			return &UndeliverableError{Attempts: attempt, Err: err}
		case isUnavailable(err):
			if outage.record(handling, err) >= retry.Outage {
				return &UndeliverableError{Attempts: attempt, Err: err}
			}
			delay = outage.delays.Next()
		default:
			outage.end(handling)
			if failures++; failures >= retry.Attempts {
				return &UndeliverableError{Attempts: attempt, Err: err}
			}
			log.WarnContext(handling, "event failed, retrying", "attempt", attempt, "error", err)
			delay = delays.Next()
		}
		s.observe(Observer.Retried)
		if !sleep(ctx, handling, delay) {
			return ErrStopped
		}
	}
}

// observe calls fn with the observer, if there is one.
func (s Subscription) observe(fn func(Observer)) {
	if s.Observer != nil {
		fn(s.Observer)
	}
}

// DeadLettered tells the observer that an event was stored as a dead letter. It is for drivers.
func (s Subscription) DeadLettered() { s.observe(Observer.DeadLettered) }

// isUnavailable reports whether err was caused by an unavailable dependency.
func isUnavailable(err error) bool {
	return errors.Is(err, &apperr.Error{Code: apperr.DependencyUnavailable})
}

// outage measures how long an event has waited for unavailable dependencies. It logs the start and the end of each outage at
// the debug level, because an event of every partition may wait, and package readiness logs the outage itself.
type outage struct {
	log    *slog.Logger
	delays *backoff.Delays
	// since is the time of the first failure, and failures is the number of failures. The end of an outage resets neither of
	// them, because Retry.Outage limits the total time, even if other errors occur in between.
	since    time.Time
	failures int
	active   bool
}

// record counts a failure and returns the time since the first failure.
func (o *outage) record(ctx context.Context, err error) time.Duration {
	if o.failures++; o.failures == 1 {
		o.since = time.Now()
	}
	if !o.active {
		o.active = true
		o.log.DebugContext(ctx, "dependency unavailable, event waits", "error", err)
	}
	return time.Since(o.since)
}

// end records that the dependency is available.
func (o *outage) end(ctx context.Context) {
	if o.active {
		o.active = false
		o.log.DebugContext(ctx, "dependency available again", "failures", o.failures, "after", time.Since(o.since))
	}
}

// call calls the handler once, for at most AttemptTimeout. It returns an error if the handler panics.
func (s Subscription) call(ctx context.Context, log *slog.Logger, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			// Log the stack, but keep it out of the error, which becomes a header of the dead letter.
			log.ErrorContext(ctx, "handler panicked", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("handler panicked: %v", p)
		}
	}()
	if err := e.checkID(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, AttemptTimeout)
	defer cancel()
	ctx, span := s.startSpan(ctx, e)
	defer func() {
		if err != nil {
			span.Fail(string(apperr.CodeOf(err)))
		}
		span.End()
	}()
	return s.Handler(ctx, e)
}

// Describe sets the attributes of a span that publishes or consumes e. It omits the id of a registration, which is the
// player's id: traces do not name players.
func (e Event) Describe(span *tracing.Span) {
	span.Set("messaging.destination.name", e.Topic)
	if e.ID != e.Key {
		span.Set("messaging.message.id", e.ID)
	}
	span.Set("cloudevents.event_type", e.Type)
}

// startSpan continues the trace of the event. Without a Tracer the context still carries the trace, so that events of the
// handler belong to it.
func (s Subscription) startSpan(ctx context.Context, e Event) (context.Context, *tracing.Span) {
	ctx, span := s.Tracer.Child(tracing.WithTraceparent(ctx, e.Traceparent), "consume "+e.Topic, trace.SpanKindConsumer)
	e.Describe(span)
	span.Set("messaging.consumer.group.name", s.Group)
	return ctx, span
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

func (r Retry) delays() *backoff.Delays {
	return backoff.Policy{Initial: min(r.Initial, r.Max), Max: r.Max, Jitter: 0.5}.Delays()
}

// sleep waits for d. It reports false if one of the contexts ends first.
func sleep(ctx, other context.Context, d time.Duration) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(other, cancel)()
	return backoff.Sleep(ctx, d) == nil
}

// WithGrace returns a context for handlers. It ends when the grace period after the end of ctx is over, but not later than
// lifecycle.Deadline of ctx. The caller must call cancel.
func WithGrace(ctx context.Context, grace time.Duration) (graceful context.Context, cancel context.CancelFunc) {
	graceful, cancelGraceful := context.WithCancel(context.WithoutCancel(ctx))
	detach := context.AfterFunc(ctx, func() {
		grace := grace
		if end, ok := lifecycle.Deadline(ctx); ok {
			grace = min(grace, time.Until(end))
		}
		_ = backoff.Sleep(graceful, grace) // returns early if the caller calls cancel
		cancelGraceful()
	})
	return graceful, func() { detach(); cancelGraceful() }
}
