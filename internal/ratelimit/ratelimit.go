// Package ratelimit describes rate limits.
package ratelimit

import (
	"errors"
	"time"
)

// Limit allows bursts of N events, and N events per duration Per in the long run. The zero value allows everything.
type Limit struct {
	N   int
	Per time.Duration
}

// The errors of Validate.
var (
	errNotPositive = errors.New("a rate limit must be at least 1")
	errTooFrequent = errors.New("a rate limit must not allow more than one event per millisecond")
)

// Validate returns an error if the limit allows less than one event, or more than one event per millisecond. The zero value
// is valid.
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
