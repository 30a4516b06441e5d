package users_test

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestLogin(t *testing.T) {
	f := start(t)
	anna := f.register("anna@example.com")
	off := f.register("off@example.com")
	if _, err := f.Deactivate(t.Context(), anna.ID, off.ID); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		email, password string
		want            apperr.Code
	}{
		"right password":                   {"anna@example.com", secret, ""},
		"e-mail in capitals and spaces":    {" ANNA@EXAMPLE.COM ", secret, ""},
		"wrong password":                   {"anna@example.com", "wrong horse", apperr.InvalidCredentials},
		"unknown e-mail":                   {"nobody@example.com", secret, apperr.InvalidCredentials},
		"deactivated user, right password": {"off@example.com", secret, apperr.AccountDeactivated},
		"deactivated user, wrong password": {"off@example.com", "wrong horse", apperr.InvalidCredentials},
		"password with a trailing space":   {"anna@example.com", secret + " ", apperr.InvalidCredentials},
	} {
		t.Run(name, func(t *testing.T) {
			credentials := users.Credentials{Email: tt.email, Password: tt.password}
			tokens, u, err := f.Login(t.Context(), credentials, users.RefreshTokenInBody, testClient())
			checkCode(t, "login", err, tt.want)
			if err != nil {
				if tokens != (users.Tokens{}) || u != (users.User{}) {
					t.Errorf("failed login: got %+v, %+v, want zero values", tokens, u)
				}
				return
			}
			caller, err := f.verifier.Authenticate(t.Context(), tokens.Access.Token)
			if err != nil || caller.UserID != anna.ID || caller.Role != authn.RolePlayer {
				t.Errorf("the access token authenticates %+v, %v; want player %s", caller, err, anna.ID)
			}
			if tokens.In != users.RefreshTokenInBody || tokens.Refresh == "" || !caller.Expires.Equal(tokens.Access.Expires) {
				t.Errorf("got tokens %+v, want a refresh token in the body and the expiry %v", tokens, caller.Expires)
			}
		})
	}
}

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

func TestDeactivationDuringLogin(t *testing.T) {
	f := start(t)
	anna := f.register("anna@example.com")
	f.store.beforeUser = func() { // the session exists, and Login is about to read the user again
		f.store.beforeUser = nil
		if _, err := f.store.SetActive(t.Context(), uuid.Nil, anna.ID, false); err != nil {
			t.Error(err)
		}
	}
	if got := f.tryLogin("anna@example.com", secret, clientAddr); got != apperr.AccountDeactivated {
		t.Errorf("login: %q, want ACCOUNT_DEACTIVATED", got)
	}
	if n, err := f.sessions.EndAllOf(t.Context(), anna.ID, uuid.Nil); err != nil || n != 0 {
		t.Errorf("got %d remaining sessions, %v, want none", n, err)
	}
}

// TestPasswordChangeDuringLogin checks that a login with the old password leaves no session if the password is reset during
// the login.
func TestPasswordChangeDuringLogin(t *testing.T) {
	f := start(t)
	if _, err := f.EnsureAdmin(t.Context(), "boss@example.com", secret, false); err != nil {
		t.Fatal(err)
	}
	f.store.beforeUser = func() { // the session exists, and Login is about to read the user again
		f.store.beforeUser = nil
		if _, err := f.EnsureAdmin(t.Context(), "boss@example.com", "another horse", true); err != nil {
			t.Error(err)
		}
	}
	if got := f.tryLogin("boss@example.com", secret, clientAddr); got != apperr.InvalidCredentials {
		t.Errorf("login: %q, want INVALID_CREDENTIALS", got)
	}
	boss, _ := f.store.UserByEmail(t.Context(), "boss@example.com")
	if n, err := f.sessions.EndAllOf(t.Context(), boss.ID, uuid.Nil); err != nil || n != 0 {
		t.Errorf("got %d remaining sessions, %v, want none", n, err)
	}
}

// TestConfirmationDuringLogin checks that a login without a code leaves no session if a second factor is confirmed during the
// login.
func TestConfirmationDuringLogin(t *testing.T) {
	f := start(t)
	if _, err := f.EnsureAdmin(t.Context(), "boss@example.com", secret, false); err != nil {
		t.Fatal(err)
	}
	boss, _ := f.store.UserByEmail(t.Context(), "boss@example.com")
	f.store.beforeUser = func() { // the session exists, and Login is about to read the user again
		f.store.beforeUser = nil
		f.store.factor = users.SecondFactor{User: boss.ID, Active: true}
		if _, err := f.store.change(boss.ID, func(u *users.User) { u.StatusVersion++ }); err != nil {
			t.Error(err)
		}
	}
	if got := f.tryLogin("boss@example.com", secret, clientAddr); got != apperr.MfaRequired {
		t.Errorf("login: %q, want MFA_REQUIRED", got)
	}
	if n, err := f.sessions.EndAllOf(t.Context(), boss.ID, uuid.Nil); err != nil || n != 0 {
		t.Errorf("got %d remaining sessions, %v, want none", n, err)
	}
}

func TestLoginRenewsTheHash(t *testing.T) {
	f := start(t)
	anna := f.register("anna@example.com")
	costly := startWith(t, password.Params{Memory: 128, Passes: 1, Threads: 1}, users.DefaultLimits())
	costly.store.users = f.store.users
	hash := func() string {
		u, err := costly.store.User(t.Context(), anna.ID)
		if err != nil {
			t.Fatal(err)
		}
		return u.PasswordHash
	}
	old := hash()
	costly.login("anna@example.com")
	renewed := hash()
	costly.login("anna@example.com")
	if last := hash(); renewed == old || last != renewed {
		t.Errorf("got hash %q, then %q and %q after two logins, want a change by the first login only", old, renewed, last)
	}
}
