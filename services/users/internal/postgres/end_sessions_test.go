package postgres_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/uuid"

	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/services/users"
)

// TestSessionsToEnd checks that a deactivated user is listed until ClearSessionsToEnd is called with the latest status
// version.
func TestSessionsToEnd(t *testing.T) {
	f := newFixture(t)
	player, staff := f.create("p@example.com", authn.RolePlayer), f.create("s@example.com", authn.RoleStaff)
	wantListed := func(want ...users.User) []users.User {
		t.Helper()
		listed, err := f.store.SessionsToEnd(t.Context())
		slices.SortFunc(listed, func(a, b users.User) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		if err != nil || !slices.EqualFunc(listed, want, func(a, b users.User) bool { return a.ID == b.ID }) {
			t.Errorf("got users %+v, %v; want %+v", listed, err, want)
		}
		return listed
	}
	setActive := func(u users.User, active bool) users.User {
		t.Helper()
		u, err := f.store.SetActive(t.Context(), uuid.Nil, u.ID, active)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	sessionsEnded := func(u users.User) {
		t.Helper()
		if err := f.store.ClearSessionsToEnd(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	wantListed()
	setActive(player, true)
	wantListed()
	early := setActive(player, false)
	setActive(staff, false)
	listed := wantListed(player, staff)
	sessionsEnded(listed[1])
	setActive(player, true)
	wantListed(player) // an activation does not clear the pending end of the sessions
	setActive(player, false)
	sessionsEnded(early)
	sessionsEnded(player)
	for _, u := range wantListed(player) {
		f.restrict(restriction(u.ID)) // a restriction does not end sessions
		sessionsEnded(u)
	}
	wantListed()
}

func TestSetPasswordHash(t *testing.T) {
	f := newFixture(t)
	u := f.create("p@example.com", authn.RolePlayer)
	for _, step := range []struct {
		name, old, hash, want string
		newPassword           bool
	}{
		{"rehash when the stored hash differs", "other hash", "first", u.PasswordHash, false},
		{"rehash", u.PasswordHash, "second", "second", false},
		{"new password", "", "third", "third", true},
	} {
		if err := f.store.SetPasswordHash(t.Context(), u.ID, step.old, step.hash); err != nil {
			t.Fatal(err)
		}
		got, err := f.store.User(t.Context(), u.ID)
		if err != nil || got.PasswordHash != step.want {
			t.Errorf("%s: got hash %q, %v; want %q", step.name, got.PasswordHash, err, step.want)
		}
		if got.SessionsToEnd != step.newPassword || (got.StatusVersion == 1) != step.newPassword {
			t.Errorf("%s: got sessions to end %t, status version %d, want %t and a version of 1 only after a new password",
				step.name, got.SessionsToEnd, got.StatusVersion, step.newPassword)
		}
	}
	f.wantPlayerEvents(playerEvent(usersv1.PlayerEventType_PLAYER_REGISTERED, u, 0))
}

func TestChangePassword(t *testing.T) {
	f := newFixture(t)
	u := f.create("p@example.com", authn.RolePlayer)
	first, second := uuid.New(), uuid.New()
	change := func(old, hash string, keep uuid.UUID, code apperr.Code) {
		t.Helper()
		got, err := f.store.ChangePassword(t.Context(), u.ID, old, hash, keep)
		if apperr.CodeOf(err) != code {
			t.Fatalf("change to %q: %v, want code %q", hash, err, code)
		}
		if err == nil {
			u = got
		}
	}
	wantStored := func(hash string, version int64, keep uuid.UUID) {
		t.Helper()
		got, err := f.store.User(t.Context(), u.ID)
		if err != nil || got.PasswordHash != hash || got.StatusVersion != version || !got.SessionsToEnd || got.KeptSession != keep {
			t.Errorf("got %+v, %v; want hash %q, status version %d, kept session %s", got, err, hash, version, keep)
		}
	}
	change("other hash", "first", first, apperr.InvalidCredentials)
	change(u.PasswordHash, "first", first, "")
	wantStored("first", 1, first)
	change("first", "second", first, "") // the pending end of the other sessions keeps the same session
	wantStored("second", 2, first)
	change("second", "third", second, "") // the second session was to be ended
	wantStored("third", 3, uuid.Nil)
	if err := f.store.ClearSessionsToEnd(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	change("third", "fourth", second, "")
	wantStored("fourth", 4, second)
	if _, err := f.store.SetActive(t.Context(), uuid.Nil, u.ID, false); err != nil {
		t.Fatal(err)
	}
	wantStored("fourth", 5, uuid.Nil) // a deactivation ends all sessions
	change("fourth", "fifth", second, apperr.AccountDeactivated)
	if _, err := f.store.ChangePassword(t.Context(), uuid.New(), "", "sixth", first); apperr.CodeOf(err) != apperr.NotFound {
		t.Errorf("unknown user: %v, want NOT_FOUND", err)
	}
}
