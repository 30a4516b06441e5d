package rpc_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func sessionsRequest(caller, method, user string) request {
	return request{caller: caller, method: method, path: "/users/" + user + "/sessions"}
}

func TestListSessions(t *testing.T) {
	f := start(t)
	newest := object{
		"id": playerID, "createdAt": "2026-03-10T12:00:00Z", "lastUsedAt": "2026-03-10T12:00:00Z",
		"address": "", "userAgent": "", "current": true,
	}
	older := object{
		"id": sessionID, "createdAt": "2026-03-10T12:00:00Z", "lastUsedAt": "2026-03-10T13:00:00Z",
		"address": "192.0.2.1", "userAgent": "browser", "current": false,
	}
	list := func(r request, total float64, want ...object) (nextPageToken string) {
		t.Helper()
		got := f.send(http.StatusOK, r).body
		listed, _ := got["sessions"].([]any)
		if len(listed) != len(want) || got["total"] != total || got["totalIsEstimate"] != false {
			t.Fatalf("got %v, want %d of %v sessions", got, len(want), total)
		}
		for i, one := range listed {
			equal(t, one.(object), want[i])
		}
		nextPageToken, _ = got["nextPageToken"].(string)
		return nextPageToken
	}
	first := sessionsRequest("player", "GET", "me?page_size=1")
	first.path = "/users/me/sessions?page_size=1"
	token := list(first, 2, newest)
	first.path += "&page_token=" + token
	if token = list(first, 2, older); token != "" {
		t.Errorf("the last page has the token %q of a next page", token)
	}
	list(sessionsRequest("player", "GET", "me"), 2, newest, older)
	list(sessionsRequest("staff", "GET", "me"), 0)
	newest["current"] = false
	list(sessionsRequest("admin", "GET", playerID), 2, newest, older)
}

func TestEndSession(t *testing.T) {
	f := start(t)
	one := sessionsRequest("player", "DELETE", "me")
	one.path += "/" + sessionID
	f.send(http.StatusNoContent, one)
	one = sessionsRequest("admin", "DELETE", playerID)
	one.path += "/" + sessionID
	f.send(http.StatusNoContent, one)
}

func TestEndSessions(t *testing.T) {
	f := start(t)
	player, admin := uuid.MustParse(playerID), uuid.MustParse(adminID)
	f.send(http.StatusNoContent, sessionsRequest("player", "DELETE", "me"))
	if !slices.Equal(f.sessions.ended, []uuid.UUID{player}) || f.sessions.kept != player {
		t.Errorf("ended the sessions of %v except %s, want those of the player except the current one", f.sessions.ended, f.sessions.kept)
	}
	f.send(http.StatusNoContent, sessionsRequest("admin", "DELETE", playerID))
	if !slices.Equal(f.sessions.ended, []uuid.UUID{player, player}) || f.sessions.kept != admin {
		t.Errorf("ended the sessions of %v except %s, want those of the player except the admin's own", f.sessions.ended, f.sessions.kept)
	}
}

func TestSessionRefusals(t *testing.T) {
	f := start(t)
	for _, method := range []string{"GET", "DELETE"} {
		f.refusedExceptFor("player staff admin", sessionsRequest("", method, "me"))
		f.refusedExceptFor("admin", sessionsRequest("", method, playerID))
		f.refused(apperr.NotFound, sessionsRequest("admin", method, unknownID))
		f.invalid("user_id", sessionsRequest("admin", method, "17"))
	}
	for user, roles := range map[string]string{"me": "player staff admin", playerID: "admin"} {
		one := sessionsRequest("admin", "DELETE", user)
		one.path += "/" + unknownID
		f.refused(apperr.NotFound, one)
		f.refusedExceptFor(roles, one)
		one.path = "/users/" + user + "/sessions/17"
		f.invalid("session_id", one)
	}
	page := request{caller: "player", method: "GET", path: "/users/me/sessions?page_token=x"}
	f.invalid("page_token", page)
	f.sessions.err = apperr.New(apperr.DependencyUnavailable, "sessions cannot be reached")
	for _, method := range []string{"GET", "DELETE"} {
		f.refused(apperr.DependencyUnavailable, sessionsRequest("player", method, "me"))
	}
}
