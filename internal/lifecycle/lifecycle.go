// Package lifecycle starts a process's goroutines and stops them in the reverse order, so that no part outlives the parts
// that it depends on.
//
// A stop has one deadline, and the group divides the time until then among its parts. Finish returns a context that ends
// when the share of a part is used up. A group that runs inside a part divides that share among its own parts.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Group is an ordered set of running parts; create it with New. Methods are safe for concurrent use.
type Group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	stages []stage
}

// stage holds the parts that stop at the same time, or one function that Stop calls.
type stage struct {
	parts []*part
	close func(context.Context) error
}

// New returns an empty group. Its context ends when ctx ends or when a part fails.
func New(ctx context.Context) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel}
}

// Context returns the context that ends when the group has to stop.
func (g *Group) Context() context.Context { return g.ctx }

// Fail makes the group stop with err. If the group runs inside a part of another group, that group stops too.
func (g *Group) Fail(err error) {
	g.cancel(err)
	if p, ok := g.ctx.Value(partKey{}).(*part); ok {
		p.group.Fail(err)
	}
}

// Go runs fn as a part until its context ends. The context of a part ends after every part added later has stopped. The
// group fails if fn returns an error, or returns before its context has ended.
func (g *Group) Go(name string, fn func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stages = append(g.stages, stage{parts: []*part{g.start(name, fn)}})
}

// RunWith runs fn like Go, but stops it together with the part added before it. Stop calls the functions that OnStop added
// between the two only after both parts have stopped.
func (g *Group) RunWith(name string, fn func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var joined stage
	for i, s := range slices.Backward(g.stages) {
		if len(s.parts) > 0 {
			joined = s
			g.stages = slices.Delete(g.stages, i, i+1)
			break
		}
	}
	joined.parts = append(joined.parts, g.start(name, fn))
	g.stages = append(g.stages, joined)
}

// OnStop adds a function that Stop calls after the parts added later have stopped. If the stop of one of these parts timed
// out, Stop does not call the function, because the part may still use the resource that the function closes. The function
// must return quickly.
func (g *Group) OnStop(name string, fn func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stages = append(g.stages, stage{close: func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}})
}

// Wait blocks until the group has to stop. It returns the first failure, or nil if the parent context was
// canceled or Stop was called.
func (g *Group) Wait() error {
	<-g.ctx.Done()
	if cause := context.Cause(g.ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// Run waits until the group has to stop, and then stops it with the context that Finish returns. It returns the first
// failure and the errors of the stop. It returns nil if the parent context was canceled and every part stopped without an
// error.
func (g *Group) Run() error {
	cause := g.Wait()
	ctx, cancel := Finish(g.ctx)
	defer cancel()
	return errors.Join(cause, g.Stop(ctx))
}

// Stop stops all parts in the reverse order and returns their errors, except the error that Wait returns. Each stage gets
// two thirds of the time left until the deadline of ctx, and the last stage to stop gets all of it. Without a deadline, the
// time is 20 seconds. If the stop of a part times out, Stop records an error and continues with the parts added before it.
func (g *Group) Stop(ctx context.Context) error {
	g.cancel(context.Canceled)
	g.mu.Lock()
	stages := g.stages
	g.stages = nil
	g.mu.Unlock()
	end, hasDeadline := ctx.Deadline()
	if !hasDeadline {
		end = time.Now().Add(defaultTimeout)
	}
	steps := 0
	for _, s := range stages {
		steps += min(1, len(s.parts))
	}
	var err error
	cause := context.Cause(g.ctx)
	for _, s := range slices.Backward(stages) {
		switch {
		case len(s.parts) > 0:
			share := time.Until(end)
			if steps--; steps > 0 {
				share = share * 2 / 3
			}
			err = errors.Join(err, s.stop(ctx, share, cause))
		case !errors.Is(err, errStopTimedOut):
			err = errors.Join(err, s.close(ctx))
		}
	}
	return err
}

// stop cancels the stage's parts and waits until they have stopped or share has passed. It returns the errors of the parts.
// It omits an error that wraps cause, because Wait returns cause, unless the error also reports a stop that timed out.
func (s stage) stop(ctx context.Context, share time.Duration, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, share)
	defer cancel()
	finish := time.Now().Add(share - share/20) // allow 5 % slack before reporting a timeout
	for _, p := range s.parts {
		p.stop(finish)
	}
	var err error
	for _, p := range s.parts {
		if e := p.wait(ctx); !errors.Is(e, cause) || errors.Is(e, errStopTimedOut) {
			err = errors.Join(err, e)
		}
	}
	return err
}
