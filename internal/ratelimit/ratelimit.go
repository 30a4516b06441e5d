// Package ratelimit describes rate limits.
package ratelimit

import (
	"errors"
	"time"
)

// Limit allows N events at once, and N per Per in the long run. The zero value allows everything.
type Limit struct {
	N   int
	Per time.Duration
}

// The errors of Validate.
var (
	errNotPositive = errors.New("a rate limit must be at least 1")
	errTooFrequent = errors.New("a rate limit must not allow more than one event per millisecond")
)

// Validate returns an error unless the limit is zero, or allows at least one event and at most one per millisecond.
func (l Limit) Validate() error {
	switch {
	case l == Limit{}:
		return nil
	case l.N < 1:
		return errNotPositive
	case l.Interval() < time.Millisecond:
		return errTooFrequent
	}
	return nil
}

// Interval returns the time after which one more event is allowed, in whole microseconds.
func (l Limit) Interval() time.Duration {
	return (l.Per / time.Duration(max(1, l.N))).Truncate(time.Microsecond)
}
