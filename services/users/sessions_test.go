package users_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestRefresh(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	first := f.login("anna@example.com")
	second, err := f.Refresh(t.Context(), testClient(), first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if second.Refresh == first.Refresh || second.Access == first.Access || second.In != users.RefreshTokenInCookie {
		t.Errorf("refresh returned %+v for %+v, want new tokens in a cookie", second, first)
	}
	f.checkAccess(second, "")
	_, err = f.Refresh(t.Context(), testClient())
	checkCode(t, "refresh without a token", err, apperr.TokenMissing)
	_, err = f.Refresh(t.Context(), testClient(), first.Access.Token)
	checkCode(t, "refresh with an access token", err, apperr.TokenInvalid)
}

// TestSessionLifetime checks that no access token outlives its session, however often the session is refreshed.
func TestSessionLifetime(t *testing.T) {
	f := startWithLifetime(t, fastHash, users.DefaultLimits(), 5*time.Minute)
	f.register("anna@example.com")
	tokens := f.login("anna@example.com")
	end := time.Now().Add(5 * time.Minute)
	for range 3 {
		if tokens.Access.Expires.After(end) {
			t.Errorf("the access token expires at %s, want at most %s", tokens.Access.Expires, end)
		}
		next, err := f.Refresh(t.Context(), testClient(), tokens.Refresh)
		if err != nil {
			t.Fatal(err)
		}
		tokens = next
	}
}

func TestLogout(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	tokens, other := f.login("anna@example.com"), f.login("anna@example.com")
	if err := f.Logout(t.Context(), tokens.Refresh); err != nil {
		t.Fatal(err)
	}
	f.checkAccess(tokens, apperr.TokenRevoked)
	f.checkAccess(other, "")
	_, err := f.Refresh(t.Context(), testClient(), tokens.Refresh)
	checkCode(t, "refresh after logout", err, apperr.TokenRevoked)
	checkCode(t, "second logout", f.Logout(t.Context(), tokens.Refresh), apperr.TokenRevoked)
	checkCode(t, "logout without a token", f.Logout(t.Context()), apperr.TokenMissing)
}

func TestDeactivate(t *testing.T) {
	f := start(t)
	anna := f.register("anna@example.com")
	admin := uuid.New()
	tokens := f.login("anna@example.com")
	for range 2 {
		u, err := f.Deactivate(t.Context(), admin, anna.ID)
		if err != nil || u.IsActive {
			t.Fatalf("Deactivate returned %+v, %v", u, err)
		}
	}
	f.checkAccess(tokens, apperr.TokenRevoked)
	_, err := f.Refresh(t.Context(), testClient(), tokens.Refresh)
	checkCode(t, "refresh", err, apperr.TokenRevoked)

	u, err := f.Activate(t.Context(), uuid.New(), anna.ID)
	if err != nil || !u.IsActive {
		t.Fatalf("Activate returned %+v, %v", u, err)
	}
	f.checkAccess(tokens, apperr.TokenRevoked) // old sessions stay ended
	f.checkAccess(f.login("anna@example.com"), "")

	_, err = f.Deactivate(t.Context(), anna.ID, anna.ID)
	checkCode(t, "deactivation of the caller", err, apperr.Forbidden)
	_, err = f.Deactivate(t.Context(), admin, uuid.New())
	checkCode(t, "deactivation of an unknown user", err, apperr.NotFound)
}

// TestDeactivateEndsSessionsAfterCancellation checks that the sessions end even if the request is cancelled while the store
// deactivates the user.
func TestDeactivateEndsSessionsAfterCancellation(t *testing.T) {
	f := start(t)
	anna := f.register("anna@example.com")
	tokens := f.login("anna@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	f.store.beforeSetActive = func() {
		tokens = f.login("anna@example.com") // the user has a session when the deactivation commits
		cancel()
	}
	if _, err := f.Deactivate(ctx, uuid.New(), anna.ID); err != nil {
		t.Fatal(err)
	}
	f.checkAccess(tokens, apperr.TokenRevoked)
}

// TestInterruptedDeactivation checks deactivations that were committed, but did not end the sessions.
func TestInterruptedDeactivation(t *testing.T) {
	setup := func(t *testing.T) (*fixture, users.User, users.Tokens) {
		f := start(t)
		anna := f.register("anna@example.com")
		tokens := f.login("anna@example.com")
		if _, err := f.store.SetActive(t.Context(), uuid.Nil, anna.ID, false); err != nil {
			t.Fatal(err)
		}
		return f, anna, tokens
	}
	t.Run("refresh ends the sessions", func(t *testing.T) {
		f, _, tokens := setup(t)
		_, err := f.Refresh(t.Context(), testClient(), tokens.Refresh)
		checkCode(t, "refresh", err, apperr.TokenRevoked)
		f.checkAccess(tokens, apperr.TokenRevoked)
	})
	t.Run("EndSessions ends the sessions once", func(t *testing.T) {
		f, _, tokens := setup(t)
		if err := f.EndMarkedSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.checkAccess(tokens, apperr.TokenRevoked)
		if left, _ := f.store.SessionsToEnd(t.Context()); len(left) != 0 {
			t.Errorf("got pending session ends %v, want none", left)
		}
	})
	t.Run("EndSessions ends the sessions after an outage", func(t *testing.T) {
		f := start(t)
		anna := f.register("anna@example.com")
		tokens := f.login("anna@example.com")
		f.outage.Store(true)
		_, err := f.Deactivate(t.Context(), uuid.New(), anna.ID)
		checkCode(t, "deactivation during an outage", err, apperr.DependencyUnavailable)
		checkCode(t, "EndMarkedSessions during the outage", f.EndMarkedSessions(t.Context()), apperr.DependencyUnavailable)
		f.outage.Store(false)
		f.checkAccess(tokens, "") // Redis still has the session
		if err := f.EndMarkedSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.checkAccess(tokens, apperr.TokenRevoked)
	})
	t.Run("the end of an earlier deactivation does not clear a later one", func(t *testing.T) {
		f, anna, _ := setup(t)
		earlier := f.store.users[anna.ID]
		for _, active := range []bool{true, false} {
			if _, err := f.store.SetActive(t.Context(), uuid.Nil, anna.ID, active); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.store.ClearSessionsToEnd(t.Context(), earlier); err != nil {
			t.Fatal(err)
		}
		if left, _ := f.store.SessionsToEnd(t.Context()); len(left) != 1 {
			t.Errorf("got pending session ends %v, want one of %s", left, anna.ID)
		}
	})
	t.Run("sessions after an activation are kept", func(t *testing.T) {
		f, anna, _ := setup(t)
		if err := f.EndMarkedSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Activate(t.Context(), uuid.New(), anna.ID); err != nil {
			t.Fatal(err)
		}
		tokens := f.login("anna@example.com")
		if err := f.EndMarkedSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.checkAccess(tokens, "")
	})
}

// TestRefreshesOfASessionAreLimited refreshes a session in a loop. The session remains valid, and a stolen token still ends it.
func TestRefreshesOfASessionAreLimited(t *testing.T) {
	f := start(t)
	f.register("anna@example.com")
	tokens := f.login("anna@example.com")
	stolen := tokens.Refresh
	var err error
	for range users.DefaultLimits().RefreshPerSession.N {
		if tokens, err = f.Refresh(t.Context(), testClient(), tokens.Refresh); err != nil {
			t.Fatal(err)
		}
	}
	last := tokens.Refresh
	_, err = f.Refresh(t.Context(), testClient(), last)
	checkCode(t, "one more refresh", err, apperr.RateLimited)
	if again, err := f.Refresh(t.Context(), testClient(), stolen); err != nil || again.Refresh == last {
		t.Errorf("repetition of an earlier refresh: %v, %v, want the same pair", again.Refresh == last, err)
	}
	f.checkAccess(tokens, "")
	other := f.login("anna@example.com")
	if _, err = f.Refresh(t.Context(), testClient(), other.Refresh); err != nil {
		t.Errorf("refresh of another session: %v", err)
	}
	for _, pattern := range []string{"session-grace:*", "session-refresh:*"} {
		redistest.Expire(t, f.redis, pattern)
	}
	_, err = f.Refresh(t.Context(), testClient(), stolen)
	checkCode(t, "reuse beyond the limit", err, apperr.TokenReused)
	f.checkAccess(tokens, apperr.TokenRevoked)
}
