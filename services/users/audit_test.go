package users_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/services/users"
)

// acting returns a context with an act of an unknown client.
func (f *fixture) acting(action users.AuditAction) context.Context {
	return audit.With(f.Context(), &audit.Act{Action: string(action), Address: clientAddr})
}

func (f *fixture) loginActing(email, password string) error {
	_, _, err := f.Login(f.acting(users.AuditActionLogin), users.Credentials{Email: email, Password: password}, "", testClient())
	return err
}

// outcomes returns the outcomes of the recorded entries.
func (f *fixture) outcomes() string {
	var all []string
	for _, e := range f.store.recorded {
		all = append(all, e.Outcome)
	}
	return fmt.Sprint(all)
}

func TestLoginsAreRecorded(t *testing.T) {
	f := start(t)
	u := f.register("a@example.com")
	checkCode(t, "login", f.loginActing("a@example.com", secret), "")
	checkCode(t, "wrong password", f.loginActing("a@example.com", "wrong password"), apperr.InvalidCredentials)
	checkCode(t, "unknown e-mail", f.loginActing("b@example.com", secret), apperr.InvalidCredentials)
	if got := f.outcomes(); got != "[OK INVALID_CREDENTIALS INVALID_CREDENTIALS]" {
		t.Errorf("the outcomes are %s", got)
	}
	if e := f.store.recorded[0]; e.Actor != u.ID || e.Target != u.ID || e.Session.Version() != 7 {
		t.Errorf("got %+v, want the user as actor and target", e)
	}
	if e := f.store.recorded[1]; e.Actor == u.ID || e.Target != u.ID {
		t.Errorf("got %+v, want no actor and the user as target", e)
	}
}

// TestRefusedLoginsAreRecordedOnce floods an account with logins. The refusals by the limit cost the attacker little, so they
// must not fill the trail.
func TestRefusedLoginsAreRecordedOnce(t *testing.T) {
	f := start(t)
	f.register("a@example.com")
	limit := users.DefaultLimits().LoginPerAccount.N
	for range 3 * limit {
		_ = f.loginActing("a@example.com", "wrong password")
	}
	wrong, limited := 0, 0
	for _, e := range f.store.recorded {
		switch e.Outcome {
		case string(apperr.InvalidCredentials):
			wrong++
		case string(apperr.RateLimited):
			limited++
		}
	}
	if wrong != limit || limited != 1 {
		t.Errorf("%d wrong passwords and %d refusals were recorded, want %d and 1", wrong, limited, limit)
	}
}

// TestNoLoginWithoutAnEntry checks that a login fails if its entry cannot be stored, and that a failed login does not reveal
// whether the password is right.
func TestNoLoginWithoutAnEntry(t *testing.T) {
	f := start(t)
	u := f.register("a@example.com")
	f.store.recordErr = apperr.New(apperr.DependencyUnavailable, "the database cannot be reached")
	checkCode(t, "login", f.loginActing("a@example.com", secret), apperr.DependencyUnavailable)
	checkCode(t, "wrong password", f.loginActing("a@example.com", "wrong password"), apperr.DependencyUnavailable)
	if left, err := f.sessions.OfUser(t.Context(), u.ID); err != nil || len(left) != 0 {
		t.Errorf("got the sessions %v, %v, want none", left, err)
	}
}

func TestReuseOfARefreshTokenIsRecorded(t *testing.T) {
	f := start(t)
	u := f.register("a@example.com")
	first := f.login("a@example.com")
	if _, err := f.Refresh(t.Context(), testClient(), first.Refresh); err != nil {
		t.Fatal(err)
	}
	redistest.Expire(t, f.redis, "session-grace:*")
	for range 2 {
		_, err := f.Refresh(f.acting(users.AuditActionRefresh), testClient(), first.Refresh)
		if err == nil {
			t.Fatal("the token was accepted again")
		}
	}
	if got := f.outcomes(); got != "[TOKEN_REUSED]" || f.store.recorded[0].Target != u.ID {
		t.Errorf("got %+v, want one entry about the user", f.store.recorded)
	}
}

// TestAbandonedCallsAreRecorded ends sessions in calls whose client has given up. No effect may be missing in the trail.
func TestAbandonedCallsAreRecorded(t *testing.T) {
	f := start(t)
	u := f.register("a@example.com")
	gone := func(action users.AuditAction) context.Context {
		ctx, cancel := context.WithCancel(audit.With(t.Context(), &audit.Act{Action: string(action), Actor: u.ID}))
		f.afterEnd.cancel = cancel
		return ctx
	}
	for name, end := range map[string]func(users.Tokens, uuid.UUID) error{
		"logout": func(tokens users.Tokens, _ uuid.UUID) error {
			return f.Logout(gone(users.AuditActionLogout), tokens.Refresh)
		},
		"end of one session": func(_ users.Tokens, id uuid.UUID) error {
			return f.EndSession(gone(users.AuditActionEndSession), u.ID, id)
		},
		"reuse": func(tokens users.Tokens, _ uuid.UUID) error {
			if _, err := f.Refresh(t.Context(), testClient(), tokens.Refresh); err != nil {
				return err
			}
			redistest.Expire(t, f.redis, "session-grace:*")
			_, err := f.Refresh(gone(users.AuditActionRefresh), testClient(), tokens.Refresh)
			if apperr.CodeOf(err) == apperr.TokenReused {
				return nil
			}
			return err
		},
	} {
		f.store.recorded = nil
		tokens := f.login("a@example.com")
		all, err := f.sessions.OfUser(t.Context(), u.ID)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: got the sessions %v, %v, want one", name, all, err)
		}
		checkCode(t, name, end(tokens, all[0].ID), "")
		f.checkAccess(tokens, apperr.TokenRevoked)
		if n := len(f.store.recorded); n != 1 {
			t.Errorf("%s: %d entries were recorded, want one", name, n)
		}
	}
}

// Users without other sessions cannot fill the trail or increment their version. Acts of admins are always recorded.
func TestEndOfNoSessionsIsRecordedForAdminsOnly(t *testing.T) {
	f := start(t)
	anna := f.register("anna@example.com")
	end := func(actor uuid.UUID, want int) {
		t.Helper()
		f.store.recorded = nil
		before := f.store.users[anna.ID].StatusVersion
		act := &audit.Act{Action: string(users.AuditActionEndSessions), Actor: actor}
		checkCode(t, "end the sessions", f.EndSessions(audit.With(t.Context(), act), anna.ID, uuid.Nil), "")
		if n := len(f.store.recorded); n != want {
			t.Errorf("%d entries were recorded, want %d", n, want)
		}
		if n := f.store.users[anna.ID].StatusVersion - before; n != int64(want) {
			t.Errorf("the status version grew by %d, want %d", n, want)
		}
	}
	end(anna.ID, 0)
	f.login("anna@example.com")
	end(anna.ID, 1)
	end(anna.ID, 0)
	end(uuid.New(), 1)
}
