package rpc_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func deactivateRequest(id string) request {
	return request{caller: "admin", method: "POST", path: "/users/" + id + "/deactivate"}
}

func TestDeactivateUser(t *testing.T) {
	f := start(t)
	want := player()
	want["isActive"] = false
	for range 2 {
		equal(t, f.send(http.StatusOK, deactivateRequest(playerID)).body, want)
	}
	id := uuid.MustParse(playerID)
	if f.store.users[id].IsActive || !slices.Equal(f.sessions.ended, []uuid.UUID{id, id}) {
		t.Errorf("got user %+v and ended sessions of %v, want it inactive and its sessions ended twice", f.store.users[id], f.sessions.ended)
	}
}

func TestDeactivateUserRefusals(t *testing.T) {
	f := start(t)
	f.invalid("user_id", deactivateRequest("17"))
	f.refusedExceptFor("admin", deactivateRequest(playerID))
	f.refused(apperr.Forbidden, deactivateRequest(adminID)) // the caller
	f.refused(apperr.NotFound, deactivateRequest(unknownID))
	f.sessions.err = apperr.New(apperr.DependencyUnavailable, "sessions cannot be reached")
	f.refused(apperr.DependencyUnavailable, deactivateRequest(playerID))
}
