package postgres

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
)

// call is one call of Add. Only the goroutine that commits the call's group writes tx and err. It closes done afterwards, so
// that the caller may read them.
type call struct {
	ctx   context.Context // the caller's context; if it ends before the call is applied, no transaction is added
	entry users.ValidEntry
	hash  []byte
	done  chan struct{}

	tx  users.Transaction
	err error
}

// Add implements [users.LedgerStore]. If ctx ends first, Add returns the error of ctx. A commit that is already running
// continues, so the transaction may still be added. The error is DEPENDENCY_UNAVAILABLE if the ledger is shutting down or
// too many calls are waiting.
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

// answer returns the results of the players' calls to the callers, and makes the next calls of these players ready.
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
