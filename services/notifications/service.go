// Package notifications is the domain of what players are told: it stores each notification once, in an order of its
// own for every player, pushes it to the player's open connections, and keeps what was read.
//
// A player's notifications are numbered 1, 2, 3, … without gap or duplicate, and none is ever deleted. On this number
// rest the pages of a list, the resumption of a connection and the counts.
package notifications

import (
	"time"

	"github.com/casino-loyalty/loyalty/internal/clock"
)

// Service holds the use cases. It is safe for concurrent use.
type Service struct {
	store Store
	live  Live
	now   func() time.Time
}

// New returns the use cases over a store and the live connections. now is the clock, time.Now in production.
func New(store Store, live Live, now func() time.Time) *Service {
	return &Service{store: store, live: live, now: clock.Stored(now, time.Millisecond)}
}
