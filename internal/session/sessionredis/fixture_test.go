package sessionredis_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
)

// fixture is a store with the session of one user.
type fixture struct {
	*testing.T
	client  rueidis.Client
	store   *sessionredis.Store
	session session.Session
	token   string
}

// each runs test on a Redis server and on the embedded server.
func each(t *testing.T, test func(f *fixture)) {
	t.Helper()
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		f := &fixture{T: t, client: client, store: sessionredis.NewStore(client, sessionredis.Key("key"))}
		f.session, f.token = f.login(uuid.New())
		test(f)
	})
}

func (f *fixture) login(user uuid.UUID) (session.Session, string) {
	f.Helper()
	return f.loginUntil(user, time.Now().Add(session.DefaultLifetime))
}

// loginUntil creates a session with an absolute end.
func (f *fixture) loginUntil(user uuid.UUID, end time.Time) (session.Session, string) {
	f.Helper()
	s, token, err := f.store.Create(f.Context(), started(user, end))
	if err != nil {
		f.Fatal(err)
	}
	return s, token
}

// started returns a session of a player, without an id. Its times are the same after the session was stored and read.
func started(user uuid.UUID, end time.Time) session.Session {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return session.Session{
		User: user, Role: authn.RolePlayer, In: session.InBody, CreatedAt: now, LastUsedAt: now,
		Client: session.NewClient(netip.MustParseAddr("192.0.2.1"), "test"), Ends: end.UTC().Truncate(time.Microsecond),
	}
}

// another returns a client that differs from the client of started.
func another() session.Client {
	return session.NewClient(netip.MustParseAddr("2001:db8::1"), "another")
}

// wantSessions checks the sessions of a user.
func (f *fixture) wantSessions(user uuid.UUID, want ...session.Session) {
	f.Helper()
	got, err := f.store.OfUser(f.Context(), user)
	if err != nil || !slices.Equal(got, want) {
		f.Errorf("OfUser = %+v, %v; want %+v", got, err, want)
	}
}

// issue returns a different access token at each call.
func issue(_ context.Context, s *session.Session) (session.Access, error) {
	return session.Access{Token: s.ID.String() + uuid.NewString(), Expires: time.Unix(1e9, 0).UTC()}, nil
}

func (f *fixture) rotate(token string) session.Pair {
	f.Helper()
	_, pair, err := f.store.Rotate(f.Context(), token, another(), issue)
	if err != nil {
		f.Fatal(err)
	}
	return pair
}

// wantRefused checks that Rotate fails with the given code.
func (f *fixture) wantRefused(token string, want apperr.Code) {
	f.Helper()
	if _, _, err := f.store.Rotate(f.Context(), token, another(), issue); apperr.CodeOf(err) != want {
		f.Errorf("Rotate: error %v, want %s", err, want)
	}
}

// wantActive checks the results of Active and ActiveMany.
func (f *fixture) wantActive(id uuid.UUID, want bool) {
	f.Helper()
	deadline := time.Now().Add(5 * time.Second) // the client's cache is invalidated shortly after a change
	for {
		got, err := f.store.Active(f.Context(), id)
		if err != nil {
			f.Fatal(err)
		}
		if got == want {
			break
		}
		if time.Now().After(deadline) {
			f.Fatalf("Active = %t, want %t", got, want)
		}
	}
	many, err := f.store.ActiveMany(f.Context(), []uuid.UUID{uuid.New(), id})
	if err != nil {
		f.Fatal(err)
	}
	if many[0] || many[1] != want {
		f.Errorf("ActiveMany = %v, want [false %t]", many, want)
	}
}

func errorOf[A, B any](_ A, _ B, err error) error { return err }
