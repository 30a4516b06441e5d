package rpc_test

import (
	"net/http"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func TestGetPromotion(t *testing.T) {
	t.Parallel()
	f := start(t)
	got := f.send(http.StatusOK, request{caller: "staff", method: "GET", path: route + "/" + promotionID})
	hasMembers(t, got, object{
		"id": promotionID, "title": "Spring", "description": "", "type": "BONUS", "amount": "20.00",
		"startDate": "2026-03-09", "endDate": "2026-03-11", "isActive": true,
	})
	f.invalid("promotion_id", request{caller: "staff", method: "GET", path: route + "/17"})
	f.refused(http.StatusNotFound, apperr.NotFound, request{caller: "staff", method: "GET", path: route + "/" + unknownID})
}
