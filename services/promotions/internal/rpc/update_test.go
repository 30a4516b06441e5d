package rpc_test

import (
	"net/http"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func TestUpdatePromotion(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		query, body string
		want        object
	}{
		"fields of the body": {"", `{"title":"New","amount":"2.5"}`, object{"title": "New", "amount": "2.50", "isActive": true}},
		"deactivate":         {"", `{"isActive":false}`, object{"title": "Spring", "isActive": false}},
		"only masked fields": {"?update_mask=title", `{"title":"New","amount":"2.5"}`, object{"title": "New", "amount": "20.00"}},
		"both dates": {"", `{"startDate":"2026-05-01","endDate":"2026-05-02"}`,
			object{"startDate": "2026-05-01", "endDate": "2026-05-02"}},
		"empty description": {"", `{"description":""}`, object{"description": ""}},
		"code":              {"", `{"code":"new-1"}`, object{"code": "NEW-1"}},
		"no code":           {"", `{"code":""}`, object{"code": ""}},
		"terms":             {"", `{"terms":{"text":"New terms"}}`, object{"terms": object{"text": "New terms", "version": 5.0}}},
		"same terms":        {"", `{"terms":{"text":"Terms"}}`, object{"terms": object{"text": "Terms", "version": 4.0}}},
		"empty terms":       {"", `{"terms":{"text":""}}`, object{"terms": object{"text": "", "version": 5.0}}},
		"terms without a text": {"", `{"terms":{},"title":"New"}`,
			object{"title": "New", "terms": object{"text": "Terms", "version": 4.0}}},
		"masked terms": {"?update_mask=terms", `{"terms":{"text":"New terms"},"title":"New"}`,
			object{"title": "Spring", "terms": object{"text": "New terms", "version": 5.0}}},
		"one limit": {"", `{"limits":{"maxClaims":7}}`, object{"limits": object{
			"maxClaims": 7.0, "budget": "100.00", "maxClaimsPerDay": 0.0, "claimWithinHours": 48.0,
		}}},
		"masked limit": {"?update_mask=limits.budget", `{"limits":{"budget":"0","maxClaims":7}}`, object{"limits": object{
			"maxClaims": 5.0, "budget": "0.00", "maxClaimsPerDay": 0.0, "claimWithinHours": 48.0,
		}}},
		"all limits": {"?update_mask=limits", `{"limits":{"maxClaims":7}}`, object{"limits": object{
			"maxClaims": 7.0, "budget": "0.00", "maxClaimsPerDay": 0.0, "claimWithinHours": 0.0,
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.store.promotion.Limits = promotions.PromotionLimits{MaxClaims: 5, Budget: 10000, ClaimWithinHours: 48}
			f.store.promotion.Terms = promotions.PromotionTerms{Text: "Terms", Version: 4}
			f.store.promotion.Code = "SPRING-24"
			got := f.send(http.StatusOK, request{caller: "staff", method: "PATCH", path: route + "/" + promotionID + tt.query, body: tt.body})
			hasMembers(t, got, tt.want)
			if f.store.promotion.Title != got["title"] || f.store.promotion.Amount.String() != got["amount"] {
				t.Errorf("stored %+v, want the returned promotion %v", f.store.promotion, got)
			}
		})
	}
}

// The stored period is 2026-03-09 to 2026-03-11. A violation of the period names a field that the client sent.
func TestUpdatePromotionRefusesInvalidInput(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ query, body, field string }{
		"start after the stored end":            {"", `{"startDate":"2026-03-12"}`, "startDate"},
		"start after the stored end, with mask": {"?update_mask=startDate", `{"startDate":"2026-03-12","endDate":"2026-03-13"}`, "startDate"},
		"end before the stored start":           {"", `{"endDate":"2026-03-08"}`, "endDate"},
		"end before start":                      {"", `{"startDate":"2026-05-02","endDate":"2026-05-01"}`, "endDate"},
		"empty title":                           {"", `{"title":""}`, "title"},
		"limit":                                 {"", `{"limits":{"budget":"1.234"}}`, "limits.budget"},
		"version of the terms":                  {"", `{"terms":{"version":9}}`, "terms.version"},
		"type":                                  {"", `{"type":"BONUS"}`, "type"},
		"masked field without a value":          {"?update_mask=title", `{}`, "title"},
		"unknown field in the mask":             {"?update_mask=nothing", `{"title":"x"}`, "update_mask"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.invalid(tt.field, request{caller: "staff", method: "PATCH", path: route + "/" + promotionID + tt.query, body: tt.body})
			if f.store.promotion.Title != "Spring" || f.store.promotion.StartDate.String() != "2026-03-09" {
				t.Errorf("stored %+v, want no change", f.store.promotion)
			}
		})
	}
}

func TestUpdateUnknownPromotion(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.refused(http.StatusNotFound, apperr.NotFound,
		request{caller: "staff", method: "PATCH", path: route + "/" + unknownID, body: `{"title":"x"}`})
	f.invalid("promotion_id", request{caller: "staff", method: "PATCH", path: route + "/17", body: `{"title":"x"}`})
}
