package rpc_test

import (
	"net/http"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

// TestLifeCycle creates a draft and makes every transition. The fake store has one promotion.
func TestLifeCycle(t *testing.T) {
	t.Parallel()
	f := start(t)
	body := `{"title":"x","type":"BONUS","amount":"1","startDate":"2026-03-10","endDate":"2026-03-10","draft":true}`
	created := f.send(http.StatusCreated, request{caller: "staff", method: "POST", path: route, body: body})
	hasMembers(t, created, object{"state": "DRAFT", "isActive": false})
	if _, has := created["draft"]; has {
		t.Error("the answer has the member draft")
	}
	id, _ := created["id"].(string)
	act := func(verb string) request {
		return request{caller: "staff", method: "POST", path: route + "/" + id + "/" + verb}
	}
	conflict := func(verb, state string) {
		t.Helper()
		got := f.send(http.StatusConflict, act(verb))
		hasMembers(t, got, object{"code": string(apperr.PromotionStateConflict), "state": state})
	}
	becomes := func(verb, state string) {
		t.Helper()
		for range 2 { // the second call changes nothing
			hasMembers(t, f.send(http.StatusOK, act(verb)), object{"state": state, "isActive": state == "ACTIVE"})
		}
	}
	conflict("pause", "DRAFT")
	conflict("resume", "DRAFT")
	becomes("publish", "ACTIVE")
	becomes("pause", "PAUSED")
	conflict("publish", "PAUSED")
	becomes("resume", "ACTIVE")
	becomes("archive", "ARCHIVED")
	conflict("publish", "ARCHIVED")
	conflict("pause", "ARCHIVED")
	conflict("resume", "ARCHIVED")
	f.refused(http.StatusConflict, apperr.PromotionStateConflict,
		request{caller: "staff", method: "PATCH", path: route + "/" + id, body: `{"isActive":true}`})
	f.refused(http.StatusNotFound, apperr.NotFound,
		request{caller: "staff", method: "POST", path: route + "/" + unknownID + "/publish"})
}

func TestDraftRefusesInvalidInput(t *testing.T) {
	t.Parallel()
	const rest = `,"title":"x","type":"BONUS","amount":"1","startDate":"2026-03-10","endDate":"2026-03-10"}`
	f := start(t)
	create := func(members string) request {
		return request{caller: "staff", method: "POST", path: route, body: `{` + members + rest}
	}
	f.invalid("isActive", create(`"draft":true,"isActive":true`))
	f.invalid("state", create(`"state":"DRAFT"`))
	f.invalid("draft", create(`"draft":"true"`))
	f.invalid("draft", request{caller: "staff", method: "PATCH", path: route + "/" + promotionID, body: `{"draft":true}`})
	f.invalid("state", request{caller: "staff", method: "PATCH", path: route + "/" + promotionID, body: `{"state":"PAUSED"}`})
	hasMembers(t, f.send(http.StatusCreated, create(`"draft":true,"isActive":false`)), object{"state": "DRAFT"})
	hasMembers(t, f.send(http.StatusCreated, create(`"draft":false`)), object{"state": "ACTIVE", "isActive": true})
	hasMembers(t, f.send(http.StatusCreated, create(`"isActive":false`)), object{"state": "PAUSED", "isActive": false})
}

func TestListByState(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.send(http.StatusOK, request{caller: "staff", method: "GET", path: route + "?state=DRAFT&state=ARCHIVED"})
	if got := f.store.filter.States; len(got) != 2 || got[0] != "DRAFT" || got[1] != "ARCHIVED" {
		t.Errorf("got states %v, want DRAFT and ARCHIVED", got)
	}
	f.invalid("state", request{caller: "staff", method: "GET", path: route + "?state=GONE"})
}
