package sessionredis_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/redistest"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
)

// fixture is a user who has logged in once.
type fixture struct {
	*testing.T
	client  rueidis.Client
	store   *sessionredis.Store
	session session.Session
	token   string
}

func each(t *testing.T, test func(f *fixture)) {
	t.Helper()
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		f := &fixture{T: t, client: client, store: sessionredis.NewStore(client)}
		f.session, f.token = f.login(uuid.New())
		test(f)
	})
}

func (f *fixture) login(user uuid.UUID) (session.Session, string) {
	f.Helper()
	s, token, err := f.store.Create(f.Context(), user, authn.RolePlayer, session.InBody)
	if err != nil {
		f.Fatal(err)
	}
	return s, token
}

// issue makes access tokens that differ from call to call.
func issue(_ context.Context, s session.Session) (session.Access, error) {
	return session.Access{Token: s.ID.String() + uuid.NewString(), Expires: time.Unix(1e9, 0).UTC()}, nil
}

func (f *fixture) rotate(token string) session.Pair {
	f.Helper()
	_, pair, err := f.store.Rotate(f.Context(), token, issue)
	if err != nil {
		f.Fatal(err)
	}
	return pair
}

func (f *fixture) refused(token string, want apperr.Code) {
	f.Helper()
	if _, _, err := f.store.Rotate(f.Context(), token, issue); apperr.CodeOf(err) != want {
		f.Errorf("the token is answered with %v, want %s", err, want)
	}
}

func (f *fixture) active(id uuid.UUID, want bool) {
	f.Helper()
	deadline := time.Now().Add(5 * time.Second) // Redis pushes the end to the cache a moment later
	for {
		got, err := f.store.Active(f.Context(), id)
		if err != nil {
			f.Fatal(err)
		}
		if got == want {
			break
		}
		if time.Now().After(deadline) {
			f.Fatalf("the session is active: %t, want %t", got, want)
		}
	}
	many, err := f.store.ActiveMany(f.Context(), []uuid.UUID{uuid.New(), id})
	if err != nil {
		f.Fatal(err)
	}
	if many[0] || many[1] != want {
		f.Errorf("ActiveMany says %v, want [false %t]", many, want)
	}
}

func TestRotation(t *testing.T) {
	each(t, func(f *fixture) {
		f.active(f.session.ID, true)
		s, first, err := f.store.Rotate(f.Context(), f.token, issue)
		if err != nil {
			t.Fatal(err)
		}
		if s != f.session {
			t.Errorf("the session is %+v, want %+v", s, f.session)
		}
		if second := f.rotate(first.Refresh); second.Refresh == first.Refresh {
			t.Error("a refresh gave the same refresh token again")
		}
		f.active(f.session.ID, true)
	})
}

func TestGraceGivesTheSamePair(t *testing.T) {
	each(t, func(f *fixture) {
		first := f.rotate(f.token)
		if again := f.rotate(f.token); again != first {
			t.Errorf("in the grace the pair is %v, want %v", again, first)
		}
		f.rotate(first.Refresh)
		if again := f.rotate(f.token); again != first {
			t.Errorf("after a further rotation the pair is %v, want %v", again, first)
		}
		f.active(f.session.ID, true)
	})
}

func TestReuseEndsTheFamily(t *testing.T) {
	each(t, func(f *fixture) {
		next := f.rotate(f.token).Refresh
		newest := f.rotate(next).Refresh
		_, other := f.login(f.session.User)
		if n := redistest.Expire(t, f.client, "session-grace:*"); n != 2 {
			t.Fatalf("%d rotations are in their grace, want 2", n)
		}
		f.refused(f.token, apperr.TokenReused)
		f.active(f.session.ID, false)
		for _, token := range []string{f.token, next, newest} {
			f.refused(token, apperr.TokenRevoked)
		}
		f.rotate(other) // another login of the same user is another family
	})
}

func TestParallelRefreshesGetOnePair(t *testing.T) {
	each(t, func(f *fixture) {
		const clients = 20
		pairs := make([]session.Pair, clients)
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				var err error
				if _, pairs[i], err = f.store.Rotate(t.Context(), f.token, issue); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, p := range pairs {
			if p != pairs[0] {
				t.Fatalf("two pairs: %v and %v", p, pairs[0])
			}
		}
		f.rotate(pairs[0].Refresh)
	})
}

