package postgres

import (
	"context"
	"sync"
	"time"
)

const (
	// maxGroup is the maximum number of calls in one transaction.
	maxGroup = 256
	// groupTimeout limits the transaction of a group, so that one lock does not stop the other calls for long.
	groupTimeout = 5 * time.Second
)

// maxLone is the maximum number of calls that are handled alone at the same time.
const maxLone = 4

// newGroups returns groups that commit handles.
func newGroups[P, R any](commit func(ctx context.Context, group []*groupCall[P, R]) error) *groups[P, R] {
	return &groups[P, R]{commit: commit, lone: make(chan struct{}, maxLone)}
}

// groups handles concurrent calls in groups, with one transaction for each group. Calls that arrive during a commit form the
// next group. One of the calls of a group, its leader, runs the transaction; the others wait. If the transaction fails, each
// call is handled alone, so that only the call that causes the failure fails; see groups.once.
type groups[P, R any] struct {
	// commit handles a group and sets the results of its calls.
	commit func(ctx context.Context, group []*groupCall[P, R]) error

	// lone holds a token for each call that is handled alone, so that they do not take all connections.
	lone chan struct{}

	// once is true if no call is handled alone, because a transaction whose answer is lost must not be repeated.
	once bool

	mu      sync.Mutex
	waiting []*groupCall[P, R]
	busy    bool // a group is being committed
}

// groupCall is a call of groups.do.
type groupCall[P, R any] struct {
	params P
	result R
	err    error
	next   chan nextStep // receives one value at a time
}

// nextStep is what a waiting call does next.
type nextStep int

const (
	stepReturn nextStep = iota // the call is answered
	stepLead                   // the call is the leader of the next group
	stepAlone                  // the group failed; the call is handled alone
)

// do handles a call. It waits for its group even if ctx ends; the timeouts of the groups limit this time.
func (g *groups[P, R]) do(ctx context.Context, p P) (R, error) {
	c := &groupCall[P, R]{params: p, next: make(chan nextStep, 1)}
	step := g.join(c)
	if step == stepLead {
		step = g.lead(ctx, c)
	}
	if step == stepAlone {
		c.err = g.handleAlone(ctx, c)
	}
	return c.result, c.err
}

// handleAlone handles a call whose group has failed.
func (g *groups[P, R]) handleAlone(ctx context.Context, c *groupCall[P, R]) error {
	ctx, cancel := context.WithTimeout(ctx, groupTimeout)
	defer cancel()
	select {
	case g.lone <- struct{}{}:
		defer func() { <-g.lone }()
	case <-ctx.Done():
		return c.err // of the group
	}
	return g.commit(ctx, []*groupCall[P, R]{c})
}

// join adds a call to the next group. The call leads it if no group is being committed. Otherwise it waits.
func (g *groups[P, R]) join(c *groupCall[P, R]) nextStep {
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	lead := !g.busy
	g.busy = true
	g.mu.Unlock()
	if lead {
		return stepLead
	}
	return <-c.next
}

// lead commits the next group, which begins with the call c. It answers the other calls, makes the first waiting call the
// next leader, and returns what c does next. If commit panics, only c does.
func (g *groups[P, R]) lead(ctx context.Context, c *groupCall[P, R]) nextStep {
	group := g.take()
	step := stepAlone
	defer func() {
		for _, other := range group[1:] {
			other.err = c.err
			other.next <- step
		}
		g.pass()
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTimeout)
	defer cancel()
	c.err = g.commit(ctx, group)
	if c.err == nil || len(group) == 1 || g.once {
		step = stepReturn
	}
	return step
}

func (g *groups[P, R]) take() []*groupCall[P, R] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(maxGroup, len(g.waiting))
	group := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return group
}

// pass makes the first waiting call the leader of the next group.
func (g *groups[P, R]) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.busy = len(g.waiting) > 0; g.busy {
		g.waiting[0].next <- stepLead
	}
}
