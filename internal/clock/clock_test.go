package clock_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/clock"
)

func TestStored(t *testing.T) {
	t.Parallel()
	now := func() time.Time {
		return time.Date(2026, 3, 10, 12, 30, 15, 123_456_789, time.FixedZone("UTC+1", 3600))
	}
	for precision, want := range map[time.Duration]time.Time{
		time.Microsecond: time.Date(2026, 3, 10, 11, 30, 15, 123_456_000, time.UTC),
		time.Millisecond: time.Date(2026, 3, 10, 11, 30, 15, 123_000_000, time.UTC),
	} {
		if got := clock.Stored(now, precision)(); got != want {
			t.Errorf("time with precision %v is %v, want %v", precision, got, want)
		}
	}
}