func TestEnd(t *testing.T) {
	each(t, func(f *fixture) {
		next := f.rotate(f.token).Refresh
		f.active(f.session.ID, true)
		if err := f.store.End(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		f.active(f.session.ID, false)
		f.refused(next, apperr.TokenRevoked)
		f.refused(f.token, apperr.TokenRevoked) // the grace ends with the session
		if err := f.store.End(t.Context(), next); apperr.CodeOf(err) != apperr.TokenRevoked {
			t.Errorf("a second logout is answered with %v, want TOKEN_REVOKED", err)
		}
	})
}

func TestEndAllOf(t *testing.T) {
	each(t, func(f *fixture) {
		second, token := f.login(f.session.User)
		stranger, _ := f.login(uuid.New())
		f.active(second.ID, true)
		if n, err := f.store.EndAllOf(t.Context(), f.session.User); err != nil || n != 2 {
			t.Fatalf("%d sessions ended (%v), want 2", n, err)
		}
		f.active(f.session.ID, false)
		f.active(second.ID, false)
		f.active(stranger.ID, true)
		f.refused(token, apperr.TokenRevoked)
		if n, err := f.store.EndAllOf(t.Context(), f.session.User); err != nil || n != 0 {
			t.Errorf("%d sessions ended the second time (%v), want none", n, err)
		}
	})
}

func TestTooManySessionsEndTheOldest(t *testing.T) {
	each(t, func(f *fixture) {
		second, _ := f.login(f.session.User)
		for range session.MaxPerUser - 1 {
			f.login(f.session.User)
		}
		f.active(f.session.ID, false)
		f.refused(f.token, apperr.TokenRevoked)
		f.active(second.ID, true)
		if n, err := f.store.EndAllOf(t.Context(), f.session.User); err != nil || n != session.MaxPerUser {
			t.Errorf("%d sessions ended (%v), want %d", n, err, session.MaxPerUser)
		}
	})
}

func TestUnknownTokens(t *testing.T) {
	each(t, func(f *fixture) {
		last := f.token[len(f.token)-1:]
		other := map[bool]string{true: "A", false: "g"}[last != "A"]
		for name, token := range map[string]string{
			"empty":                     "",
			"an access token":           "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
			"not base64":                strings.Repeat("!", len(f.token)),
			"too long":                  f.token + "A",
			"another secret":            f.token[:len(f.token)-1] + other,
			"another session's id":      "B" + f.token[1:],
			"right form, never existed": strings.Repeat("A", len(f.token)),
		} {
			f.Run(name, func(t *testing.T) {
				_, _, err := f.store.Rotate(t.Context(), token, issue)
				if apperr.CodeOf(err) != apperr.TokenInvalid {
					t.Errorf("refresh: %v, want TOKEN_INVALID", err)
				}
				if err := f.store.End(t.Context(), token); apperr.CodeOf(err) != apperr.TokenInvalid {
					t.Errorf("logout: %v, want TOKEN_INVALID", err)
				}
			})
		}
		f.active(f.session.ID, true) // nobody ends a session by guessing
	})
}

func TestForgottenTokenIsInvalid(t *testing.T) {
	each(t, func(f *fixture) {
		redistest.Expire(t, f.client, "session*")
		f.refused(f.token, apperr.TokenInvalid)
	})
}

func TestRefusedIssueChangesNothing(t *testing.T) {
	each(t, func(f *fixture) {
		want := apperr.New(apperr.AccountDeactivated, "no")
		_, _, err := f.store.Rotate(t.Context(), f.token, func(context.Context, session.Session) (session.Access, error) {
			return session.Access{}, want
		})
		if !errors.Is(err, want) {
			t.Fatalf("the error is %v, want %v", err, want)
		}
		f.rotate(f.token)
	})
}

// TestNothingSecretIsStored looks through all that Redis knows.
func TestNothingSecretIsStored(t *testing.T) {
	each(t, func(f *fixture) {
		pair := f.rotate(f.token)
		ctx := t.Context()
		keys, err := f.client.Do(ctx, f.client.B().Keys().Pattern("*").Build()).AsStrSlice()
		if err != nil || len(keys) != 5 {
			t.Fatalf("keys %q (%v), want five", keys, err)
		}
		for _, key := range keys {
			ttl, err := f.client.Do(ctx, f.client.B().Pttl().Key(key).Build()).AsInt64()
			if err != nil || ttl <= 0 || ttl > session.TTL.Milliseconds() {
				t.Errorf("%s lives %d ms (%v)", key, ttl, err)
			}
			value, _ := f.client.Do(ctx, f.client.B().Get().Key(key).Build()).ToString()
			for _, secret := range []string{f.token, pair.Refresh, pair.Access.Token} {
				if strings.Contains(key+value, secret) {
					t.Errorf("%s holds a token in clear", key)
				}
			}
		}
	})
}

func TestEndedIsAnnounced(t *testing.T) {
	each(t, func(f *fixture) {
		second, token := f.login(f.session.User)
		rotated := f.rotate(token).Refresh
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan uuid.UUID, 16)
		done := make(chan error, 1)
		go func() { done <- f.store.Ended(ctx, func(id uuid.UUID) { heard <- id }) }()
		f.waitForListener()

		if err := f.store.EndSession(ctx, second); err != nil {
			t.Fatal(err)
		}
		third, token := f.login(f.session.User)
		f.rotate(token)
		redistest.Expire(t, f.client, "session-grace:*")
		f.refused(token, apperr.TokenReused)
		if _, err := f.store.EndAllOf(ctx, f.session.User); err != nil {
			t.Fatal(err)
		}
		f.refused(rotated, apperr.TokenRevoked)
		for _, want := range []uuid.UUID{second.ID, third.ID, f.session.ID} {
			select {
			case got := <-heard:
				if got != want {
					t.Errorf("heard of %s, want %s", got, want)
				}
			case <-time.After(5 * time.Second):
				t.Fatal("nobody said that a session ended")
			}
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Ended: %v", err)
		}
	})
}

