package users_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/users"
)

func TestRefresh(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	first := h.login("anna@example.com")
	second, err := h.Refresh(t.Context(), first.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	if second.Refresh == first.Refresh || second.Access == first.Access || second.In != users.RefreshTokenInCookie {
		t.Errorf("refreshed to %+v from %+v", second, first)
	}
	h.accepted(second, "")
	_, err = h.Refresh(t.Context())
	code(t, "no token", err, apperr.TokenMissing)
	_, err = h.Refresh(t.Context(), first.Access.Token)
	code(t, "an access token", err, apperr.TokenInvalid)
}

func TestLogout(t *testing.T) {
	h := newHouse(t)
	h.register("anna@example.com")
	tokens, other := h.login("anna@example.com"), h.login("anna@example.com")
	if err := h.Logout(t.Context(), tokens.Refresh); err != nil {
		t.Fatal(err)
	}
	h.accepted(tokens, apperr.TokenRevoked)
	h.accepted(other, "")
	_, err := h.Refresh(t.Context(), tokens.Refresh)
	code(t, "refresh after logout", err, apperr.TokenRevoked)
	code(t, "logout again", h.Logout(t.Context(), tokens.Refresh), apperr.TokenRevoked)
	code(t, "no token", h.Logout(t.Context()), apperr.TokenMissing)
}

func TestDeactivate(t *testing.T) {
	h := newHouse(t)
	anna := h.register("anna@example.com")
	admin := uuid.New()
	tokens := h.login("anna@example.com")
	for range 2 {
		u, err := h.Deactivate(t.Context(), admin, anna.ID)
		if err != nil || u.IsActive {
			t.Fatalf("deactivated to %+v, %v", u, err)
		}
	}
	h.accepted(tokens, apperr.TokenRevoked)
	_, err := h.Refresh(t.Context(), tokens.Refresh)
	code(t, "refresh", err, apperr.TokenRevoked)

	u, err := h.Activate(t.Context(), anna.ID)
	if err != nil || !u.IsActive {
		t.Fatalf("activated to %+v, %v", u, err)
	}
	h.accepted(tokens, apperr.TokenRevoked) // old sessions stay ended
	h.accepted(h.login("anna@example.com"), "")

	_, err = h.Deactivate(t.Context(), anna.ID, anna.ID)
	code(t, "oneself", err, apperr.Forbidden)
	_, err = h.Deactivate(t.Context(), admin, uuid.New())
	code(t, "nobody", err, apperr.NotFound)
}

// An admin whose connection breaks right after the commit must not leave the user's sessions alive.
func TestDeactivationOutlivesItsCaller(t *testing.T) {
	h := newHouse(t)
	anna := h.register("anna@example.com")
	tokens := h.login("anna@example.com")
	ctx, cancel := context.WithCancel(t.Context())
	h.store.switching = func() {
		tokens = h.login("anna@example.com") // one more, so that there is something to end
		cancel()
	}
	if _, err := h.Deactivate(ctx, uuid.New(), anna.ID); err != nil {
		t.Fatal(err)
	}
	h.accepted(tokens, apperr.TokenRevoked)
}

// TestInterruptedDeactivation is about the moment after the database has committed and before the sessions were ended.
func TestInterruptedDeactivation(t *testing.T) {
	setup := func(t *testing.T) (*house, users.User, users.Tokens) {
		h := newHouse(t)
		anna := h.register("anna@example.com")
		tokens := h.login("anna@example.com")
		if _, err := h.store.SetActive(t.Context(), anna.ID, false); err != nil {
			t.Fatal(err)
		}
		return h, anna, tokens
	}
	t.Run("a refresh ends the sessions", func(t *testing.T) {
		h, _, tokens := setup(t)
		_, err := h.Refresh(t.Context(), tokens.Refresh)
		code(t, "refresh", err, apperr.TokenRevoked)
		h.accepted(tokens, apperr.TokenRevoked)
	})
	t.Run("whoever looks next ends the sessions, once", func(t *testing.T) {
		h, _, tokens := setup(t)
		if err := h.EndSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.accepted(tokens, apperr.TokenRevoked)
		if left, _ := h.store.SessionsToEnd(t.Context()); len(left) != 0 {
			t.Errorf("the sessions of %v are still to be ended", left)
		}
	})
	t.Run("sessions out of reach are ended later", func(t *testing.T) {
		h := newHouse(t)
		anna := h.register("anna@example.com")
		tokens := h.login("anna@example.com")
		h.outage.Store(true)
		_, err := h.Deactivate(t.Context(), uuid.New(), anna.ID)
		code(t, "deactivate", err, apperr.DependencyUnavailable)
		code(t, "and again", h.EndSessions(t.Context()), apperr.DependencyUnavailable)
		h.outage.Store(false)
		h.accepted(tokens, "") // what Redis still knows
		if err := h.EndSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.accepted(tokens, apperr.TokenRevoked)
	})
	t.Run("an answer to an earlier deactivation leaves a later one to be done", func(t *testing.T) {
		h, anna, _ := setup(t)
		earlier := h.store.users[anna.ID]
		for _, active := range []bool{true, false} {
			if _, err := h.store.SetActive(t.Context(), anna.ID, active); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.store.SessionsEnded(t.Context(), earlier); err != nil {
			t.Fatal(err)
		}
		if left, _ := h.store.SessionsToEnd(t.Context()); len(left) != 1 {
			t.Errorf("the sessions of %v are to be ended", left)
		}
	})
	t.Run("who is active again keeps later sessions", func(t *testing.T) {
		h, anna, _ := setup(t)
		if err := h.EndSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Activate(t.Context(), anna.ID); err != nil {
			t.Fatal(err)
		}
		tokens := h.login("anna@example.com")
		if err := h.EndSessions(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.accepted(tokens, "")
	})
}
