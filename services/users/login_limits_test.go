package users_test

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestFailedLoginsAreLimitedPerAccount(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	f.register("bob@example.com")
	limit := users.DefaultLimits().LoginPerAccount.N
	for i := range limit {
		from := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) // each guess comes from another address
		if got := f.tryLogin("anna@example.com", "guess", from); got != apperr.InvalidCredentials {
			t.Fatalf("guess %d: %q, want INVALID_CREDENTIALS", i+1, got)
		}
	}
	if got := f.tryLogin("ANNA@example.com", secret, clientAddr); got != apperr.RateLimited {
		t.Errorf("login after %d failures: %q, want RATE_LIMITED", limit, got)
	}
	if got := f.tryLogin("bob@example.com", secret, clientAddr); got != "" {
		t.Errorf("login to another account: %q, want success", got)
	}
}

// TestStrangersCannotLockAnAccount checks that a device and an address that logged in before have their own limits.
func TestStrangersCannotLockAnAccount(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	f.register("bob@example.com")
	device := f.login("anna@example.com").Device
	bobs := f.login("bob@example.com").Device
	limit := users.DefaultLimits().LoginPerAccount.N
	stranger, elsewhere := netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("203.0.113.9")
	try := func(password, device string, from netip.Addr) apperr.Code {
		credentials := users.Credentials{Email: "anna@example.com", Password: password, Device: device}
		_, _, err := f.Login(t.Context(), credentials, "", session.NewClient(from, "test"))
		return apperr.CodeOf(err)
	}
	lock := func(device string, from netip.Addr) {
		t.Helper()
		for i := range limit {
			if got := try("guess", device, from); got != apperr.InvalidCredentials {
				t.Fatalf("guess %d: %q, want INVALID_CREDENTIALS", i+1, got)
			}
		}
		if got := try(secret, device, from); got != apperr.RateLimited {
			t.Fatalf("login after %d guesses: %q, want RATE_LIMITED", limit, got)
		}
	}
	lock("", stranger)
	for name, token := range map[string]string{
		"a forged device token": device[:len(device)-1] + "x", "the device token of another account": bobs, "garbage": "x",
	} {
		if got := try(secret, token, elsewhere); got != apperr.RateLimited {
			t.Errorf("login with %s: %q, want RATE_LIMITED", name, got)
		}
	}
	if got := try(secret, device, elsewhere); got != "" {
		t.Errorf("login from a known device: %q, want success", got)
	}
	if got := try(secret, "", clientAddr); got != "" {
		t.Errorf("login from a known address: %q, want success", got)
	}
	lock("", clientAddr) // a neighbour uses up the limit of the known address
	if got := try(secret, device, clientAddr); got != "" {
		t.Errorf("login from a known device: %q, want success", got)
	}
	lock(device, clientAddr) // a stolen device token is limited, too
	if err := f.redis.Do(t.Context(), f.redis.B().Flushall().Build()).Error(); err != nil {
		t.Fatal(err)
	}
	lock("", stranger)
	if got := try(secret, device, elsewhere); got != "" {
		t.Errorf("login from a known device after Redis lost its data: %q, want success", got)
	}
}

// TestFormerClientsShareALimit collects device tokens and known addresses, as somebody who knows the password can, and uses
// them after the owner has changed the password.
func TestFormerClientsShareALimit(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	own := f.login("anna@example.com")
	try := func(password, device string, from netip.Addr) (users.Tokens, apperr.Code) {
		credentials := users.Credentials{Email: "anna@example.com", Password: password, Device: device}
		tokens, _, err := f.Login(t.Context(), credentials, "", session.NewClient(from, "test"))
		return tokens, apperr.CodeOf(err)
	}
	var devices []string
	var addresses []netip.Addr
	for i := range 5 {
		address := netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		tokens, code := try(secret, "", address)
		if code != "" {
			t.Fatal(code)
		}
		devices, addresses = append(devices, tokens.Device), append(addresses, address)
	}
	if err := f.ChangePassword(t.Context(), f.change(own, secret)); err != nil {
		t.Fatal(err)
	}
	stranger, elsewhere := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.9")
	for code := apperr.InvalidCredentials; code == apperr.InvalidCredentials; {
		_, code = try("guess", "", stranger)
	}
	current, code := try(newSecret, own.Device, elsewhere)
	if code != "" {
		t.Errorf("login from a former device while strangers guess: %q, want success", code)
	}
	guesses := 0
	for i := range 3 * users.DefaultLimits().LoginPerAccount.N {
		for _, c := range []struct {
			device string
			from   netip.Addr
		}{{devices[i%5], elsewhere}, {"", addresses[i%5]}} {
			if _, code := try("guess", c.device, c.from); code == apperr.InvalidCredentials {
				guesses++
			} else if code != apperr.RateLimited {
				t.Fatalf("guess %d: %q", guesses+1, code)
			}
		}
	}
	if want := 2 * users.DefaultLimits().LoginPerAccount.N; guesses != want {
		t.Errorf("former devices and addresses had %d guesses, want %d", guesses, want)
	}
	if _, code := try(newSecret, current.Device, elsewhere); code != "" {
		t.Errorf("login from a device that logged in after the change: %q, want success", code)
	}
}

