package sessionredis_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/session"
	"github.com/casino-loyalty/loyalty/internal/session/sessionredis"
)

// set writes to Redis, as somebody who can write to it.
func (f *fixture) set(key, value string) {
	f.Helper()
	if err := f.client.Do(f.Context(), f.client.B().Set().Key(key).Value(value).Build()).Error(); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) get(key string) string {
	f.Helper()
	value, err := f.client.Do(f.Context(), f.client.B().Get().Key(key).Build()).ToString()
	if err != nil {
		f.Fatal(err)
	}
	return value
}

// liveToken writes a refresh token of the caller's choice to Redis and returns it.
func (f *fixture) liveToken(id uuid.UUID, secret []byte) string {
	f.Helper()
	text := slices.Concat(id[:], secret)
	sum := sha256.Sum256(text)
	f.set("session-refresh:"+hex.EncodeToString(sum[:]), "live")
	return base64.RawURLEncoding.EncodeToString(text)
}

// TestForgedRefreshTokens writes refresh tokens to Redis. None of them may give an access token.
func TestForgedRefreshTokens(t *testing.T) {
	each(t, func(f *fixture) {
		own, err := base64.RawURLEncoding.DecodeString(f.token)
		if err != nil {
			t.Fatal(err)
		}
		victim, _ := f.login(uuid.New())
		for name, token := range map[string]string{
			"random":                         f.liveToken(victim.ID, make([]byte, 32)),
			"secret of another session":      f.liveToken(victim.ID, own[16:]),
			"MAC of another token":           f.liveToken(f.session.ID, append(make([]byte, 16), own[32:]...)),
			"token without a secret":         f.liveToken(victim.ID, nil),
			"token of a session that is not": f.liveToken(uuid.New(), own[16:]),
		} {
			if _, _, err := f.store.Rotate(t.Context(), token, another(), issue); apperr.CodeOf(err) != apperr.TokenInvalid {
				t.Errorf("%s: error %v, want TOKEN_INVALID", name, err)
			}
			if _, err := f.store.End(t.Context(), token); apperr.CodeOf(err) != apperr.TokenInvalid {
				t.Errorf("%s: End: %v, want TOKEN_INVALID", name, err)
			}
		}
		f.rotate(f.token)
	})
}

// TestForgedRecords replaces the record of a session whose refresh token the writer has. No changed record may be accepted.
func TestForgedRecords(t *testing.T) {
	each(t, func(f *fixture) {
		victim, _ := f.login(uuid.New())
		key := "session:" + f.session.ID.String()
		record, other := f.get(key), f.get("session:"+victim.ID.String())
		mac, text, _ := strings.Cut(record, ".")
		for name, forged := range map[string]string{
			"another user":           mac + "." + strings.ReplaceAll(text, f.session.User.String(), victim.User.String()),
			"record of another user": other,
			"MAC of another user":    strings.Split(other, ".")[0] + "." + text,
			"later end":              mac + "." + strings.Replace(text, `"ends":"2`, `"ends":"9`, 1),
			"no MAC":                 text,
			"empty MAC":              "." + text,
			"short MAC":              mac[:8] + "." + text,
			"only a MAC":             mac,
			"empty":                  "",
			"JSON of nobody":         "{}",
		} {
			f.set(key, forged)
			called := false
			_, _, err := f.store.Rotate(t.Context(), f.token, another(), func(context.Context, *session.Session) (session.Access, error) {
				called = true
				return session.Access{}, nil
			})
			if apperr.CodeOf(err) != apperr.TokenRevoked || called {
				t.Errorf("%s: error %v, want TOKEN_REVOKED; access token issued: %t", name, err, called)
			}
			if list, err := f.store.OfUser(t.Context(), f.session.User); err != nil || len(list) != 0 {
				t.Errorf("%s: OfUser = %+v, %v, want no session", name, list, err)
			}
		}
		f.set(key, record)
		f.rotate(f.token)
	})
}

// TestRotationOfTheKey replaces the key of a store, as a rotation of the signing key does.
func TestRotationOfTheKey(t *testing.T) {
	each(t, func(f *fixture) {
		old, next := sessionredis.Key("key"), sessionredis.Key("next")
		before := sessionredis.NewStore(f.client, old, next)
		after := sessionredis.NewStore(f.client, next, old)
		_, pair, err := after.Rotate(t.Context(), f.token, another(), issue)
		if err != nil {
			t.Fatal(err)
		}
		if _, pair, err = before.Rotate(t.Context(), pair.Refresh, another(), issue); err != nil { // a replica that restarts later
			t.Fatal(err)
		}
		if _, pair, err = after.Rotate(t.Context(), pair.Refresh, another(), issue); err != nil {
			t.Fatal(err)
		}
		onlyNext := sessionredis.NewStore(f.client, next)
		if _, pair, err = onlyNext.Rotate(t.Context(), pair.Refresh, another(), issue); err != nil {
			t.Fatal(err)
		}
		if _, _, err := sessionredis.NewStore(f.client, old).Rotate(t.Context(), pair.Refresh, another(), issue); apperr.CodeOf(err) != apperr.TokenInvalid {
			t.Errorf("with the removed key only: %v, want TOKEN_INVALID", err)
		}
		keyless := sessionredis.NewStore(f.client)
		if _, _, err := keyless.Create(t.Context(), started(uuid.New(), time.Now().Add(time.Hour))); err == nil {
			t.Error("a store without a key creates a session")
		}
	})
}

