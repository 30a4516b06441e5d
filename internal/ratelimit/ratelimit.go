// Package ratelimit says how often something may happen.
package ratelimit

import (
	"errors"
	"time"
)

// Limit allows N at once, and N for each Per in the long run. The zero value allows everything.
type Limit struct {
	N   int
	Per time.Duration
}

// Validate returns what is wrong with a limit.
func (l Limit) Validate() error {
	switch {
	case l == Limit{}:
		return nil
	case l.N < 1:
		return errors.New("a rate limit allows one or more")
	case l.Interval() < time.Millisecond:
		return errors.New("a rate limit allows one a millisecond at most")
	}
	return nil
}

// Interval is the time in which one more is allowed, in whole microseconds.
func (l Limit) Interval() time.Duration {
	return (l.Per / time.Duration(max(1, l.N))).Truncate(time.Microsecond)
}
