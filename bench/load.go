package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// load runs the given number of callers concurrently for d and returns the number of calls per second. Each caller calls fn
// in a loop; n counts the calls of a caller from zero. At the first error all callers stop, and load returns the error.
func load(ctx context.Context, callers int, d time.Duration, fn func(ctx context.Context, caller, n int) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var stop atomic.Bool
	var done atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	timer := time.AfterFunc(d, func() { stop.Store(true) })
	defer timer.Stop()
	for caller := range callers {
		all.Go(func() {
			n := 0
			for ; !stop.Load(); n++ {
				if err := fn(ctx, caller, n); err != nil {
					cancel(err)
					stop.Store(true)
					break
				}
			}
			done.Add(int64(n))
		})
	}
	all.Wait()
	took := time.Since(start)
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return 0, err
	}
	return float64(done.Load()) / took.Seconds(), ctx.Err()
}
