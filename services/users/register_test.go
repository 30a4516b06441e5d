package users_test

import (
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/password"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestRegister(t *testing.T) {
	f := start(t)
	u := f.register("  anna@example.com ")
	if u.Email != "anna@example.com" || u.Role != authn.RolePlayer || !u.IsActive || u.Balance != 0 ||
		u.ID.Version() != 7 {
		t.Errorf("registered %+v, want an active player with balance 0 and a UUIDv7", u)
	}
	staff, err := f.RegisterStaff(t.Context(), "staff@example.com", secret, clientAddr)
	if err != nil || staff.Role != authn.RoleStaff {
		t.Errorf("registered %+v, %v; want a staff member", staff, err)
	}
	_, err = f.Register(t.Context(), "ANNA@example.com", secret, clientAddr)
	checkCode(t, "registration with the same e-mail in capitals", err, apperr.UserExists)
	_, err = f.RegisterStaff(t.Context(), "anna@example.com", secret, clientAddr)
	checkCode(t, "registration of staff with a player's e-mail", err, apperr.UserExists)
}

func TestRegistrationsAreLimited(t *testing.T) {
	f := startWith(t, fastHash, users.Limits{RegisterPerAddress: ratelimit.Limit{N: 2, Per: time.Hour}})
	f.register("a@example.com")
	f.register("b@example.com")
	_, err := f.Register(t.Context(), "c@example.com", secret, clientAddr)
	checkCode(t, "third registration", err, apperr.RateLimited)
}

func TestEnsureAdmin(t *testing.T) {
	f := start(t)
	const email = "admin@example.com"
	ensure := func(email, password string, reset bool, wantOutcome users.AdminOutcome, want apperr.Code) {
		t.Helper()
		outcome, err := f.EnsureAdmin(t.Context(), email, password, reset)
		if outcome != wantOutcome || apperr.CodeOf(err) != want {
			t.Errorf("EnsureAdmin returned outcome %d, %v; want %d, %q", outcome, err, wantOutcome, want)
		}
	}
	ensure(email, "short", false, 0, apperr.ValidationFailed)
	ensure("nobody", secret, false, 0, apperr.ValidationFailed)
	ensure(email, secret, false, users.AdminCreated, "")
	tokens := f.login(email)
	f.checkAccess(tokens, "")

	ensure("ADMIN@example.com", "another password", false, users.AdminUnchanged, "")
	f.checkAccess(tokens, "")
	if got := f.tryLogin(email, "another password", clientAddr); got != apperr.InvalidCredentials {
		t.Errorf("login with the unused password: %q, want INVALID_CREDENTIALS", got)
	}
	ensure(email, "another password", true, users.AdminReset, "")
	f.checkAccess(tokens, apperr.TokenRevoked)
	if got := f.tryLogin(email, "another password", clientAddr); got != "" {
		t.Errorf("login with the new password: %q, want success", got)
	}
	tokens = f.loginWith(email, "another password")
	f.outage.Store(true)
	ensure(email, secret, true, 0, apperr.DependencyUnavailable)
	f.outage.Store(false)
	f.checkAccess(tokens, "") // Redis still has the session
	if err := f.EndMarkedSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.checkAccess(tokens, apperr.TokenRevoked)
	f.register("player@example.com")
	ensure("player@example.com", secret, true, 0, apperr.UserExists)
}

// TestPasswordsAreNormalized checks pairs of passwords that look the same. A user with one password can log in with the
// other.
func TestPasswordsAreNormalized(t *testing.T) {
	for name, pair := range map[string][2]string{
		"umlaut":         {"p\u00e4ssword-1", "pa\u0308ssword-1"},
		"two marks":      {"passw\u1ed9rd-1", "passwo\u0302\u0323rd-1"},
		"Angstrom sign":  {"password \u212b", "password \u00c5"},
		"no-break space": {"correct horse", "correct\u00a0horse"},
		"Hangul":         {"password-\ud55c", "password-\u1112\u1161\u11ab"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			for i, email := range []string{"player@example.com", "staff@example.com", "admin@example.com"} {
				chosen, typed := pair[i%2], pair[(i+1)%2]
				var err error
				switch i {
				case 0:
					_, err = f.Register(t.Context(), email, chosen, clientAddr)
				case 1:
					_, err = f.RegisterStaff(t.Context(), email, chosen, clientAddr)
				default:
					_, err = f.EnsureAdmin(t.Context(), email, chosen, false)
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, password := range []string{chosen, typed} {
					if got := f.tryLogin(email, password, clientAddr); got != "" {
						t.Errorf("%s chose %+q; login with %+q: %q, want success", email, chosen, password, got)
					}
				}
			}
			if _, err := f.EnsureAdmin(t.Context(), "admin@example.com", pair[1], true); err != nil {
				t.Fatal(err)
			}
			if got := f.tryLogin("admin@example.com", pair[0], clientAddr); got != "" {
				t.Errorf("login after a reset: %q, want success", got)
			}
		})
	}
}

