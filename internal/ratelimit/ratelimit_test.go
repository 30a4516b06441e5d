package ratelimit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/ratelimit"
)

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		limit ratelimit.Limit
		valid bool
	}{
		"zero":              {ratelimit.Limit{}, true},
		"three an hour":     {ratelimit.Limit{N: 3, Per: time.Hour}, true},
		"one a millisecond": {ratelimit.Limit{N: 1000, Per: time.Second}, true},
		"negative":          {ratelimit.Limit{N: -1, Per: time.Hour}, false},
		"no events":         {ratelimit.Limit{N: 0, Per: time.Hour}, false},
		"no period":         {ratelimit.Limit{N: 1}, false},
		"two a millisecond": {ratelimit.Limit{N: 2000, Per: time.Second}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.limit.Validate(); (err == nil) != tt.valid {
				t.Errorf("Validate() = %v, want valid %t", err, tt.valid)
			}
		})
	}
}

func ExampleLimit_Interval() {
	failedLogins := ratelimit.Limit{N: 10, Per: 10 * time.Minute}
	fmt.Println("a burst of ten, then one every", failedLogins.Interval())
	// Output: a burst of ten, then one every 1m0s
}
