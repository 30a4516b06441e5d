package sessionredis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
)

// keys returns all keys in Redis, sorted.
func (f *fixture) keys() []string {
	f.Helper()
	keys, err := f.client.Do(f.Context(), f.client.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil {
		f.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// pastGrace expires the keys of used refresh tokens. It fails if one of them stays longer than the grace period.
func (f *fixture) pastGrace() {
	f.Helper()
	for _, key := range f.keys() {
		used := strings.HasPrefix(key, "session-grace:") ||
			strings.HasPrefix(key, "session-refresh:") && f.get(key) == "rotated"
		if !used {
			continue
		}
		ttl, err := f.client.Do(f.Context(), f.client.B().Pttl().Key(key).Build()).AsInt64()
		if err != nil || ttl <= 0 || ttl > session.GracePeriod.Milliseconds() {
			f.Fatalf("%s stays for %d ms, %v; want at most the grace period", key, ttl, err)
		}
		redistest.Expire(f, f.client, key)
	}
}

// TestRotationsUseConstantMemory rotates the token of a session many times. A client must not be able to fill Redis.
func TestRotationsUseConstantMemory(t *testing.T) {
	each(t, func(f *fixture) {
		token := f.token
		for range 20 {
			token = f.rotate(token).Refresh
		}
		f.pastGrace()
		want := []string{
			"session-refresh:" + f.hash(token), "session-token:" + f.session.ID.String(),
			"session-user:" + f.session.User.String(), "session:" + f.session.ID.String(),
		}
		if got := f.keys(); !slices.Equal(got, want) {
			t.Errorf("keys %q, want %q", got, want)
		}
		f.rotate(token)
	})
}

// TestEndedSessionsUseNoMemory ends sessions in each way. Logins in a loop must not fill Redis.
func TestEndedSessionsUseNoMemory(t *testing.T) {
	each(t, func(f *fixture) {
		for range session.MaxPerUser { // ends f.session
			f.login(f.session.User)
		}
		if got, want := len(f.keys()), 3*session.MaxPerUser+1; got != want {
			t.Errorf("%d keys with %d sessions, want %d", got, session.MaxPerUser, want)
		}
		if _, err := f.store.EndAllOf(t.Context(), f.session.User, uuid.Nil); err != nil {
			t.Fatal(err)
		}
		one, _ := f.login(f.session.User)
		if _, err := f.store.EndSession(t.Context(), one.User, one.ID); err != nil {
			t.Fatal(err)
		}
		_, token := f.login(f.session.User)
		if _, err := f.store.End(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		_, token = f.login(f.session.User)
		f.rotate(token)
		f.pastGrace()
		f.wantRefused(token, apperr.TokenReused)
		if keys := f.keys(); len(keys) != 0 {
			t.Errorf("keys after the end of all sessions: %q", keys)
		}
	})
}

// TestOldTokensAreRecognizedWithoutAKey uses a token of each earlier generation after its grace period.
func TestOldTokensAreRecognizedWithoutAKey(t *testing.T) {
	each(t, func(f *fixture) {
		for age := 1; age <= 3; age++ {
			_, token := f.login(f.session.User)
			tokens := []string{token}
			for range age {
				token = f.rotate(token).Refresh
				tokens = append(tokens, token)
			}
			f.pastGrace()
			if ranked, err := f.store.Rank(t.Context(), tokens); err != nil || ranked[0] != token {
				t.Errorf("Rank = %q, %v; want the current token first", ranked, err)
			}
			f.wantRefused(tokens[0], apperr.TokenReused)
			for _, ended := range tokens {
				f.wantRefused(ended, apperr.TokenRevoked)
			}
		}
	})
}

// TestLostRotation loses the latest rotation, as a failover of Redis can. That is not a reuse.
func TestLostRotation(t *testing.T) {
	each(t, func(f *fixture) {
		key := "session:" + f.session.ID.String()
		record, refresh := f.get(key), "session-refresh:"+f.hash(f.token)
		lost := f.rotate(f.token).Refresh
		f.set(key, record)
		f.set(refresh, "live")
		redistest.Expire(t, f.client, "session-refresh:"+f.hash(lost))
		f.wantRefused(lost, apperr.TokenInvalid)
		f.wantActive(f.session.ID, true)
		f.rotate(f.token)
	})
}

// TestRevivedToken marks a rotated token as live again, as somebody who can write to Redis.
func TestRevivedToken(t *testing.T) {
	each(t, func(f *fixture) {
		f.rotate(f.token)
		f.pastGrace()
		f.set("session-refresh:"+f.hash(f.token), "live")
		f.wantRefused(f.token, apperr.TokenReused)
		f.wantActive(f.session.ID, false)
	})
}

// TestTokensWithoutGeneration exchanges a token of a replica of the previous release, whose records have no generation. Such
// a replica keeps for a day that a token was rotated.
func TestTokensWithoutGeneration(t *testing.T) {
	each(t, func(f *fixture) {
		key := []byte("key")
		token := f.previous(key)
		next := f.rotate(token).Refresh
		redistest.Expire(t, f.client, "session-grace:*")
		if state := f.get("session-refresh:" + f.hash(next)); state != "live" {
			t.Errorf("a replica of the previous release finds the state %q of the next token, want live", state)
		}
		f.wantActive(f.session.ID, true)
		f.wantRefused(token, apperr.TokenReused)
		f.wantActive(f.session.ID, false)
		f.wantRefused(next, apperr.TokenRevoked)

		f.session, f.token = f.login(uuid.New())
		later := f.previous(key)
		f.wantRefused(f.token, apperr.TokenInvalid) // the rotation by the other replica is not known any more
		f.rotate(later)
	})
}

// previous replaces the current token of f.session as a replica of the previous release does, and returns the new one.
func (f *fixture) previous(key sessionredis.Key) string {
	f.Helper()
	token, stored, err := sessionredis.Previous(key, f.session)
	if err != nil {
		f.Fatal(err)
	}
	redistest.Expire(f, f.client, "session-refresh:"+f.hash(f.token))
	f.set("session:"+f.session.ID.String(), stored)
	set := f.client.B().Set().Key("session-refresh:" + f.hash(token)).Value("live").Px(time.Hour).Build()
	if err := f.client.Do(f.Context(), set).Error(); err != nil {
		f.Fatal(err)
	}
	return token
}