func TestNewPasswordRules(t *testing.T) {
	f := startWith(t, fastHash, users.Limits{})
	f.register("anna@example.com")
	for name, tt := range map[string]struct {
		password string
		rule     string // the rule of the violation; empty if the password is valid
	}{
		"empty":                                   {"", "length"},
		"7 characters":                            {"1234567", "length"},
		"8 characters":                            {"kX9#vQ2m", ""},
		"8 characters, 7 after normalization":     {"pa\u0308sswo", "length"},
		"4 characters, 8 after normalization":     {"\u0958\u0959\u095a\u095b", ""},
		"128 characters":                          {strings.Repeat("\u00e4", 120) + "kX9#vQ2m", ""},
		"248 characters, 128 after normalization": {strings.Repeat("a\u0308", 120) + "kX9#vQ2m", ""},
		"129 characters":                          {strings.Repeat("a", 129), "length"},
		"control character":                       {"password\x00", "characters"},
		"line break":                              {"pass\nword", "characters"},
		"unassigned character":                    {"password\u0378", "characters"},
		"invisible character":                     {"pass\u200bword", "characters"},
		"invalid UTF-8":                           {"password\xff", "characters"},
	} {
		t.Run(name, func(t *testing.T) {
			email := strings.ReplaceAll(name, " ", "-") + "@example.com"
			_, registerErr := f.Register(t.Context(), email, tt.password, clientAddr)
			_, staffErr := f.RegisterStaff(t.Context(), "staff-"+email, tt.password, clientAddr)
			_, adminErr := f.EnsureAdmin(t.Context(), "admin-"+email, tt.password, false)
			for operation, err := range map[string]error{
				"register": registerErr, "register staff": staffErr, "ensure admin": adminErr,
			} {
				if tt.rule == "" {
					checkCode(t, operation, err, "")
					continue
				}
				checkCode(t, operation, err, apperr.ValidationFailed)
				if v := apperr.From(err).Violations; len(v) != 1 || v[0].Field != "password" || v[0].Rule != tt.rule {
					t.Errorf("%s: violations %+v, want one of password with rule %s", operation, v, tt.rule)
				}
			}
			want := apperr.Code("")
			if tt.rule != "" {
				want = apperr.InvalidCredentials
				email = "anna@example.com"
			}
			if got := f.tryLogin(email, tt.password, clientAddr); got != want {
				t.Errorf("login: %q, want %q", got, want)
			}
		})
	}
}

func TestWeakPasswordsAreRefused(t *testing.T) {
	f := startWith(t, fastHash, users.Limits{})
	for weak, reason := range map[string]string{
		"password": "common", "12345678": "sequences", "        ": "repeats", "Anna.Smith1": "e-mail", "annasmith": "e-mail",
	} {
		_, registerErr := f.Register(t.Context(), "Anna.Smith@example.com", weak, clientAddr)
		_, staffErr := f.RegisterStaff(t.Context(), "Anna.Smith@example.com", weak, clientAddr)
		_, adminErr := f.EnsureAdmin(t.Context(), "Anna.Smith@example.com", weak, true)
		for operation, err := range map[string]error{
			"register": registerErr, "register staff": staffErr, "ensure admin": adminErr,
		} {
			checkCode(t, operation+" with "+weak, err, apperr.PasswordTooWeak)
			if err != nil && !strings.Contains(err.Error(), reason) {
				t.Errorf("%s with %q: error %v, want the reason %q", operation, weak, err, reason)
			}
		}
	}
}

// TestLoginWithAWeakPasswordFromEarlier checks that users keep the passwords that they had before weak ones were refused.
func TestLoginWithAWeakPasswordFromEarlier(t *testing.T) {
	f := start(t)
	u := f.register("anna@example.com")
	hasher, err := password.New(fastHash)
	if err != nil {
		t.Fatal(err)
	}
	if u.PasswordHash, err = hasher.Hash(t.Context(), "password"); err != nil {
		t.Fatal(err)
	}
	f.store.users[u.ID] = u
	f.loginWith("anna@example.com", "password")
}
