package rpc_test

import (
	"net/http"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func TestRedeem(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.store.promotion.Code = "SPRING-24"
	redeem := func(body string) request {
		return request{caller: "player", method: "POST", path: route + "/redeem", body: body}
	}
	f.refused(http.StatusNotFound, apperr.NotFound, redeem(`{"code":"OTHER"}`))
	for _, body := range []string{`{"code":"a b c d"}`, `{"code":"x"}`, `{}`} {
		f.invalid("code", redeem(body))
	}
	f.store.created = true
	got := f.send(http.StatusCreated, redeem(`{"code":"spring-24"}`))
	hasMembers(t, got, object{"id": assignmentID, "user_id": playerID, "promotion_id": promotionID, "claimed": false})
	f.store.created = false
	if again := f.send(http.StatusOK, redeem(`{"code":" SPRING-24 "}`)); again["id"] != assignmentID {
		t.Errorf("got %v, want the same assignment", again)
	}
	f.refused(http.StatusForbidden, apperr.Forbidden,
		request{caller: "staff", method: "POST", path: route + "/redeem", body: `{"code":"SPRING-24"}`})
}
