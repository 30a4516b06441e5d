package ratelimit_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/ratelimit"
)

func TestValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		limit ratelimit.Limit
		ok    bool
	}{
		"none":           {ratelimit.Limit{}, true},
		"plain":          {ratelimit.Limit{N: 3, Per: time.Hour}, true},
		"negative":       {ratelimit.Limit{N: -1, Per: time.Hour}, false},
		"no time":        {ratelimit.Limit{N: 1}, false},
		"finer than one": {ratelimit.Limit{N: 2000, Per: time.Second}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.limit.Validate(); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
