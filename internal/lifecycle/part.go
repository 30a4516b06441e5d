package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// grace is how long a part may take to stop that nobody has told.
const grace = 20 * time.Second

// errLeftBehind marks what Stop returns of a part that did not stop, here or in a group within.
var errLeftBehind = errors.New("did not stop in time")

// part is one running function.
type part struct {
	name   string
	group  *Group
	cancel context.CancelFunc
	finish atomic.Pointer[time.Time] // when it is to have stopped; set before it is told
	done   chan error
}

// partKey is under which the context of a part holds it.
type partKey struct{}

// Deadline returns when a part whose context has ended is to have stopped, and false if ctx is not that of such a part.
func Deadline(ctx context.Context) (time.Time, bool) {
	if p, ok := ctx.Value(partKey{}).(*part); ok {
		if told := p.finish.Load(); told != nil {
			return *told, true
		}
	}
	return time.Time{}, false
}

// Finish returns the context of what a part does after its own context has ended: it ends at the part's Deadline. Without
// one it ends in 20 seconds.
func Finish(ctx context.Context) (context.Context, context.CancelFunc) {
	end, told := Deadline(ctx)
	if !told {
		end = time.Now().Add(grace)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

// start runs fn as a part of the group.
func (g *Group) start(name string, fn func(context.Context) error) *part {
	p := &part{name: name, group: g, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(g.ctx), partKey{}, p))
	p.cancel = cancel
	go func() {
		err := fn(ctx)
		early := ctx.Err() == nil
		switch {
		case err != nil && (!errors.Is(err, context.Canceled) || errors.Is(err, errLeftBehind)):
			err = fmt.Errorf("%s: %w", name, err)
			g.Fail(err)
		case early:
			stopped := fmt.Errorf("%s stopped by itself", name)
			if err != nil {
				// A context of the part's own was cancelled. That is kept as text: Wait takes an error that wraps
				// context.Canceled for the end of the parent context, which is no failure.
				stopped = fmt.Errorf("%w: %s", stopped, err.Error())
			}
			err = stopped
			g.Fail(err)
		default:
			err = nil
		}
		p.done <- err
	}()
	return p
}

// tell tells the part to stop by finish.
func (p *part) tell(finish time.Time) {
	p.finish.Store(&finish)
	p.cancel()
}

// wait waits for the part until ctx ends.
func (p *part) wait(ctx context.Context) error {
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-p.done:
		return err
	default:
		return fmt.Errorf("%s %w", p.name, errLeftBehind)
	}
}