func (f *fixture) waitForListener() {
	f.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		cmd := f.client.B().PubsubNumsub().Channel("session-ended").Build()
		reply, err := f.client.Do(f.Context(), cmd).ToArray()
		if err != nil {
			f.Fatal(err)
		}
		if n, err := reply[1].AsInt64(); err == nil && n > 0 {
			return
		}
	}
	f.Fatal("nobody listens")
}

func TestRedisAway(t *testing.T) {
	server := redistest.Start(t)
	store := sessionredis.NewStore(server.Open(t))
	s, token, err := store.Create(t.Context(), uuid.New(), authn.RoleStaff, session.InCookie)
	if err != nil {
		t.Fatal(err)
	}
	if active, err := store.Active(t.Context(), s.ID); err != nil || !active {
		t.Fatalf("active: %t, %v", active, err)
	}
	server.Kill()
	_, createErr := ignore(store.Create(t.Context(), s.User, s.Role, s.In))
	_, rotateErr := ignore(store.Rotate(t.Context(), token, issue))
	_, activeErr := store.ActiveMany(t.Context(), []uuid.UUID{s.ID})
	_, endErr := store.EndAllOf(t.Context(), s.User)
	for what, err := range map[string]error{
		"create": createErr, "rotate": rotateErr, "active": activeErr, "end all": endErr,
		"end": store.End(t.Context(), token),
	} {
		if apperr.CodeOf(err) != apperr.DependencyUnavailable {
			t.Errorf("%s: %v, want DEPENDENCY_UNAVAILABLE", what, err)
		}
	}
}

func ignore[A, B any](a A, _ B, err error) (A, error) { return a, err }

func BenchmarkActive(b *testing.B) {
	store := sessionredis.NewStore(redistest.Start(b).Open(b))
	s, _, err := store.Create(b.Context(), uuid.New(), authn.RolePlayer, session.InCookie)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if ok, err := store.Active(b.Context(), s.ID); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}
