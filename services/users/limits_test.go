package users_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/limits"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestValidateNamesEveryInvalidLimit(t *testing.T) {
	t.Parallel()
	if err := users.DefaultLimits().Validate(); err != nil {
		t.Errorf("the default limits are invalid: %v", err)
	}
	negative := ratelimit.Limit{N: -1, Per: time.Hour}
	invalid := users.Limits{LoginPerAccount: negative, LoginPerAddress: negative, RegisterPerAddress: negative}
	const want = `LoginPerAccount: a rate limit must be at least 1
LoginPerAddress: a rate limit must be at least 1
RegisterPerAddress: a rate limit must be at least 1`
	if err := invalid.Validate(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestDocumentedLimit compares the limit of refreshes with the table in docs/limits.md.
func TestDocumentedLimit(t *testing.T) {
	t.Parallel()
	want := ratelimit.Limit{N: limits.RefreshesPerSession, Per: limits.RefreshPeriod}
	if got := users.DefaultLimits().RefreshPerSession; got != want {
		t.Errorf("DefaultLimits().RefreshPerSession = %+v, want %+v", got, want)
	}
}

// TestWrongCodesOfADayAreLimited has no limit of failed logins, so only the limit of wrong codes counts.
func TestWrongCodesOfADayAreLimited(t *testing.T) {
	f := startWith(t, fastHash, users.Limits{})
	const email = "boss@example.com"
	if _, err := f.EnsureAdmin(t.Context(), email, secret, false); err != nil {
		t.Fatal(err)
	}
	login := func(address, code string) apperr.Code {
		from := testClient()
		from.Address = netip.MustParseAddr(address)
		_, _, err := f.Login(t.Context(), users.Credentials{Email: email, Password: secret, Code: code}, "", from)
		return apperr.CodeOf(err)
	}
	if got := login("192.0.2.77", ""); got != "" {
		t.Fatalf("the login without a factor failed with %s", got)
	}
	u, err := f.store.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	f.store.factor = users.SecondFactor{User: u.ID, Active: true}
	wrong := 0
	for login("192.0.2.1", "AAAAA-BBBBB") == apperr.MfaCodeInvalid && wrong < 100 {
		wrong++
	}
	if wrong != 50 {
		t.Errorf("%d wrong codes were checked, want 50", wrong)
	}
	for address, want := range map[string]apperr.Code{
		"192.0.2.2": apperr.RateLimited, "192.0.2.77": apperr.MfaCodeInvalid, // the address of the first login
	} {
		if got := login(address, "AAAAA-BBBBB"); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
