// Package lifecycle owns a process's goroutines and resources: it starts them in the order in which they were added and
// stops them in the reverse order, so that a part never outlives what it depends on.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Group is an ordered set of running parts. The zero value is not usable; see New. Methods are safe for concurrent use.
type Group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	stops []stop
}

type stop struct {
	name string
	fn   func(context.Context) error
}

// New returns an empty group. Context is done when ctx is, or when a part fails.
func New(ctx context.Context) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel}
}

// Context ends when the group should stop.
func (g *Group) Context() context.Context { return g.ctx }

// Fail makes the group stop with err.
func (g *Group) Fail(err error) { g.cancel(err) }

// Go runs fn until its context ends. The context of each part ends only when every part added later has stopped. An
// error of fn, or its return before it was told to stop, fails the group.
func (g *Group) Go(name string, fn func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(g.ctx))
	done := make(chan error, 1)
	go func() {
		err := fn(ctx)
		early := ctx.Err() == nil
		switch {
		case err != nil && !errors.Is(err, context.Canceled):
			err = fmt.Errorf("%s: %w", name, err)
			g.cancel(err)
		case early:
			stopped := fmt.Errorf("%s stopped by itself", name)
			if err != nil {
				// A context of the part's own was cancelled. That is kept as text: Wait takes an error that wraps
				// context.Canceled for the end of the parent context, which is no failure.
				stopped = fmt.Errorf("%w: %s", stopped, err.Error())
			}
			err = stopped
			g.cancel(err)
		default:
			err = nil
		}
		done <- err
	}()
	g.OnStop(name, func(stopCtx context.Context) error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-stopCtx.Done():
			return fmt.Errorf("%s did not stop in time", name)
		}
	})
}

// OnStop adds a function that Stop calls, after those of the parts added later.
func (g *Group) OnStop(name string, fn func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stops = append(g.stops, stop{name, fn})
}

// Wait blocks until the group should stop and returns why: nil when the parent context ended, else the first failure.
func (g *Group) Wait() error {
	<-g.ctx.Done()
	if cause := context.Cause(g.ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// grace is how long the parts together may take to stop.
const grace = 20 * time.Second

// Run waits until the group should stop, stops it, and returns why it ended: nil when the parent context did and every
// part stopped well.
func (g *Group) Run() error {
	cause := g.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return errors.Join(cause, g.Stop(ctx))
}

// Stop stops every part, the last one added first, and returns their errors. A part that does not stop before ctx ends
// is reported and left behind; the ones before it are still told to stop.
func (g *Group) Stop(ctx context.Context) error {
	g.cancel(context.Canceled)
	g.mu.Lock()
	stops := g.stops
	g.stops = nil
	g.mu.Unlock()
	var errs []error
	for _, stop := range slices.Backward(stops) {
		if err := stop.fn(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
