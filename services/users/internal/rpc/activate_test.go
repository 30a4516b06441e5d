package rpc_test

import (
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func activateRequest(id string) request {
	return request{caller: "admin", method: "POST", path: "/users/" + id + "/activate"}
}

func TestActivateUser(t *testing.T) {
	f := start(t)
	id := uuid.MustParse(playerID)
	u := f.store.users[id]
	u.IsActive = false
	f.store.users[id] = u
	for range 2 {
		equal(t, f.send(http.StatusOK, activateRequest(playerID)).body, player())
	}
	if !f.store.users[id].IsActive {
		t.Error("the stored user is inactive, want active")
	}
}

func TestActivateUserRefusals(t *testing.T) {
	f := start(t)
	f.invalid("user_id", activateRequest("17"))
	f.refusedExceptFor("admin", activateRequest(playerID))
	f.refused(apperr.NotFound, activateRequest(unknownID))
}
