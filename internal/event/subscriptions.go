package event

import (
	"context"
	"errors"
	"sync"
)

// ErrClosed is returned by Subscribe on a closed bus.
var ErrClosed = errors.New("the bus is closed")

// Subscriptions tracks the running subscriptions of a bus. It is for drivers. Its methods are safe for concurrent use.
type Subscriptions struct {
	closing context.Context
	close   context.CancelFunc
	mu      sync.Mutex // orders Begin before or after Close
	running sync.WaitGroup
}

// NewSubscriptions returns an empty, open set.
func NewSubscriptions() *Subscriptions {
	s := &Subscriptions{}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Begin adds a subscription and returns its context, which ends when ctx ends or the set is closed. The caller must call
// done when the subscription has ended. Begin returns ErrClosed if the set is closed.
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

// Close ends all subscriptions and waits until each has called done. It is idempotent.
func (s *Subscriptions) Close() {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.running.Wait()
}
