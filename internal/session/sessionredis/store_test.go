package sessionredis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
)

func TestRotation(t *testing.T) {
	each(t, func(f *fixture) {
		f.wantActive(f.session.ID, true)
		s, first, err := f.store.Rotate(f.Context(), f.token, another(), issue)
		if err != nil {
			f.Fatal(err)
		}
		want := f.session
		want.Client, want.LastUsedAt = another(), s.LastUsedAt
		if s != want || s.LastUsedAt.Before(f.session.LastUsedAt) {
			f.Errorf("session %+v, want %+v", s, want)
		}
		f.wantSessions(s.User, s)
		if second := f.rotate(first.Refresh); second.Refresh == first.Refresh {
			f.Error("a rotation returned the same refresh token again")
		}
		f.wantActive(f.session.ID, true)
	})
}

func TestSessionEndsAtItsAbsoluteEnd(t *testing.T) {
	each(t, func(f *fixture) {
		s, token := f.loginUntil(f.session.User, time.Now().Add(time.Hour))
		for range 2 {
			ttl, err := f.client.Do(t.Context(), f.client.B().Pttl().Key("session:"+s.ID.String()).Build()).AsInt64()
			if err != nil || ttl <= 0 || ttl > time.Hour.Milliseconds() {
				t.Errorf("the session has a TTL of %d ms, %v; want at most one hour", ttl, err)
			}
			token = f.rotate(token).Refresh
		}
		redistest.Expire(t, f.client, "session:"+s.ID.String())
		f.wantRefused(token, apperr.TokenRevoked)
		f.rotate(f.token) // the shorter session does not shorten the list of the user's sessions
		if n, err := f.store.EndAllOf(t.Context(), f.session.User, uuid.Nil); err != nil || n != 1 {
			t.Errorf("EndAllOf = %d, %v; want 1", n, err)
		}
	})
}

// TestRotateComparesTheAbsoluteEnd checks that Rotate refuses a session after its end even if Redis still has the session.
func TestRotateComparesTheAbsoluteEnd(t *testing.T) {
	each(t, func(f *fixture) {
		record := fmt.Sprintf(`{"user":%q,"role":"PLAYER","in":"BODY","ends":"2020-01-01T00:00:00Z"}`, f.session.User)
		set := f.client.B().Set().Key("session:" + f.session.ID.String()).Value(record).Build()
		if err := f.client.Do(t.Context(), set).Error(); err != nil {
			t.Fatal(err)
		}
		f.wantRefused(f.token, apperr.TokenRevoked)
	})
}

func TestGracePeriodReturnsTheSamePair(t *testing.T) {
	each(t, func(f *fixture) {
		first := f.rotate(f.token)
		if again := f.rotate(f.token); again != first {
			f.Errorf("repeated rotation: pair %v, want %v", again, first)
		}
		f.rotate(first.Refresh)
		if again := f.rotate(f.token); again != first {
			f.Errorf("repeated after a further rotation: pair %v, want %v", again, first)
		}
		f.wantActive(f.session.ID, true)
	})
}

func TestReuseEndsTheSession(t *testing.T) {
	each(t, func(f *fixture) {
		next := f.rotate(f.token).Refresh
		newest := f.rotate(next).Refresh
		_, other := f.login(f.session.User)
		if n := redistest.Expire(f, f.client, "session-grace:*"); n != 2 {
			f.Fatalf("%d rotations in their grace period, want 2", n)
		}
		f.wantRefused(f.token, apperr.TokenReused)
		f.wantActive(f.session.ID, false)
		for _, token := range []string{f.token, next, newest} {
			f.wantRefused(token, apperr.TokenRevoked)
		}
		f.rotate(other) // another session of the same user is not affected
	})
}

func TestConcurrentRotationsReturnOnePair(t *testing.T) {
	each(t, func(f *fixture) {
		const clients = 20
		pairs := make([]session.Pair, clients)
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				var err error
				if _, pairs[i], err = f.store.Rotate(f.Context(), f.token, another(), issue); err != nil {
					f.Error(err)
				}
			})
		}
		wg.Wait()
		for _, p := range pairs {
			if p != pairs[0] {
				f.Fatalf("different pairs: %v and %v", p, pairs[0])
			}
		}
		f.rotate(pairs[0].Refresh)
	})
}

func TestEnd(t *testing.T) {
	each(t, func(f *fixture) {
		next := f.rotate(f.token).Refresh
		f.wantActive(f.session.ID, true)
		if _, err := f.store.End(f.Context(), next); err != nil {
			f.Fatal(err)
		}
		f.wantActive(f.session.ID, false)
		f.wantRefused(next, apperr.TokenRevoked)
		f.wantRefused(f.token, apperr.TokenRevoked) // the grace period ends with the session
		if _, err := f.store.End(f.Context(), next); apperr.CodeOf(err) != apperr.TokenRevoked {
			f.Errorf("second End: error %v, want TOKEN_REVOKED", err)
		}
	})
}