// replace replaces the value of a key by a hash, which the platform writes to no key of a session.
func (f *fixture) replace(key string) {
	f.Helper()
	b := f.client.B()
	for _, reply := range f.client.DoMulti(f.Context(), b.Del().Key(key).Build(),
		b.Hset().Key(key).FieldValue().FieldValue("a", "b").Build()) {
		if err := reply.Error(); err != nil {
			f.Fatal(err)
		}
	}
}

// wantForged checks that Active refuses a session because of its record.
func (f *fixture) wantForged(store *sessionredis.Store) {
	f.Helper()
	deadline := time.Now().Add(5 * time.Second) // the client's cache is invalidated shortly after a change
	for {
		active, err := store.Active(f.Context(), f.session.ID)
		reason, ok := errors.AsType[*authn.ForgedSessionError](err)
		if !active && apperr.CodeOf(err) == apperr.TokenRevoked && ok && reason.Session == f.session.ID {
			return
		}
		if time.Now().After(deadline) {
			f.Fatalf("Active = %t, %v, want TOKEN_REVOKED because of the session %s", active, err, f.session.ID)
		}
	}
}

// TestForgedRecordsOfAccessTokens replaces the record that keeps the access tokens of a session valid.
func TestForgedRecordsOfAccessTokens(t *testing.T) {
	each(t, func(f *fixture) {
		key := "session:" + f.session.ID.String()
		keyless := sessionredis.NewStore(f.client)
		record := f.get(key)
		for _, forged := range []string{"x", "", strings.SplitN(record, ".", 2)[1], "AAAA." + record} {
			f.set(key, forged)
			f.wantForged(f.store)
			if active, err := keyless.Active(t.Context(), f.session.ID); !active || err != nil {
				t.Errorf("%q: Active without a key = %t, %v, want the documented limit, true", forged, active, err)
			}
		}
		f.replace(key)
		f.wantForged(f.store)
		f.wantForged(keyless)
		if many, err := keyless.ActiveMany(t.Context(), []uuid.UUID{f.session.ID}); err != nil || many[0] {
			t.Errorf("ActiveMany = %v, %v, want no active session", many, err)
		}
		f.set(key, record)
		deadline := time.Now().Add(5 * time.Second) // as in wantForged
		active, err := f.store.Active(t.Context(), f.session.ID)
		for !active && time.Now().Before(deadline) {
			active, err = f.store.Active(t.Context(), f.session.ID)
		}
		if !active || err != nil {
			t.Errorf("Active of the original record = %t, %v, want true", active, err)
		}
	})
}

// hash returns the part of a key that a refresh token determines.
func (f *fixture) hash(token string) string {
	f.Helper()
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		f.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// TestForeignTypes replaces each key of a session by a hash. No call may fail because of it, and the user can log in again.
func TestForeignTypes(t *testing.T) {
	each(t, func(f *fixture) {
		pair := f.rotate(f.token)
		f.replace("session-grace:" + f.hash(f.token))
		f.wantRefused(f.token, apperr.TokenReused)
		for _, want := range []apperr.Code{apperr.TokenInvalid, apperr.TokenRevoked} {
			one, token := f.login(f.session.User)
			key := "session:" + one.ID.String()
			if want == apperr.TokenInvalid {
				key = "session-refresh:" + f.hash(token)
			}
			f.replace(key)
			f.wantRefused(token, want)
			if _, err := f.store.Rank(t.Context(), []string{token, pair.Refresh}); err != nil {
				t.Errorf("%s: Rank: %v", key, err)
			}
			if _, err := f.store.OfUser(t.Context(), f.session.User); err != nil {
				t.Errorf("%s: OfUser: %v", key, err)
			}
		}
		index := "session-user:" + f.session.User.String()
		f.replace(index)
		f.wantSessions(f.session.User)
		f.replace(index)
		if _, err := f.store.EndAllOf(t.Context(), f.session.User, uuid.Nil); err != nil {
			t.Errorf("EndAllOf: %v", err)
		}
		f.replace(index)
		if ended, err := f.store.EndSession(t.Context(), f.session.User, f.session.ID); ended || err != nil {
			t.Errorf("EndSession = %t, %v, want false", ended, err)
		}
		f.replace(index)
		one, token := f.login(f.session.User)
		f.replace(index)
		f.rotate(token)
		if list, err := f.store.OfUser(t.Context(), f.session.User); err != nil || len(list) != 1 || list[0].ID != one.ID {
			t.Errorf("OfUser = %+v, %v, want the session %s", list, err, one.ID)
		}
	})
}
