// Package backoff delays retries. It doubles the delay after each failure, up to a maximum. It adds jitter, so that replicas
// that fail at the same time do not retry at the same time.
package backoff

import (
	"context"
	"time"

	exponential "github.com/cenkalti/backoff/v5"
)

// Policy configures the delays between attempts.
type Policy struct {
	// Initial is the delay after the first failure. Each following delay is twice as long.
	Initial time.Duration
	// Max limits a delay before jitter is applied. If it is 0, every delay is Initial.
	Max time.Duration
	// Jitter randomizes a delay by this fraction in both directions: 0.5 turns one second into 0.5 to 1.5 seconds.
	Jitter float64
	// Attempts is the maximum number of calls that Retry makes. 0 means no limit.
	Attempts uint
	// Timeout limits the total time of Retry. Retry stops if the next delay would end after Timeout. 0 means no limit.
	Timeout time.Duration
}

// Delays returns a new sequence of delays, for loops that cannot use Retry.
func (p Policy) Delays() *Delays {
	return &Delays{exponential: p.exponential()}
}

func (p Policy) exponential() *exponential.ExponentialBackOff {
	return &exponential.ExponentialBackOff{
		InitialInterval: p.Initial, MaxInterval: max(p.Initial, p.Max), Multiplier: 2, RandomizationFactor: p.Jitter,
	}
}

// Delays is a sequence of delays. It is not safe for concurrent use.
type Delays struct {
	exponential *exponential.ExponentialBackOff
}

// Next returns the next delay.
func (d *Delays) Next() time.Duration { return d.exponential.NextBackOff() }

// Sleep sleeps for the next delay. It returns ctx.Err() if ctx ends first.
func (d *Delays) Sleep(ctx context.Context) error { return Sleep(ctx, d.Next()) }

// Reset restarts the sequence with the initial delay. Call it after a success.
func (d *Delays) Reset() { d.exponential.Reset() }

// Sleep waits for d. It returns ctx.Err() if ctx ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Every calls fn at once and then after each interval, until ctx ends. It then returns nil. Each call may take timeout.
// Every passes the errors of fn to failed, except an error after the end of ctx.
func Every(
	ctx context.Context, interval, timeout time.Duration, fn func(context.Context) error, failed func(error),
) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, timeout)
		err := fn(attempt)
		cancel()
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		if Sleep(ctx, interval) != nil {
			return nil //nolint:nilerr // ctx ended
		}
	}
}

// Permanent marks err as an error that Retry does not retry. It returns nil if err is nil.
func Permanent(err error) error { return exponential.Permanent(err) }

// Retry calls fn until fn returns nil or an error marked with Permanent, the policy's limits are reached, or ctx ends. It
// calls fn at least once. It returns the error of the last call, without the mark.
func Retry(ctx context.Context, p Policy, fn func(ctx context.Context) error) error {
	var last error
	_, err := exponential.Retry(ctx, func() (struct{}, error) {
		last = fn(ctx)
		return struct{}{}, last
	}, exponential.WithBackOff(p.exponential()), exponential.WithMaxTries(p.Attempts),
		exponential.WithMaxElapsedTime(p.Timeout))
	if err == nil {
		return nil
	}
	if permanent, ok := last.(*exponential.PermanentError); ok { //nolint:errorlint // the mark of this call only
		return permanent.Err
	}
	return last
}
