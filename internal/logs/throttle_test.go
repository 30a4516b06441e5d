package logs_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/logs"
)

func TestThrottle(t *testing.T) {
	now := time.Unix(1700000000, 0)
	throttle := logs.NewThrottle(2, func() time.Time { return now })
	check := func(kind string, wantSuppressed int, wantOK bool) {
		t.Helper()
		if suppressed, ok := throttle.Allow(kind); suppressed != wantSuppressed || ok != wantOK {
			t.Errorf("Allow(%q) = %d, %t, want %d, %t", kind, suppressed, ok, wantSuppressed, wantOK)
		}
	}
	check("login", 0, true)
	check("login", 0, true)
	check("login", 0, false)
	check("login", 0, false)
	check("logout", 0, true) // another kind has its own limit
	now = now.Add(time.Second)
	check("login", 2, true)
	check("login", 0, true)
	check("login", 0, false)
	now = now.Add(-time.Hour) // the clock goes back
	check("login", 1, true)
}
