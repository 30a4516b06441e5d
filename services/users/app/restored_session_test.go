package app_test

import (
	"testing"

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
