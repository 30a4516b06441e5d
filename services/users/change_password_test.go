package users_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/users"
)

const newSecret = "another horse"

// change returns a change of the password in the session of the tokens.
func (f *fixture) change(t users.Tokens, current string) users.PasswordChange {
	f.Helper()
	caller, err := f.verifier.Authenticate(f.Context(), t.Access.Token)
	if err != nil {
		f.Fatal(err)
	}
	return users.PasswordChange{
		User: caller.UserID, Session: caller.Session, Current: current, New: newSecret, From: clientAddr,
	}
}

func TestChangePassword(t *testing.T) {
	f := start(t)
	anna := f.register("anna@example.com")
	current, other := f.login("anna@example.com"), f.login("anna@example.com")
	if err := f.ChangePassword(t.Context(), f.change(current, secret)); err != nil {
		t.Fatal(err)
	}
	f.checkAccess(current, "")
	f.checkAccess(other, apperr.TokenRevoked)
	_, err := f.Refresh(t.Context(), testClient(), other.Refresh)
	checkCode(t, "refresh of another session", err, apperr.TokenRevoked)
	if _, err := f.Refresh(t.Context(), testClient(), current.Refresh); err != nil {
		t.Errorf("refresh of the current session: %v", err)
	}
	if got := f.tryLogin("anna@example.com", secret, clientAddr); got != apperr.InvalidCredentials {
		t.Errorf("login with the old password: %q, want INVALID_CREDENTIALS", got)
	}
	f.loginWith("anna@example.com", newSecret)
	if u := f.store.users[anna.ID]; u.SessionsToEnd || u.StatusVersion != 1 {
		t.Errorf("got %+v, want no pending end of sessions and status version 1", u)
	}
}

// TestChangePasswordCountsWrongPasswords checks that guesses of the current password are limited like failed logins.
func TestChangePasswordCountsWrongPasswords(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	current := f.login("anna@example.com")
	limit := users.DefaultLimits().LoginPerAccount.N
	for range limit {
		checkCode(t, "change", f.ChangePassword(t.Context(), f.change(current, "wrong horse")), apperr.InvalidCredentials)
	}
	checkCode(t, "change after the limit", f.ChangePassword(t.Context(), f.change(current, secret)), apperr.RateLimited)
	f.checkAccess(current, "")
}

// TestChangePasswordDuringAnOutage checks that another replica ends the other sessions, and only those, if the process
// cannot end them after the commit.
func TestChangePasswordDuringAnOutage(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	current, other := f.login("anna@example.com"), f.login("anna@example.com")
	change := f.change(current, secret)
	f.outage.Store(true)
	checkCode(t, "change during the outage", f.ChangePassword(t.Context(), change), apperr.DependencyUnavailable)
	f.checkAccess(other, "") // Redis still has the session
	f.outage.Store(false)
	if err := f.EndMarkedSessions(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.checkAccess(other, apperr.TokenRevoked)
	f.checkAccess(current, "")
}

func TestConcurrentChangeOfThePasswordIsRefused(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	current, other := f.login("anna@example.com"), f.login("anna@example.com")
	change, later := f.change(current, secret), f.change(other, secret)
	f.store.beforeChangePassword = func() {
		f.store.beforeChangePassword = nil
		if err := f.ChangePassword(t.Context(), change); err != nil {
			t.Error(err)
		}
	}
	checkCode(t, "second change", f.ChangePassword(t.Context(), later), apperr.InvalidCredentials)
	f.checkAccess(current, "")
	f.checkAccess(other, apperr.TokenRevoked)
}

func TestListAndEndSessions(t *testing.T) {
	f := start(t)
	anna, bob := f.register("anna@example.com"), f.register("bob@example.com")
	first, second, foreign := f.login("anna@example.com"), f.login("anna@example.com"), f.login("bob@example.com")
	page, err := f.ListSessions(t.Context(), anna.ID, keyset.PageRequest[uuid.UUID]{Size: 1})
	if err != nil || len(page.Items) != 1 || page.Total != 2 || !page.More || page.Items[0].Client != testClient() {
		t.Fatalf("got %+v, %v; want one of two sessions, and more", page, err)
	}
	newest := page.Items[0].ID
	page, err = f.ListSessions(t.Context(), anna.ID, keyset.PageRequest[uuid.UUID]{Size: 1, Before: newest})
	if err != nil || len(page.Items) != 1 || page.Total != 2 || page.More || page.Items[0].ID == newest {
		t.Errorf("got %+v, %v; want the other session, and no more", page, err)
	}
	checkCode(t, "end a foreign session", f.EndSession(t.Context(), bob.ID, newest), apperr.NotFound)
	checkCode(t, "end a session", f.EndSession(t.Context(), anna.ID, newest), "")
	checkCode(t, "end an ended session", f.EndSession(t.Context(), anna.ID, newest), apperr.NotFound)
	f.checkAccess(second, apperr.TokenRevoked)
	f.checkAccess(first, "")
	checkCode(t, "end all sessions", f.EndSessions(t.Context(), anna.ID, uuid.Nil), "")
	f.checkAccess(first, apperr.TokenRevoked)
	f.checkAccess(foreign, "")
	checkCode(t, "end the sessions of an unknown user", f.EndSessions(t.Context(), uuid.New(), uuid.Nil), apperr.NotFound)
	_, err = f.ListSessions(t.Context(), uuid.New(), keyset.PageRequest[uuid.UUID]{Size: 1})
	checkCode(t, "list the sessions of an unknown user", err, apperr.NotFound)
}
