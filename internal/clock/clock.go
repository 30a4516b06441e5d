// Package clock provides clocks with the precision of a database.
package clock

import "time"

// Stored returns a clock that calls now and returns the time in UTC, truncated to precision. With the precision of the
// database, a time that is stored and read back is unchanged. PostgreSQL stores microseconds, and MongoDB stores
// milliseconds.
func Stored(now func() time.Time, precision time.Duration) func() time.Time {
	return func() time.Time { return now().UTC().Truncate(precision) }
}
