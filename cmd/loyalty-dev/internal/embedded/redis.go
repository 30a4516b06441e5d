package embedded

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// redisTick is how coarsely Redis expires keys. Each tick visits all of them, so it is not made finer without need.
const redisTick = 200 * time.Millisecond

// Redis is an in-process Redis. It keeps nothing: a restart ends the sessions, so everybody logs in anew, and forgets
// the rate limits. All that must last is in PostgreSQL or on the bus.
type Redis struct {
	server *miniredis.Miniredis
	stop   chan struct{}
	ticker sync.WaitGroup
}

// StartRedis listens on a free port of 127.0.0.1.
func StartRedis() (*Redis, error) {
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	r := &Redis{server: server, stop: make(chan struct{})}
	r.ticker.Go(r.expire)
	return r, nil
}

// expire ages the keys by the time that really passed: by itself miniredis stands still.
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

// Addr is its host and port. Clients speak RESP2 to it and do without client-side caching.
func (r *Redis) Addr() string { return r.server.Addr() }

// Close stops it.
func (r *Redis) Close() {
	close(r.stop)
	r.ticker.Wait()
	r.server.Close()
}
