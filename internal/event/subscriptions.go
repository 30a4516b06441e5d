package event

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed is the error of subscribing to a bus that was closed.
var ErrClosed = errors.New("the bus is closed")

// Subscriptions are a bus's running subscriptions. It is for drivers; its methods are safe for concurrent use.
type Subscriptions struct {
	closing context.Context
	close   context.CancelFunc
	mu      sync.Mutex // no subscription begins while Close waits for the last one
	running sync.WaitGroup
}

// NewSubscriptions returns an open set without any.
func NewSubscriptions() *Subscriptions {
	s := &Subscriptions{}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Begin adds a subscription, or returns ErrClosed. The subscription's context ends with ctx, or when the set is closed; it
// calls done when it has ended.
func (s *Subscriptions) Begin(ctx context.Context) (_ context.Context, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return nil, nil, ErrClosed
	}
	s.running.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	detach := context.AfterFunc(s.closing, cancel)
	return ctx, func() { detach(); cancel(); s.running.Done() }, nil
}

// Close ends every subscription and returns when the last one is done.
func (s *Subscriptions) Close() {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.running.Wait()
}
