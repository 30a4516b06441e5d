package users_test

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestLogin(t *testing.T) {
	h := newHouse(t)
	anna := h.register("anna@example.com")
	off := h.register("off@example.com")
	if _, err := h.Deactivate(t.Context(), anna.ID, off.ID); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		email, password string
		want            apperr.Code
	}{
		"right":                          {"anna@example.com", secret, ""},
		"e-mail in capitals and space":   {" ANNA@EXAMPLE.COM ", secret, ""},
		"wrong password":                 {"anna@example.com", "wrong horse", apperr.InvalidCredentials},
		"unknown e-mail":                 {"nobody@example.com", secret, apperr.InvalidCredentials},
		"deactivated, right password":    {"off@example.com", secret, apperr.AccountDeactivated},
		"deactivated, wrong password":    {"off@example.com", "wrong horse", apperr.InvalidCredentials},
		"white space is part of secrets": {"anna@example.com", secret + " ", apperr.InvalidCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			tokens, u, err := h.Login(t.Context(), users.Credentials{Email: tt.email, Password: tt.password}, users.RefreshTokenInBody, home)
			code(t, "login", err, tt.want)
			if err != nil {
				if tokens != (users.Tokens{}) || u != (users.User{}) {
					t.Errorf("a failed login gives %+v, %+v", tokens, u)
				}
				return
			}
			caller, err := h.verifier.Authenticate(t.Context(), tokens.Access.Token)
			if err != nil || caller.UserID != anna.ID || caller.Role != authn.RolePlayer {
				t.Errorf("the token speaks for %+v, %v", caller, err)
			}
			if tokens.In != users.RefreshTokenInBody || tokens.Refresh == "" || !caller.Expires.Equal(tokens.Access.Expires) {
				t.Errorf("the tokens are %+v", tokens)
			}
		})
	}
}

func TestFailedLoginsAreLimitedPerAccount(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	h.register("bob@example.com")
	most := users.DefaultLimits().LoginPerAccount.N
	for i := range most {
		from := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) // a botnet: every attempt from elsewhere
		if got := h.try("anna@example.com", "guess", from); got != apperr.InvalidCredentials {
			t.Fatalf("guess %d: %q", i+1, got)
		}
	}
	if got := h.try("ANNA@example.com", secret, home); got != apperr.RateLimited {
		t.Errorf("after %d failures: %q, want RATE_LIMITED", most, got)
	}
	if got := h.try("bob@example.com", secret, home); got != "" {
		t.Errorf("another account: %q", got)
	}
}

// However often somebody knocks while the database is away, or leaves before the answer, the account is not locked.
func TestWhatIsNoWrongPasswordIsNotCounted(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	often := 2 * users.DefaultLimits().LoginPerAccount.N
	h.store.away = apperr.New(apperr.DependencyUnavailable, "away")
	for range often {
		if got := h.try("anna@example.com", secret, home); got != apperr.DependencyUnavailable {
			t.Fatalf("without a database: %q", got)
		}
	}
	h.store.away = nil
	for range often {
		ctx, leave := context.WithCancel(t.Context())
		h.store.before = leave // once the password was right
		_, _, err := h.Login(ctx, users.Credentials{Email: "anna@example.com", Password: secret}, "", home)
		if apperr.CodeOf(err) == apperr.RateLimited {
			t.Fatalf("who leaves is counted: %v", err)
		}
	}
	h.store.before = nil
	if got := h.try("anna@example.com", secret, home); got != "" {
		t.Errorf("after it all: %q", got)
	}
}

func TestFailedLoginsAreLimitedPerAddress(t *testing.T) {
	limits := users.Limits{LoginPerAddress: ratelimit.Limit{N: 3, Per: time.Hour}}
	h := newHouseWith(t, cheap, limits)
	h.register("anna@example.com")
	network := netip.MustParsePrefix("2001:db8::/64").Addr()
	for i := range 3 {
		network = network.Next() // one host has them all
		if got := h.try(string(rune('a'+i))+"@example.com", "guess", network); got != apperr.InvalidCredentials {
			t.Fatalf("guess %d: %q", i+1, got)
		}
	}
	if got := h.try("anna@example.com", secret, network.Next()); got != apperr.RateLimited {
		t.Errorf("the fourth from one network: %q, want RATE_LIMITED", got)
	}
	if got := h.try("anna@example.com", secret, netip.MustParseAddr("2001:db8:0:1::1")); got != "" {
		t.Errorf("from the next network: %q", got)
	}
}

func TestSuccessfulLoginsAreNotCounted(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	for range 3 * users.DefaultLimits().LoginPerAccount.N {
		h.login("anna@example.com")
	}
}

func TestSuccessClearsTheClientsFailures(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	most := users.DefaultLimits().LoginPerAccount.N
	for round := range 3 {
		for range most - 1 {
			if got := h.try("anna@example.com", "wrong horse", home); got != apperr.InvalidCredentials {
				t.Fatalf("round %d, wrong password: %q, want INVALID_CREDENTIALS", round, got)
			}
		}
		if got := h.try("ANNA@example.com", secret, home); got != "" {
			t.Fatalf("round %d, right password: %q, want success", round, got)
		}
	}
}

