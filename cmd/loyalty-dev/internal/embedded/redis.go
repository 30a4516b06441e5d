package embedded

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// redisTick is the interval at which expired keys are removed. Each tick visits all keys, so a short interval would be
// expensive.
const redisTick = 200 * time.Millisecond

// Redis is an in-process Redis server. It stores nothing on disk: a restart ends all sessions and resets the rate limits.
// Durable data is in PostgreSQL and on the bus.
type Redis struct {
	server   *miniredis.Miniredis
	stop     chan struct{}
	expiring sync.WaitGroup
}

// StartRedis starts the server on a free port of 127.0.0.1. Clients must authenticate with the password.
func StartRedis(password string) (*Redis, error) {
	server := miniredis.NewMiniRedis()
	server.RequireAuth(password)
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	r := &Redis{server: server, stop: make(chan struct{})}
	r.expiring.Go(r.expire)
	return r, nil
}

// expire advances the clock of miniredis until Close, so that keys expire. Miniredis does not advance the clock.
func (r *Redis) expire() {
	tick := time.NewTicker(redisTick)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-r.stop:
			return
		case now := <-tick.C:
			r.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

// Addr returns the address of the server. Clients must use RESP2 without client-side caching.
func (r *Redis) Addr() string { return r.server.Addr() }

// Close stops the server.
func (r *Redis) Close() {
	close(r.stop)
	r.expiring.Wait()
	r.server.Close()
}
