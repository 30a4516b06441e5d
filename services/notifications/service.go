// Package notifications is the domain of the players' notifications. It stores each notification once, pushes it to the
// player's open connections, and records which notifications were read.
//
// A player's notifications have the sequence numbers 1, 2, 3, … without gap or duplicate, and none is ever deleted. List
// pages, resumed connections and counts depend on these numbers.
package notifications

import (
	"time"

	"github.com/casino-loyalty/loyalty/internal/clock"
)

// Service implements the use cases. It is safe for concurrent use.
type Service struct {
	store Store
	live  Live
	now   func() time.Time
}

// New returns a service on a store and the live connections. now is the clock, time.Now in production.
func New(store Store, live Live, now func() time.Time) *Service {
	return &Service{store: store, live: live, now: clock.Stored(now, time.Millisecond)}
}
