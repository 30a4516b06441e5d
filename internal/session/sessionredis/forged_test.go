package sessionredis_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
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