func TestEndAllOf(t *testing.T) {
	each(t, func(f *fixture) {
		second, token := f.login(f.session.User)
		other, _ := f.login(uuid.New())
		f.wantActive(second.ID, true)
		if n, err := f.store.EndAllOf(f.Context(), f.session.User, uuid.Nil); err != nil || n != 2 {
			f.Fatalf("EndAllOf = %d, %v; want 2", n, err)
		}
		f.wantActive(f.session.ID, false)
		f.wantActive(second.ID, false)
		f.wantActive(other.ID, true)
		f.wantRefused(token, apperr.TokenRevoked)
		if n, err := f.store.EndAllOf(f.Context(), f.session.User, uuid.Nil); err != nil || n != 0 {
			f.Errorf("second EndAllOf = %d, %v; want 0", n, err)
		}
	})
}

func TestEndAllOfExceptOne(t *testing.T) {
	each(t, func(f *fixture) {
		kept, token := f.login(f.session.User)
		f.login(f.session.User)
		for _, want := range []int{2, 0} {
			if n, err := f.store.EndAllOf(t.Context(), f.session.User, kept.ID); err != nil || n != want {
				t.Fatalf("EndAllOf = %d, %v; want %d", n, err, want)
			}
		}
		f.wantActive(f.session.ID, false)
		f.wantActive(kept.ID, true)
		f.wantSessions(kept.User, kept)
		f.rotate(token)
	})
}

func TestEndSession(t *testing.T) {
	each(t, func(f *fixture) {
		second, _ := f.login(f.session.User)
		f.wantSessions(second.User, second, f.session) // newest first
		f.wantSessions(uuid.New())
		for _, tt := range []struct {
			name string
			user uuid.UUID
			want bool
		}{{"foreign", uuid.New(), false}, {"active", second.User, true}, {"ended", second.User, false}} {
			if ended, err := f.store.EndSession(t.Context(), tt.user, second.ID); err != nil || ended != tt.want {
				t.Errorf("%s session: EndSession = %t, %v; want %t", tt.name, ended, err, tt.want)
			}
		}
		f.wantActive(second.ID, false)
		f.wantSessions(second.User, f.session)
	})
}

func TestCreateEndsTheOldestSessionBeyondTheMaximum(t *testing.T) {
	each(t, func(f *fixture) {
		second, _ := f.login(f.session.User)
		for range session.MaxPerUser - 1 {
			f.login(f.session.User)
		}
		f.wantActive(f.session.ID, false)
		f.wantRefused(f.token, apperr.TokenRevoked)
		f.wantActive(second.ID, true)
		if n, err := f.store.EndAllOf(f.Context(), f.session.User, uuid.Nil); err != nil || n != session.MaxPerUser {
			f.Errorf("EndAllOf = %d, %v; want %d", n, err, session.MaxPerUser)
		}
	})
}

func TestUnknownTokens(t *testing.T) {
	each(t, func(f *fixture) {
		other := "A"
		if strings.HasSuffix(f.token, other) {
			other = "B"
		}
		for name, token := range map[string]string{
			"empty":                   "",
			"access token":            "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
			"not base64":              strings.Repeat("!", len(f.token)),
			"too long":                f.token + "A",
			"another secret":          f.token[:len(f.token)-1] + other,
			"another session id":      "B" + f.token[1:],
			"well-formed, not issued": strings.Repeat("A", len(f.token)),
		} {
			f.Run(name, func(t *testing.T) {
				_, _, err := f.store.Rotate(t.Context(), token, another(), issue)
				if apperr.CodeOf(err) != apperr.TokenInvalid {
					t.Errorf("Rotate: error %v, want TOKEN_INVALID", err)
				}
				if _, err := f.store.End(t.Context(), token); apperr.CodeOf(err) != apperr.TokenInvalid {
					t.Errorf("End: error %v, want TOKEN_INVALID", err)
				}
			})
		}
		f.wantActive(f.session.ID, true)
	})
}

func TestRefreshTokenExpiresWithItsSession(t *testing.T) {
	each(t, func(f *fixture) {
		redistest.Expire(f, f.client, "session*")
		f.wantRefused(f.token, apperr.TokenRevoked)
	})
}

