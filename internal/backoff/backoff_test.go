package backoff_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casino-loyalty/loyalty/internal/backoff"
)

func TestDelaysDoubleUpToTheMaximum(t *testing.T) {
	delays := backoff.Policy{Initial: time.Second, Max: 5 * time.Second}.Delays()
	next := func() (got []time.Duration) {
		for range 5 {
			got = append(got, delays.Next())
		}
		return got
	}
	want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second}
	if got := next(); !slices.Equal(got, want) {
		t.Errorf("delays = %v, want %v", got, want)
	}
	delays.Reset()
	if got := next(); !slices.Equal(got, want) {
		t.Errorf("delays after Reset = %v, want %v", got, want)
	}
}

func TestDelaysStayAtInitialWithoutMaximum(t *testing.T) {
	delays := backoff.Policy{Initial: time.Second}.Delays()
	for range 3 {
		if got := delays.Next(); got != time.Second {
			t.Errorf("delay = %v, want 1s", got)
		}
	}
}

func TestJitterStaysInItsRange(t *testing.T) {
	delays := backoff.Policy{Initial: time.Second, Jitter: 0.5}.Delays()
	seen := map[time.Duration]bool{}
	for range 100 {
		got := delays.Next()
		if got < 500*time.Millisecond || got > 1500*time.Millisecond {
			t.Fatalf("delay = %v, want 0.5s to 1.5s", got)
		}
		seen[got] = true
	}
	if len(seen) < 2 {
		t.Error("all delays are equal, want jitter")
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if err := backoff.Sleep(t.Context(), time.Minute); err != nil || time.Since(start) != time.Minute {
			t.Errorf("Sleep returned %v after %v", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		err := backoff.Sleep(ctx, time.Minute)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Sleep returned %v after %v, want the context's error after 1s", err, time.Since(start))
		}
	})
}

// TestEvery fails the first two calls and ends the context in the fourth one.
func TestEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var calls []time.Duration
		var failed []error
		start, broken := time.Now(), errors.New("broken")
		err := backoff.Every(ctx, time.Hour, time.Minute, func(attempt context.Context) error {
			calls = append(calls, time.Since(start))
			switch len(calls) {
			case 1:
				return broken
			case 2:
				<-attempt.Done()
				return attempt.Err()
			case 4:
				cancel()
				return broken
			}
			return nil
		}, func(err error) { failed = append(failed, err) })
		want := []time.Duration{0, time.Hour, 2*time.Hour + time.Minute, 3*time.Hour + time.Minute}
		if err != nil || !slices.Equal(calls, want) || !slices.Equal(failed, []error{broken, context.DeadlineExceeded}) {
			t.Errorf("got calls after %v, the errors %v and %v, want calls after %v", calls, failed, err, want)
		}
	})
}

func TestRetry(t *testing.T) {
	errFailed := errors.New("failed")
	policy := backoff.Policy{Initial: time.Second, Max: 4 * time.Second}
	for name, tt := range map[string]struct {
		policy  backoff.Policy
		results []error // the last one repeats
		want    error
		calls   int
		elapsed time.Duration
	}{
		"success":            {policy, []error{nil}, nil, 1, 0},
		"success at last":    {policy, []error{errFailed, errFailed, nil}, nil, 3, 3 * time.Second},
		"permanent error":    {policy, []error{errFailed, backoff.Permanent(errFailed)}, errFailed, 2, time.Second},
		"attempts exhausted": {with(policy, 3, 0), []error{errFailed}, errFailed, 3, 3 * time.Second},
		"timeout":            {with(policy, 0, 8*time.Second), []error{errFailed}, errFailed, 4, 7 * time.Second},
		"context ended":      {policy, []error{errFailed}, errFailed, 6, 17 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 17*time.Second)
				defer cancel()
				start, calls := time.Now(), 0
				err := backoff.Retry(ctx, tt.policy, func(context.Context) error {
					calls++
					return tt.results[min(calls, len(tt.results))-1]
				})
				if err != tt.want || calls != tt.calls || time.Since(start) != tt.elapsed { //nolint:errorlint // not wrapped
					t.Errorf("Retry = %v after %d calls and %v, want %v, %d, %v", err, calls, time.Since(start),
						tt.want, tt.calls, tt.elapsed)
				}
			})
		})
	}
}

func with(p backoff.Policy, attempts uint, timeout time.Duration) backoff.Policy {
	p.Attempts, p.Timeout = attempts, timeout
	return p
}

func ExampleRetry() {
	calls := 0
	err := backoff.Retry(context.Background(), backoff.Policy{Initial: time.Millisecond, Attempts: 5},
		func(context.Context) error {
			if calls++; calls < 3 {
				return errors.New("connection refused")
			}
			return backoff.Permanent(errors.New("wrong password"))
		})
	fmt.Println(calls, "calls:", err)
	// Output: 3 calls: wrong password
}

func ExamplePolicy_Delays() {
	delays := backoff.Policy{Initial: 20 * time.Millisecond, Max: time.Second}.Delays()
	for range 3 {
		if err := delays.Sleep(context.Background()); err != nil {
			return // the context ended
		}
	}
	fmt.Println("the next delay is", delays.Next())
	// Output: the next delay is 160ms
}
