package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// defaultTimeout is the time that a stop without a deadline may take.
const defaultTimeout = 20 * time.Second

// errStopTimedOut marks the error of a part that did not stop in time, in this group or in a group inside a part.
var errStopTimedOut = errors.New("stop timed out")

// part is one running function.
type part struct {
	name   string
	group  *Group
	cancel context.CancelFunc
	finish atomic.Pointer[time.Time] // deadline of the stop; set before cancel is called
	done   chan error
}

// partKey is the context key of a part.
type partKey struct{}

// Deadline returns the time by which a part must have stopped. It returns false if ctx is not the context of a part, or if
// the part has not been asked to stop.
func Deadline(ctx context.Context) (time.Time, bool) {
	if p, ok := ctx.Value(partKey{}).(*part); ok {
		if finish := p.finish.Load(); finish != nil {
			return *finish, true
		}
	}
	return time.Time{}, false
}

// Finish returns a context for the work that a part does after its own context has ended. The returned context ends at the
// part's Deadline, or after 20 seconds if the part has none.
func Finish(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := Deadline(ctx)
	if !ok {
		end = time.Now().Add(defaultTimeout)
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}

// start runs fn in a goroutine as a part of the group.
func (g *Group) start(name string, fn func(context.Context) error) *part {
	p := &part{name: name, group: g, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(g.ctx), partKey{}, p))
	p.cancel = cancel
	go func() {
		err := fn(ctx)
		early := ctx.Err() == nil
		switch {
		case err != nil && (!errors.Is(err, context.Canceled) || errors.Is(err, errStopTimedOut)):
			err = fmt.Errorf("%s: %w", name, err)
			g.Fail(err)
		case early:
			stopped := fmt.Errorf("%s returned before it was stopped", name)
			if err != nil {
				// The part returned context.Canceled from a context that it created itself. The new error contains only the
				// text of err, because Wait returns nil for an error that wraps context.Canceled.
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

// stop asks the part to stop by finish.
func (p *part) stop(finish time.Time) {
	p.finish.Store(&finish)
	p.cancel()
}

// wait waits for the part and returns its error. It returns errStopTimedOut if ctx ends first.
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
		return fmt.Errorf("%s: %w", p.name, errStopTimedOut)
	}
}
