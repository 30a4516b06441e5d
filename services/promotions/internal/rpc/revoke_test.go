package rpc_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func revokeRequest(caller, body string) request {
	return request{caller: caller, method: "POST", path: route + "/" + promotionID + "/revoke", body: body}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	f := start(t)
	body := `{"player_ids":["` + unknownID + `","` + playerID + `","` + unknownID + `"]}`
	got := f.send(http.StatusOK, revokeRequest("staff", body))
	want := []any{
		object{"player_id": unknownID, "outcome": "NOT_ASSIGNED"}, object{"player_id": playerID, "outcome": "REVOKED"},
	}
	if !reflect.DeepEqual(got["results"], want) || !f.store.assignment.RevokedAt.Equal(now()) {
		t.Errorf("got %v at %s, want %v", got["results"], f.store.assignment.RevokedAt, want)
	}
	f.refused(http.StatusConflict, apperr.AssignmentRevoked, request{
		caller: "player", method: "POST", path: route + "/claim", body: `{"promotion_id":"` + promotionID + `"}`,
	})
	f.store.beingPaid = 1
	f.refused(http.StatusServiceUnavailable, apperr.DependencyUnavailable, revokeRequest("staff", body))
}

func TestRevokeRefusals(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.refused(http.StatusForbidden, apperr.Forbidden, revokeRequest("player", `{"player_ids":["`+playerID+`"]}`))
	f.invalid("player_ids", revokeRequest("staff", `{}`))
	f.invalid("player_ids[0]", revokeRequest("staff", `{"player_ids":["17"]}`))
	f.refused(http.StatusNotFound, apperr.NotFound, request{
		caller: "staff", method: "POST", path: route + "/" + unknownID + "/revoke", body: `{"player_ids":["` + playerID + `"]}`,
	})
}

// TestLimitBelowTheUse names the limit in the violation.
func TestLimitBelowTheUse(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.store.used.Claims, f.store.used.Amount = 5, 10000
	patch := func(limits string) request {
		return request{caller: "staff", method: "PATCH", path: route + "/" + promotionID, body: `{"limits":{` + limits + `}}`}
	}
	f.invalid("limits.maxClaims", patch(`"maxClaims":4`))
	f.invalid("limits.budget", patch(`"budget":"99.99"`))
	f.send(http.StatusOK, patch(`"maxClaims":5,"budget":"100"`))
}
