package app_test

import (
	"testing"
)

func TestSessionsOverREST(t *testing.T) {
	s := start(t)
	s.register("anna@example.com")
	first, _ := s.login("anna@example.com")
	body := credentials("anna@example.com", secret)
	body["refreshTokenIn"] = "BODY"
	second := s.want(s.call("POST", "/auth/login", body, "User-Agent", "Gr\u00fc\u00dfe/1.0 \u202e"), 200, "")

	a := s.want(s.call("GET", "/users/me/sessions", nil, "Authorization", first), 200, "")
	listed, _ := a.body["sessions"].([]any)
	if len(listed) != 2 || a.body["total"] != 2.0 {
		t.Fatalf("got %v, want two sessions", a.body)
	}
	newest, _ := listed[0].(object)
	if newest["userAgent"] != "Gr\u00fc\u00dfe/1.0" || newest["address"] != "127.0.0.1" || newest["current"] != false {
		t.Errorf("got the session %v, want the address and the cleaned user agent of the client", newest)
	}
	id, _ := newest["id"].(string)
	s.want(s.call("DELETE", "/users/me/sessions/"+id, nil, "Authorization", first), 204, "")
	token, _ := second.body["accessToken"].(string)
	s.want(s.call("GET", "/users/me", nil, "Authorization", "Bearer "+token), 401, "TOKEN_REVOKED")

	change := object{"currentPassword": secret, "newPassword": "another horse"}
	other, refresh := s.login("anna@example.com")
	s.want(s.call("POST", "/users/me/password", change, "Authorization", first), 204, "")
	s.want(s.call("GET", "/users/me", nil, "Authorization", first), 200, "")
	s.want(s.call("GET", "/users/me", nil, "Authorization", other), 401, "TOKEN_REVOKED")
	s.want(s.call("POST", "/auth/refresh", object{"refreshToken": refresh}), 401, "TOKEN_REVOKED")
	s.want(s.call("POST", "/users/me/password", change, "Authorization", first), 401, "INVALID_CREDENTIALS")
}
