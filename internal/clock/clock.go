// Package clock tells the time as it is kept.
package clock

import "time"

// Stored returns a clock that shows what now does, in UTC and with the precision of where it is kept, so that what is read
// there later is what was written. PostgreSQL keeps microseconds, MongoDB milliseconds.
func Stored(now func() time.Time, precision time.Duration) func() time.Time {
	return func() time.Time { return now().UTC().Truncate(precision) }
}
