package notifications

import "time"

// Service holds the use cases. It is safe for concurrent use.
type Service struct {
	store Store
	live  Live
	now   func() time.Time
}

// New returns the use cases over a store and the live connections. now is the clock, time.Now in production.
func New(store Store, live Live, now func() time.Time) *Service {
	return &Service{store: store, live: live, now: now}
}
