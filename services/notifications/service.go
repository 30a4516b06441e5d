// Package notifications is the domain of the players' notifications. It stores each notification once, pushes it to the
// player's open connections, and records which notifications were read.
//
// A player's notifications have the sequence numbers 1, 2, 3, … without gaps or duplicates. Notifications are never deleted.
// List pages, resumed connections and counts depend on both properties.
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

// New returns a service that stores notifications in store and pushes them through live. Production code passes time.Now as
// now.
func New(store Store, live Live, now func() time.Time) *Service {
	return &Service{store: store, live: live, now: clock.Stored(now, time.Millisecond)}
}
