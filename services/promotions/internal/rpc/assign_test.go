package rpc_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func assignRequest(body string) request {
	return request{caller: "staff", method: "POST", path: route + "/" + promotionID + "/assign", body: body}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	f := start(t)
	got := f.send(http.StatusOK, assignRequest(`{"player_ids":["`+unknownID+`","`+playerID+`","`+unknownID+`"]}`))
	want := []any{
		object{"player_id": unknownID, "outcome": "UNKNOWN_PLAYER"}, object{"player_id": playerID, "outcome": "ASSIGNED"},
	}
	if !reflect.DeepEqual(got["results"], want) {
		t.Errorf("got %v, want %v", got["results"], want)
	}
	if f.store.params.By.String() != staffID || f.store.params.Promotion.String() != promotionID {
		t.Errorf("the store was called with %+v, want staff member %s and promotion %s", f.store.params, staffID, promotionID)
	}
}

func TestAssignRefusals(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.invalid("player_ids", assignRequest(`{}`))
	f.invalid("player_ids", assignRequest(`{"player_ids":[]}`))
	f.invalid("player_ids[1]", assignRequest(`{"player_ids":["`+playerID+`","17"]}`))
	f.invalid("promotion_id", request{caller: "staff", method: "POST", path: route + "/17/assign", body: `{"player_ids":["` + playerID + `"]}`})
	f.store.promotion.IsActive = false
	f.refused(http.StatusConflict, apperr.PromotionNotActive, assignRequest(`{"player_ids":["`+playerID+`"]}`))
}
