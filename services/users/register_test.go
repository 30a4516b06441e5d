package users_test

import (
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
	ensure := func(email, password string, reset, wantCreated bool, want apperr.Code) {
		t.Helper()
		created, err := h.EnsureAdmin(t.Context(), email, password, reset)
		if created != wantCreated || apperr.CodeOf(err) != want {
			t.Errorf("created %t, %v; want %t, %q", created, err, wantCreated, want)
		}
	}
	ensure(email, "short", false, false, apperr.ValidationFailed)
	ensure("nobody", secret, false, false, apperr.ValidationFailed)
	ensure(email, secret, false, true, "")
	tokens := h.login(email)
	h.accepted(tokens, "")

	ensure(email, "another password", false, false, "")
	h.accepted(tokens, "")
	if got := h.try(email, "another password", home); got != apperr.InvalidCredentials {
		t.Errorf("the password was changed: %q", got)
	}
	ensure(email, "another password", true, false, "")
	h.accepted(tokens, apperr.TokenRevoked)
	if got := h.try(email, "another password", home); got != "" {
		t.Errorf("the new password is answered with %q", got)
	}
	tokens = h.loginWith(email, "another password")
	h.outage.Store(true)
	ensure(email, secret, true, false, apperr.DependencyUnavailable)
	h.outage.Store(false)
	h.accepted(tokens, "") // what Redis still knows
	if err := h.EndSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.accepted(tokens, apperr.TokenRevoked)
	h.register("player@example.com")
	ensure("player@example.com", secret, true, false, apperr.UserExists)
}
