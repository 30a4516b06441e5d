// Package lifecycle owns a process's goroutines and resources: it starts them in the order in which they were added and
// stops them in the reverse order, so that a part never outlives what it depends on.
//
// A stop has one deadline, which is shared out: each part learns by Finish how long it may take, and a group that is a
// part of another shares out what it was given.
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

	mu     sync.Mutex
	stages []stage
}

// stage is what stops at the same time: parts, or else the one function that close is.
type stage struct {
	parts []*part
	close func(context.Context) error
}

// New returns an empty group. Context is done when ctx is, or when a part fails.
func New(ctx context.Context) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel}
}

// Context ends when the group should stop.
func (g *Group) Context() context.Context { return g.ctx }

// Fail makes the group stop with err, and the group that it is a part of, which must not go on without it.
func (g *Group) Fail(err error) {
	g.cancel(err)
	if p, ok := g.ctx.Value(partKey{}).(*part); ok {
		p.group.Fail(err)
	}
}

// Go runs fn until its context ends. The context of each part ends only when every part added later has stopped. An
// error of fn, or its return before it was told to stop, fails the group.
func (g *Group) Go(name string, fn func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stages = append(g.stages, stage{parts: []*part{g.start(name, fn)}})
}

// RunWith runs fn as Go does, but it stops at the same time as the part that was added before it, and before what was added
// by OnStop since.
func (g *Group) RunWith(name string, fn func(context.Context) error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var beside stage
	for i, s := range slices.Backward(g.stages) {
		if len(s.parts) > 0 {
			beside = s
			g.stages = slices.Delete(g.stages, i, i+1)
			break
		}
	}
	beside.parts = append(beside.parts, g.start(name, fn))
	g.stages = append(g.stages, beside)
}

// OnStop adds a function that Stop calls, after those of the parts added later; but not once a part has been left behind,
// which may still use what the function closes. It is not to take long.
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

// Wait blocks until the group should stop and returns why: nil when the parent context ended, else the first failure.
func (g *Group) Wait() error {
	<-g.ctx.Done()
	if cause := context.Cause(g.ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// Run waits until the group should stop, stops it within the time that Finish tells, and returns why it ended: nil when
// the parent context did and every part stopped well.
func (g *Group) Run() error {
	cause := g.Wait()
	ctx, cancel := Finish(g.ctx)
	defer cancel()
	return errors.Join(cause, g.Stop(ctx))
}

// Stop stops every part, the last one added first, and returns their errors but the one that Wait returns. The parts of
// each step have two thirds of the time that is left until ctx ends, those of the last step all of it. A part that does
// not stop in its time is reported and left behind; the ones before it are still told to stop.
func (g *Group) Stop(ctx context.Context) error {
	g.cancel(context.Canceled)
	g.mu.Lock()
	stages := g.stages
	g.stages = nil
	g.mu.Unlock()
	end, bounded := ctx.Deadline()
	if !bounded {
		end = time.Now().Add(grace)
	}
	steps := 0
	for _, s := range stages {
		steps += min(1, len(s.parts))
	}
	var err error
	cause := context.Cause(g.ctx) // not told again, but a part that fails may have left one of its own behind
	for _, s := range slices.Backward(stages) {
		switch {
		case len(s.parts) > 0:
			share := time.Until(end)
			if steps--; steps > 0 {
				share = share * 2 / 3
			}
			err = errors.Join(err, s.stop(ctx, share, cause))
		case !errors.Is(err, errLeftBehind):
			err = errors.Join(err, s.close(ctx))
		}
	}
	return err
}

// stop tells the stage's parts to stop and waits for them. The error of the part that made the group stop is the cause,
// which Wait returns, and is not said twice, unless it tells more.
func (s stage) stop(ctx context.Context, share time.Duration, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, share)
	defer cancel()
	finish := time.Now().Add(share - share/20) // so that who takes all its time is not yet late
	for _, p := range s.parts {
		p.tell(finish)
	}
	var err error
	for _, p := range s.parts {
		if e := p.wait(ctx); !errors.Is(e, cause) || errors.Is(e, errLeftBehind) {
			err = errors.Join(err, e)
		}
	}
	return err
}
