package users_test

import (
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestEveryLimitThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	if err := users.DefaultLimits().Validate(); err != nil {
		t.Errorf("the default limits: %v", err)
	}
	negative := ratelimit.Limit{N: -1, Per: time.Hour}
	limits := users.Limits{LoginPerAccount: negative, LoginPerAddress: negative, RegisterPerAddress: negative}
	const want = `LoginPerAccount: a rate limit allows one or more
LoginPerAddress: a rate limit allows one or more
RegisterPerAddress: a rate limit allows one or more`
	if err := limits.Validate(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