func TestSuccessKeepsTheFailuresOfOtherClients(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	stranger := netip.MustParseAddr("198.51.100.7")
	most := users.DefaultLimits().LoginPerAccount.N
	for i := range most - 2 {
		if got := h.try("anna@example.com", "guess", stranger); got != apperr.InvalidCredentials {
			t.Fatalf("guess %d: %q, want INVALID_CREDENTIALS", i+1, got)
		}
	}
	h.try("anna@example.com", "wrong horse", home)
	h.login("anna@example.com")
	for i, want := range []apperr.Code{apperr.InvalidCredentials, apperr.InvalidCredentials, apperr.RateLimited} {
		if got := h.try("anna@example.com", "guess", stranger); got != want {
			t.Errorf("guess %d after the success: %q, want %q", i+1, got, want)
		}
	}
}

// A success must not clear the limit per address: else the owner of one account could guess the passwords of all others.
func TestSuccessKeepsTheLimitPerAddress(t *testing.T) {
	h := newHouseWith(t, cheap, users.Limits{LoginPerAddress: ratelimit.Limit{N: 3, Per: time.Hour}})
	h.register("mallory@example.com")
	for i, want := range []apperr.Code{
		apperr.InvalidCredentials, apperr.InvalidCredentials, apperr.InvalidCredentials, apperr.RateLimited,
	} {
		if i == 2 {
			h.login("mallory@example.com")
		}
		if got := h.try("anna@example.com", "guess", home); got != want {
			t.Errorf("guess %d: %q, want %q", i+1, got, want)
		}
	}
}

func TestParallelGuessesAndSuccesses(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	stranger := netip.MustParseAddr("198.51.100.7")
	most := users.DefaultLimits().LoginPerAccount.N
	var guesses atomic.Int32
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			for range 4 {
				h.try("anna@example.com", secret, home)
			}
		})
		all.Go(func() {
			for range most {
				if h.try("anna@example.com", "guess", stranger) == apperr.InvalidCredentials {
					guesses.Add(1)
				}
			}
		})
	}
	all.Wait()
	for range most { // those that were limited only by parallel logins
		if h.try("anna@example.com", "guess", stranger) == apperr.InvalidCredentials {
			guesses.Add(1)
		}
	}
	if n := int(guesses.Load()); n != most {
		t.Errorf("%d guesses were checked, want %d", n, most)
	}
}

func TestDeactivationDuringLogin(t *testing.T) {
	h := newHouse(t)
	anna := h.register("anna@example.com")
	h.store.before = func() { // the session stands, and its user is about to be read again
		h.store.before = nil
		if _, err := h.store.SetActive(t.Context(), anna.ID, false); err != nil {
			t.Error(err)
		}
	}
	if got := h.try("anna@example.com", secret, home); got != apperr.AccountDeactivated {
		t.Errorf("got %q, want ACCOUNT_DEACTIVATED", got)
	}
	if n, err := h.sessions.EndAllOf(t.Context(), anna.ID); err != nil || n != 0 {
		t.Errorf("%d sessions are left (%v), want none", n, err)
	}
}

// Who resets a stolen password ends the sessions; a login with the old one under way then must not leave a new one.
func TestPasswordChangeDuringLogin(t *testing.T) {
	h := newHouse(t)
	if _, err := h.EnsureAdmin(t.Context(), "boss@example.com", secret, false); err != nil {
		t.Fatal(err)
	}
	h.store.before = func() { // the session stands, and its user is about to be read again
		h.store.before = nil
		if _, err := h.EnsureAdmin(t.Context(), "boss@example.com", "another horse", true); err != nil {
			t.Error(err)
		}
	}
	if got := h.try("boss@example.com", secret, home); got != apperr.InvalidCredentials {
		t.Errorf("got %q, want INVALID_CREDENTIALS", got)
	}
	boss, _ := h.store.UserByEmail(t.Context(), "boss@example.com")
	if n, err := h.sessions.EndAllOf(t.Context(), boss.ID); err != nil || n != 0 {
		t.Errorf("%d sessions are left (%v), want none", n, err)
	}
}

func TestLoginRenewsTheHash(t *testing.T) {
	h := newHouse(t)
	anna := h.register("anna@example.com")
	dearer := newHouseWith(t, password.Params{Memory: 128, Passes: 1, Threads: 1}, users.DefaultLimits())
	dearer.store.users = h.store.users
	before, _ := dearer.store.User(t.Context(), anna.ID)
	dearer.login("anna@example.com")
	after, _ := dearer.store.User(t.Context(), anna.ID)
	dearer.login("anna@example.com")
	last, _ := dearer.store.User(t.Context(), anna.ID)
	if before.PasswordHash == after.PasswordHash || after.PasswordHash != last.PasswordHash {
		t.Errorf("the hash went from %q to %q to %q, want one change", before.PasswordHash, after.PasswordHash, last.PasswordHash)
	}
}
