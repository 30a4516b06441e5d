package rpc_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func TestListPlayerPromotions(t *testing.T) {
	t.Parallel()
	f := start(t)
	const path = route + "/players/" + playerID + "?claimed=false&type=BONUS&available=true&page_size=1"
	got := f.send(http.StatusOK, request{caller: "player", method: "GET", path: path})
	items, _ := got["assignments"].([]any)
	if len(items) != 1 {
		t.Fatalf("got %v, want one assignment", got)
	}
	first, _ := items[0].(object)
	hasMembers(t, first, object{
		"id": assignmentID, "user_id": playerID, "promotion_id": promotionID, "claimed": false, "amount": "20.00", "assignedBy": "",
	})
	if embedded, _ := first["promotion"].(object); embedded["title"] != "Spring" {
		t.Errorf("got promotion %v, want the title Spring", embedded)
	}
	for caller, shown := range map[string]bool{"player": false, "staff": true} {
		got := f.send(http.StatusOK, request{caller: caller, method: "GET", path: path})
		items, _ := got["assignments"].([]any)
		first, _ := items[0].(object)
		embedded, _ := first["promotion"].(object)
		if f.store.assignFilter.Own == shown {
			t.Errorf("%s: got the filter %+v, want own: %t", caller, f.store.assignFilter, !shown)
		}
		if embedded["title"] != "Spring" || (embedded["limits"] != nil) != shown || (embedded["usage"] != nil) != shown {
			t.Errorf("%s: got promotion %v, want limits and usage in it: %t", caller, embedded, shown)
		}
	}
	hasMembers(t, got, object{"total": 2.0, "totalIsEstimate": false})
	filter := f.store.assignFilter
	if *filter.Claimed || filter.Type != promotions.PromotionTypeBonus || !*filter.Available || !filter.Now.Equal(now()) {
		t.Errorf("got filter %+v, want the filter of the query", filter)
	}
	token, _ := got["nextPageToken"].(string)
	f.send(http.StatusOK, request{caller: "player", method: "GET", path: path + "&page_token=" + url.QueryEscape(token)})
	if f.store.page.Size != 1 || f.store.page.Before.String() != assignmentID {
		t.Errorf("second page: got %+v, want one item before %s", f.store.page, assignmentID)
	}
}

func TestListPlayerPromotionsRefusals(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.invalid("player_id", request{caller: "staff", method: "GET", path: route + "/players/17"})
	f.invalid("claimed", request{caller: "staff", method: "GET", path: route + "/players/" + playerID + "?claimed=1"})
	f.invalid("page_token", request{caller: "staff", method: "GET", path: route + "/players/" + playerID + "?page_token=x"})
	f.refused(http.StatusForbidden, apperr.Forbidden,
		request{caller: "player", method: "GET", path: route + "/players/" + unknownID})
}
