package users_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestValidateNamesEveryInvalidLimit(t *testing.T) {
	t.Parallel()
	if err := users.DefaultLimits().Validate(); err != nil {
		t.Errorf("the default limits are invalid: %v", err)
	}
	negative := ratelimit.Limit{N: -1, Per: time.Hour}
	limits := users.Limits{LoginPerAccount: negative, LoginPerAddress: negative, RegisterPerAddress: negative}
	const want = `LoginPerAccount: a rate limit must be at least 1
LoginPerAddress: a rate limit must be at least 1
RegisterPerAddress: a rate limit must be at least 1`
	if err := limits.Validate(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
