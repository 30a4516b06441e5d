// Package clock provides clocks with the precision of a database.
package clock

import "time"

// Stored returns a clock that returns the times of now in UTC, truncated to the precision of a database, so that a stored
// time equals the one that is read back. PostgreSQL stores microseconds, MongoDB milliseconds.
func Stored(now func() time.Time, precision time.Duration) func() time.Time {
	return func() time.Time { return now().UTC().Truncate(precision) }
}