func TestFailedIssueChangesNothing(t *testing.T) {
	each(t, func(f *fixture) {
		want := apperr.New(apperr.AccountDeactivated, "the account is deactivated")
		_, _, err := f.store.Rotate(f.Context(), f.token, another(), func(context.Context, *session.Session) (session.Access, error) {
			return session.Access{}, want
		})
		if !errors.Is(err, want) {
			f.Fatalf("error %v, want %v", err, want)
		}
		f.rotate(f.token)
	})
}

// Every key in Redis must expire, and neither keys nor values may contain a token in plain text.
func TestKeysExpireAndContainNoTokens(t *testing.T) {
	each(t, func(f *fixture) {
		pair := f.rotate(f.token)
		ctx := f.Context()
		keys, err := f.client.Do(ctx, f.client.B().Keys().Pattern("*").Build()).AsStrSlice()
		if err != nil || len(keys) != 6 {
			f.Fatalf("keys %q, %v; want 6", keys, err)
		}
		for _, key := range keys {
			ttl, err := f.client.Do(ctx, f.client.B().Pttl().Key(key).Build()).AsInt64()
			if err != nil || ttl <= 0 || ttl > session.TTL.Milliseconds() {
				f.Errorf("%s has a TTL of %d ms, %v; want at most %s", key, ttl, err, session.TTL)
			}
			value, _ := f.client.Do(ctx, f.client.B().Get().Key(key).Build()).ToString()
			for _, secret := range []string{f.token, pair.Refresh, pair.Access.Token} {
				if strings.Contains(key+value, secret) {
					f.Errorf("%s contains a token in plain text", key)
				}
			}
		}
	})
}

func TestSubscribeEnded(t *testing.T) {
	each(t, func(f *fixture) {
		second, token := f.login(f.session.User)
		rotated := f.rotate(token).Refresh
		ctx, cancel := context.WithCancel(f.Context())
		received := make(chan uuid.UUID, 16)
		done := make(chan error, 1)
		go func() { done <- f.store.SubscribeEnded(ctx, func(id uuid.UUID) { received <- id }) }()
		f.waitForSubscriber()

		if ended, err := f.store.EndSession(ctx, second.User, second.ID); err != nil || !ended {
			f.Fatal(err)
		}
		third, token := f.login(f.session.User)
		f.rotate(token)
		redistest.Expire(f, f.client, "session-grace:*")
		f.wantRefused(token, apperr.TokenReused)
		if _, err := f.store.EndAllOf(ctx, f.session.User, uuid.Nil); err != nil {
			f.Fatal(err)
		}
		f.wantRefused(rotated, apperr.TokenRevoked)
		for _, want := range []uuid.UUID{second.ID, third.ID, f.session.ID} {
			select {
			case got := <-received:
				if got != want {
					f.Errorf("received session %s, want %s", got, want)
				}
			case <-time.After(5 * time.Second):
				f.Fatalf("no message for session %s", want)
			}
		}
		cancel()
		if err := <-done; err != nil {
			f.Errorf("SubscribeEnded: %v", err)
		}
	})
}

func (f *fixture) waitForSubscriber() {
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
	f.Fatal("timeout: no subscriber of session-ended")
}

func TestMethodsFailWithoutRedis(t *testing.T) {
	server := redistest.Start(t)
	store := sessionredis.NewStore(server.Open(t), sessionredis.Key("key"))
	s, token, err := store.Create(t.Context(), started(uuid.New(), time.Now().Add(time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if active, err := store.Active(t.Context(), s.ID); err != nil || !active {
		t.Fatalf("Active = %t, %v; want true", active, err)
	}
	server.Kill()
	createErr := errorOf(store.Create(t.Context(), s))
	rotateErr := errorOf(store.Rotate(t.Context(), token, another(), issue))
	_, activeErr := store.ActiveMany(t.Context(), []uuid.UUID{s.ID})
	_, endErr := store.EndAllOf(t.Context(), s.User, uuid.Nil)
	_, listErr := store.OfUser(t.Context(), s.User)
	_, endOneErr := store.EndSession(t.Context(), s.User, s.ID)
	_, endTokenErr := store.End(t.Context(), token)
	for method, err := range map[string]error{
		"OfUser": listErr, "EndSession": endOneErr, "Create": createErr, "Rotate": rotateErr, "ActiveMany": activeErr, "EndAllOf": endErr,
		"End": endTokenErr,
	} {
		if apperr.CodeOf(err) != apperr.DependencyUnavailable {
			t.Errorf("%s: error %v, want DEPENDENCY_UNAVAILABLE", method, err)
		}
	}
}

func BenchmarkActive(b *testing.B) {
	store := sessionredis.NewStore(redistest.Start(b).Open(b), sessionredis.Key("key"))
	s, _, err := store.Create(b.Context(), started(uuid.New(), time.Now().Add(time.Hour)))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if ok, err := store.Active(b.Context(), s.ID); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
}