// TestOutagesAndCancelledLoginsAreNotCounted checks that only wrong credentials count as failed logins. Otherwise an outage
// of the database or a cancelled request would lock the account.
func TestOutagesAndCancelledLoginsAreNotCounted(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	attempts := 2 * users.DefaultLimits().LoginPerAccount.N
	f.store.emailErr = apperr.New(apperr.DependencyUnavailable, "the database cannot be reached")
	for range attempts {
		if got := f.tryLogin("anna@example.com", secret, clientAddr); got != apperr.DependencyUnavailable {
			t.Fatalf("login during an outage: %q, want DEPENDENCY_UNAVAILABLE", got)
		}
	}
	f.store.emailErr = nil
	for range attempts {
		ctx, cancel := context.WithCancel(t.Context())
		f.store.beforeUser = cancel // after the password was verified
		_, _, err := f.Login(ctx, users.Credentials{Email: "anna@example.com", Password: secret}, "", testClient())
		if apperr.CodeOf(err) == apperr.RateLimited {
			t.Fatalf("a cancelled login: %v", err)
		}
	}
	f.store.beforeUser = nil
	if got := f.tryLogin("anna@example.com", secret, clientAddr); got != "" {
		t.Errorf("login afterwards: %q, want success", got)
	}
}

func TestFailedLoginsAreLimitedPerAddress(t *testing.T) {
	limits := users.Limits{LoginPerAddress: ratelimit.Limit{N: 3, Per: time.Hour}}
	f := startWith(t, fastHash, limits)
	f.register("anna@example.com")
	network := netip.MustParsePrefix("2001:db8::/64").Addr()
	for i := range 3 {
		network = network.Next() // one host can use every address of its network
		if got := f.tryLogin(string(rune('a'+i))+"@example.com", "guess", network); got != apperr.InvalidCredentials {
			t.Fatalf("guess %d: %q, want INVALID_CREDENTIALS", i+1, got)
		}
	}
	if got := f.tryLogin("anna@example.com", secret, network.Next()); got != apperr.RateLimited {
		t.Errorf("fourth login from one network: %q, want RATE_LIMITED", got)
	}
	if got := f.tryLogin("anna@example.com", secret, netip.MustParseAddr("2001:db8:0:1::1")); got != "" {
		t.Errorf("login from another network: %q, want success", got)
	}
}

func TestSuccessfulLoginsAreNotCounted(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	for range 3 * users.DefaultLimits().LoginPerAccount.N {
		f.login("anna@example.com")
	}
}

func TestSuccessClearsTheClientsFailures(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	limit := users.DefaultLimits().LoginPerAccount.N
	for round := range 3 {
		for range limit - 1 {
			if got := f.tryLogin("anna@example.com", "wrong horse", clientAddr); got != apperr.InvalidCredentials {
				t.Fatalf("round %d, wrong password: %q, want INVALID_CREDENTIALS", round, got)
			}
		}
		if got := f.tryLogin("ANNA@example.com", secret, clientAddr); got != "" {
			t.Fatalf("round %d, right password: %q, want success", round, got)
		}
	}
}

func TestSuccessKeepsTheFailuresOfOtherClients(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	stranger := netip.MustParseAddr("198.51.100.7")
	limit := users.DefaultLimits().LoginPerAccount.N
	for i := range limit - 2 {
		if got := f.tryLogin("anna@example.com", "guess", stranger); got != apperr.InvalidCredentials {
			t.Fatalf("guess %d: %q, want INVALID_CREDENTIALS", i+1, got)
		}
	}
	f.tryLogin("anna@example.com", "wrong horse", clientAddr)
	f.login("anna@example.com")
	for i, want := range []apperr.Code{apperr.InvalidCredentials, apperr.InvalidCredentials, apperr.RateLimited} {
		if got := f.tryLogin("anna@example.com", "guess", stranger); got != want {
			t.Errorf("guess %d after the success: %q, want %q", i+1, got, want)
		}
	}
}

// TestSuccessKeepsTheLimitPerAddress checks that a successful login does not clear the failures of its address. Otherwise
// the owner of one account could guess the passwords of all others.
func TestSuccessKeepsTheLimitPerAddress(t *testing.T) {
	f := startWith(t, fastHash, users.Limits{LoginPerAddress: ratelimit.Limit{N: 3, Per: time.Hour}})
	f.register("mallory@example.com")
	for i, want := range []apperr.Code{
		apperr.InvalidCredentials, apperr.InvalidCredentials, apperr.InvalidCredentials, apperr.RateLimited,
	} {
		if i == 2 {
			f.login("mallory@example.com")
		}
		if got := f.tryLogin("anna@example.com", "guess", clientAddr); got != want {
			t.Errorf("guess %d: %q, want %q", i+1, got, want)
		}
	}
}

func TestParallelGuessesAndSuccesses(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	stranger := netip.MustParseAddr("198.51.100.7")
	limit := users.DefaultLimits().LoginPerAccount.N
	var guesses atomic.Int32
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			for range 4 {
				f.tryLogin("anna@example.com", secret, clientAddr)
			}
		})
		all.Go(func() {
			for range limit {
				if f.tryLogin("anna@example.com", "guess", stranger) == apperr.InvalidCredentials {
					guesses.Add(1)
				}
			}
		})
	}
	all.Wait()
	for range limit { // some guesses may have been refused during the parallel logins
		if f.tryLogin("anna@example.com", "guess", stranger) == apperr.InvalidCredentials {
			guesses.Add(1)
		}
	}
	if n := int(guesses.Load()); n != limit {
		t.Errorf("%d guesses were checked, want %d", n, limit)
	}
}
