package users_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/password"
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

// TestEndOfSessionsDuringLogin checks that a login that began before an end of all sessions leaves no session, whatever ends
// them.
func TestEndOfSessionsDuringLogin(t *testing.T) {
	for name, commit := range map[string]func(f *fixture, user uuid.UUID) error{
		"all sessions": func(f *fixture, user uuid.UUID) error {
			_, err := f.store.MarkSessionsToEnd(f.Context(), user, uuid.Nil, audit.Change{})
			return err
		},
		"all sessions except another": func(f *fixture, user uuid.UUID) error {
			_, err := f.store.MarkSessionsToEnd(f.Context(), user, uuid.New(), audit.Change{})
			return err
		},
		"deactivation and activation": func(f *fixture, user uuid.UUID) error {
			_, off := f.store.SetActive(f.Context(), uuid.Nil, user, false)
			_, on := f.store.SetActive(f.Context(), uuid.Nil, user, true)
			return errors.Join(off, on)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			anna := f.register("anna@example.com")
			f.store.beforeUser = func() { // the session exists, and Login is about to read the user again
				f.store.beforeUser = nil
				if err := commit(f, anna.ID); err != nil {
					t.Error(err)
				}
			}
			if got := f.tryLogin("anna@example.com", secret, clientAddr); got != apperr.TokenRevoked {
				t.Errorf("login: %q, want TOKEN_REVOKED", got)
			}
			if n, err := f.sessions.EndAllOf(t.Context(), anna.ID, uuid.Nil); err != nil || n != 0 {
				t.Errorf("got %d remaining sessions, %v, want none", n, err)
			}
			f.login("anna@example.com")
		})
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
