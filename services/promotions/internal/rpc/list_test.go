package rpc_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/casino-loyalty/loyalty/services/promotions"
)

func TestListPromotions(t *testing.T) {
	t.Parallel()
	f := start(t)
	const query = "?type=BONUS&is_active=true&available=false&title=spr&from=2026-03-01&to=2026-03-31&page_size=1"
	got := f.send(http.StatusOK, request{caller: "staff", method: "GET", path: route + query})
	items, _ := got["promotions"].([]any)
	if len(items) != 1 || items[0].(object)["id"] != promotionID {
		t.Fatalf("got %v, want promotion %s", got, promotionID)
	}
	hasMembers(t, got, object{"total": 2.0, "totalIsEstimate": false})
	filter := f.store.filter
	if filter.Type != promotions.PromotionTypeBonus || !*filter.IsActive || *filter.Available || filter.Title != "spr" ||
		filter.From.String() != "2026-03-01" || filter.To.String() != "2026-03-31" || filter.Today.String() != "2026-03-10" {
		t.Errorf("got filter %+v, want the filter of the query", filter)
	}
	token, _ := got["nextPageToken"].(string)
	got = f.send(http.StatusOK, request{caller: "staff", method: "GET", path: route + query + "&page_token=" + url.QueryEscape(token)})
	if f.store.page.Size != 1 || f.store.page.Before.String() != promotionID {
		t.Errorf("second page: got %+v, want one item before %s", f.store.page, promotionID)
	}
	hasMembers(t, got, object{"nextPageToken": ""})
}

func TestListPromotionsWithoutFilters(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.send(http.StatusOK, request{caller: "staff", method: "GET", path: route})
	filter := f.store.filter
	if filter.Type != "" || filter.IsActive != nil || filter.Available != nil || filter.Title != "" || !filter.From.IsZero() || !filter.To.IsZero() {
		t.Errorf("got filter %+v, want none", filter)
	}
}

func TestListPromotionsRefusesInvalidInput(t *testing.T) {
	t.Parallel()
	f := start(t)
	for query, field := range map[string]string{
		"type=NOPE": "type", "is_active=1": "is_active", "from=1.3.2026": "from", "page_size=-1": "page_size",
		"page_token=x": "page_token", "from=2026-03-02&to=2026-03-01": "to",
		"title=%00": "title", "title=a%00b": "title", "title=%1B": "title", "title=%C2%85": "title", "title=%FF": "title",
		"from=%00": "from", "type=%00": "type", "page_token=%00": "page_token",
	} {
		f.invalid(field, request{caller: "staff", method: "GET", path: route + "?" + query})
	}
}
