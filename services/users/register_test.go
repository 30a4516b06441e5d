package users_test

import (
	"strings"
	"testing"
	"time"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/ratelimit"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestRegister(t *testing.T) {
	h := newHouse(t)
	u := h.register("  anna@example.com ")
	if u.Email != "anna@example.com" || u.Role != authn.RolePlayer || !u.IsActive || u.Balance != 0 || u.ID.Version() != 7 {
		t.Errorf("registered as %+v", u)
	}
	staff, err := h.RegisterStaff(t.Context(), "staff@example.com", secret)
	if err != nil || staff.Role != authn.RoleStaff {
		t.Errorf("staff: %+v, %v", staff, err)
	}
	_, err = h.Register(t.Context(), "ANNA@example.com", secret, home)
	code(t, "the same e-mail in capitals", err, apperr.UserExists)
	_, err = h.RegisterStaff(t.Context(), "anna@example.com", secret)
	code(t, "a player's e-mail for staff", err, apperr.UserExists)
}

func TestRegistrationsAreLimited(t *testing.T) {
	h := newHouseWith(t, cheap, users.Limits{RegisterPerAddress: ratelimit.Limit{N: 2, Per: time.Hour}})
	h.register("a@example.com")
	h.register("b@example.com")
	_, err := h.Register(t.Context(), "c@example.com", secret, home)
	code(t, "the third", err, apperr.RateLimited)
}

func TestEnsureAdmin(t *testing.T) {
	h := newHouse(t)
	const email = "admin@example.com"
	ensure := func(email, password string, reset bool, wantOutcome users.AdminOutcome, want apperr.Code) {
		t.Helper()
		outcome, err := h.EnsureAdmin(t.Context(), email, password, reset)
		if outcome != wantOutcome || apperr.CodeOf(err) != want {
			t.Errorf("EnsureAdmin returned outcome %d, %v; want %d, %q", outcome, err, wantOutcome, want)
		}
	}
	ensure(email, "short", false, 0, apperr.ValidationFailed)
	ensure("nobody", secret, false, 0, apperr.ValidationFailed)
	ensure(email, secret, false, users.AdminCreated, "")
	tokens := h.login(email)
	h.accepted(tokens, "")

	ensure("ADMIN@example.com", "another password", false, users.AdminUnchanged, "")
	h.accepted(tokens, "")
	if got := h.try(email, "another password", home); got != apperr.InvalidCredentials {
		t.Errorf("login with the unused password: %q, want INVALID_CREDENTIALS", got)
	}
	ensure(email, "another password", true, users.AdminReset, "")
	h.accepted(tokens, apperr.TokenRevoked)
	if got := h.try(email, "another password", home); got != "" {
		t.Errorf("login with the new password: %q, want success", got)
	}
	tokens = h.loginWith(email, "another password")
	h.outage.Store(true)
	ensure(email, secret, true, 0, apperr.DependencyUnavailable)
	h.outage.Store(false)
	h.accepted(tokens, "") // Redis still has the session
	if err := h.EndSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.accepted(tokens, apperr.TokenRevoked)
	h.register("player@example.com")
	ensure("player@example.com", secret, true, 0, apperr.UserExists)
}

// Each pair looks the same, and each password of a pair opens the account of the other.
func TestPasswordsAreNormalised(t *testing.T) {
	for name, pair := range map[string][2]string{
		"umlaut":         {"p\u00e4ssword-1", "pa\u0308ssword-1"},
		"two marks":      {"passw\u1ed9rd-1", "passwo\u0302\u0323rd-1"},
		"Angstrom sign":  {"password \u212b", "password \u00c5"},
		"no-break space": {"correct horse", "correct\u00a0horse"},
		"Hangul":         {"password-\ud55c", "password-\u1112\u1161\u11ab"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			for i, email := range []string{"player@example.com", "staff@example.com", "admin@example.com"} {
				chosen, typed := pair[i%2], pair[(i+1)%2]
				var err error
				switch i {
				case 0:
					_, err = h.Register(t.Context(), email, chosen, home)
				case 1:
					_, err = h.RegisterStaff(t.Context(), email, chosen)
				default:
					_, err = h.EnsureAdmin(t.Context(), email, chosen, false)
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, password := range []string{chosen, typed} {
					if got := h.try(email, password, home); got != "" {
						t.Errorf("%s chose %+q; login with %+q: %q, want success", email, chosen, password, got)
					}
				}
			}
			if _, err := h.EnsureAdmin(t.Context(), "admin@example.com", pair[1], true); err != nil {
				t.Fatal(err)
			}
			if got := h.try("admin@example.com", pair[0], home); got != "" {
				t.Errorf("login after a reset: %q, want success", got)
			}
		})
	}
}

func TestPasswordsThatNobodyMayChoose(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	for name, tt := range map[string]struct {
		password string
		rule     string // of the violation; empty for none
	}{
		"empty":                                   {"", "length"},
		"7 characters":                            {"1234567", "length"},
		"8 characters":                            {"12345678", ""},
		"8 characters, 7 after normalization":     {"pa\u0308sswo", "length"},
		"4 characters, 8 after normalization":     {strings.Repeat("\u0958", 4), ""},
		"128 characters":                          {strings.Repeat("\u00e4", 128), ""},
		"256 characters, 128 after normalization": {strings.Repeat("a\u0308", 128), ""},
		"129 characters":                          {strings.Repeat("a", 129), "length"},
		"a control character":                     {"password\x00", "characters"},
		"a line break":                            {"pass\nword", "characters"},
		"an unassigned character":                 {"password\u0378", "characters"},
		"an invisible character":                  {"pass\u200bword", "characters"},
		"invalid UTF-8":                           {"password\xff", "characters"},
	} {
		t.Run(name, func(t *testing.T) {
			email := strings.ReplaceAll(name, " ", "-") + "@example.com"
			_, registerErr := h.Register(t.Context(), email, tt.password, home)
			_, staffErr := h.RegisterStaff(t.Context(), "staff-"+email, tt.password)
			_, adminErr := h.EnsureAdmin(t.Context(), "admin-"+email, tt.password, false)
			for use, err := range map[string]error{"register": registerErr, "register staff": staffErr, "admin": adminErr} {
				if tt.rule == "" {
					code(t, use, err, "")
					continue
				}
				code(t, use, err, apperr.ValidationFailed)
				if v := apperr.From(err).Violations; len(v) != 1 || v[0].Field != "password" || v[0].Rule != tt.rule {
					t.Errorf("%s: violations %+v, want one of password, rule %s", use, v, tt.rule)
				}
			}
			want := apperr.Code("")
			if tt.rule != "" {
				want = apperr.InvalidCredentials
				email = "anna@example.com"
			}
			if got := h.try(email, tt.password, home); got != want {
				t.Errorf("login: %q, want %q", got, want)
			}
		})
	}
}
