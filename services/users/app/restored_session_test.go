package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/atlas"
	"github.com/casino-loyalty/loyalty/internal/dbrole"
	"github.com/casino-loyalty/loyalty/internal/postgres/postgrestest"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
)

// TestRestoredSessions restores the keys of a session in Redis, as somebody could who can write to Redis, after its user has
// ended it. The refresh token must stay useless, and the session in which the user ended the others must go on.
func TestRestoredSessions(t *testing.T) {
	cache := redistest.Start(t)
	owner, role := postgrestest.URLsWithRole(t, atlas.Users, dbrole.Of("users"))
	s, client := startOn(t, owner, role, cache.Address), cache.Open(t)
	admin, _ := s.login(adminEmail)
	for i, tt := range []struct {
		name string
		end  func(player, own string)
		kept bool
	}{
		{"new password", func(_, own string) {
			change := object{"currentPassword": secret, "newPassword": "another horse"}
			s.want(s.call("POST", "/users/me/password", change, "Authorization", own), 204, "")
		}, true},
		{"end of the other sessions", func(_, own string) {
			s.want(s.call("DELETE", "/users/me/sessions", nil, "Authorization", own), 204, "")
		}, true},
		{"end of all sessions by an admin", func(player, _ string) {
			s.want(s.call("DELETE", "/users/"+player+"/sessions", nil, "Authorization", admin), 204, "")
		}, false},
		{"deactivation and activation", func(player, _ string) {
			s.want(s.call("POST", "/users/"+player+"/deactivate", nil, "Authorization", admin), 200, "")
			s.want(s.call("POST", "/users/"+player+"/activate", nil, "Authorization", admin), 200, "")
		}, false},
	} {
		email := string(rune('a'+i)) + "nna@example.com"
		player := s.register(email)
		_, stolen := s.login(email)
		stored := dump(t, client)
		own, refresh := s.login(email)
		tt.end(player, own)
		for key, value := range stored {
			if err := client.Do(t.Context(), client.B().Set().Key(key).Value(value).Build()).Error(); err != nil {
				t.Fatal(err)
			}
		}
		s.want(s.call("POST", "/auth/refresh", object{"refreshToken": stolen}), 401, "TOKEN_REVOKED")
		if a := s.call("POST", "/auth/refresh", object{"refreshToken": refresh}); (a.status == 200) != tt.kept {
			t.Errorf("%s: the user's own session is refreshed with status %d, want success: %t", tt.name, a.status, tt.kept)
		}
	}
}

// TestForgedSessions replaces the record of a session in Redis. Its access token is refused, and the user can log in again.
func TestForgedSessions(t *testing.T) {
	cache := redistest.Start(t)
	owner, role := postgrestest.URLsWithRole(t, atlas.Users, dbrole.Of("users"))
	s, client := startOn(t, owner, role, cache.Address), cache.Open(t)
	const email = "anna@example.com"
	s.register(email)
	b := client.B()
	for name, write := range map[string]func(key string) rueidis.Completed{
		"any text":     func(key string) rueidis.Completed { return b.Set().Key(key).Value("x").Build() },
		"another type": func(key string) rueidis.Completed { return b.Sadd().Key(key).Member("x").Build() },
	} {
		access, refresh := s.login(email)
		s.want(s.call("GET", "/users/me", nil, "Authorization", access), 200, "")
		for key := range dump(t, client) {
			if strings.HasPrefix(key, "session:") {
				for _, reply := range client.DoMulti(t.Context(), b.Del().Key(key).Build(), write(key)) {
					if err := reply.Error(); err != nil {
						t.Fatal(name, err)
					}
				}
			}
		}
		deadline := time.Now().Add(time.Minute) // Redis invalidates the cache of the service shortly after a change
		answer := s.call("GET", "/users/me", nil, "Authorization", access)
		for answer.status == 200 && time.Now().Before(deadline) {
			answer = s.call("GET", "/users/me", nil, "Authorization", access)
		}
		s.want(answer, 401, "TOKEN_REVOKED")
		s.want(s.call("POST", "/auth/refresh", object{"refreshToken": refresh}), 401, "TOKEN_REVOKED")
	}
}

// dump returns all strings in Redis.
func dump(t *testing.T, client rueidis.Client) map[string]string {
	t.Helper()
	keys, err := client.Do(t.Context(), client.B().Keys().Pattern("session*").Build()).AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, key := range keys {
		if value, err := client.Do(t.Context(), client.B().Get().Key(key).Build()).ToString(); err == nil { // not a sorted set
			values[key] = value
		}
	}
	if len(values) == 0 {
		t.Fatal("Redis has no session")
	}
	return values
}
