package websocket

import "context"

// turns lets few connections at a time read the store: after a lost connection to Redis, or to a replica, all of them
// want to. Its capacity is how many may.
type turns chan struct{}

// take waits for a turn, which the caller gives back. It returns the error of ctx if that ends before.
func (t turns) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turns) give() { <-t }
