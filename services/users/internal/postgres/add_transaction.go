package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
)

// call is one call of Add. Only the goroutine that commits its group writes tx and err, before it closes done.
type call struct {
	ctx   context.Context // the caller's; a call whose ctx has ended before it is applied is not added
	entry users.ValidEntry
	hash  []byte
	done  chan struct{}

	tx  users.Transaction
	err error
}

// Add implements [users.LedgerStore]. If ctx ends while the call's group is being committed, Add returns the error of ctx
// and the commit continues.
func (l *Ledger) Add(ctx context.Context, e users.ValidEntry) (users.Transaction, error) {
	hash := e.ContentHash()
	c := &call{ctx: ctx, entry: e, hash: hash[:], done: make(chan struct{})}
	if err := l.enqueue(c); err != nil {
		return users.Transaction{}, err
	}
	select {
	case <-c.done:
		return c.tx, c.err
	case <-ctx.Done():
		return users.Transaction{}, ctx.Err()
	}
}

func (l *Ledger) enqueue(c *call) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return apperr.New(apperr.DependencyUnavailable, "the ledger is shutting down")
	case l.queue.waiting >= l.options.MaxWaiting:
		return apperr.New(apperr.DependencyUnavailable, "too many calls are waiting for the ledger")
	}
	l.queue.push(c)
	l.startCommits()
	return nil
}

// answer returns the results of players' calls to their callers and makes the next calls of these players ready.
func (l *Ledger) answer(players []*playerCalls) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range players {
		l.queue.release(p)
		for _, c := range p.calls {
			close(c.done)
		}
	}
}
