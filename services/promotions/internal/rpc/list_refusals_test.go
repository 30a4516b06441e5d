package rpc_test

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
)

func TestListRefusals(t *testing.T) {
	t.Parallel()
	f := start(t)
	const path = "/api/v1/users/" + playerID + "/restrictions/refusals"
	got := f.send(http.StatusOK, request{caller: "staff", method: "GET", path: path + "?page_size=1"})
	token, _ := got["nextPageToken"].(string)
	want := object{
		"refusals":      []any{object{"promotion_id": promotionID, "action": "CLAIM", "createdAt": "2026-03-10T12:00:00Z"}},
		"nextPageToken": token, "total": 2.0, "totalIsEstimate": false,
	}
	if !reflect.DeepEqual(got, want) || token == "" {
		t.Errorf("got %v, want %v", got, want)
	}
	f.send(http.StatusOK, request{caller: "staff", method: "GET", path: path + "?page_size=1&page_token=" + url.QueryEscape(token)})
	if f.store.page.Size != 1 || f.store.page.Before.String() != assignmentID {
		t.Errorf("second page: got %+v, want one item before %s", f.store.page, assignmentID)
	}
	f.invalid("user_id", request{caller: "staff", method: "GET", path: "/api/v1/users/17/restrictions/refusals"})
	f.invalid("page_size", request{caller: "staff", method: "GET", path: path + "?page_size=-1"})
	f.invalid("page_token", request{caller: "staff", method: "GET", path: path + "?page_token=x"})
	f.refused(http.StatusForbidden, apperr.Forbidden, request{caller: "player", method: "GET", path: path})
}
