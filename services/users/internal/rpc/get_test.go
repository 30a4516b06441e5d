package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func TestGetMe(t *testing.T) {
	f := start(t)
	me := request{method: "GET", path: "/users/me"}
	f.refusedExceptFor("player staff admin", me)
	me.caller = "player"
	equal(t, f.send(http.StatusOK, me).body, player())
	me.caller = "staff"
	if got := f.send(http.StatusOK, me).body; got["id"] != staffID || got["role"] != "STAFF" || got["balance"] != "0.00" {
		t.Errorf("got %v, want staff member %s with balance 0.00", got, staffID)
	}
	f.invalid("id", request{caller: "player", method: "GET", path: "/users/me?id=" + staffID})
	delete(f.store.users, uuid.MustParse(staffID))
	f.refused(apperr.NotFound, me)
}

func TestGetUser(t *testing.T) {
	f := start(t)
	get := func(id string) request { return request{caller: "staff", method: "GET", path: "/users/" + id} }
	equal(t, f.send(http.StatusOK, get(playerID)).body, player())
	f.refusedExceptFor("staff admin", get(playerID))
	f.refused(apperr.NotFound, get(unknownID))
	for _, id := range []string{"17", "%00", "%FF", playerID + "%00", strings.ReplaceAll(playerID, "-", "")} {
		f.invalid("user_id", get(id))
	}
}
