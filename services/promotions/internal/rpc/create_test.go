package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

const route = "/api/v1/promotions"

func TestCreatePromotion(t *testing.T) {
	t.Parallel()
	f := start(t)
	got := f.send(http.StatusCreated, request{caller: "staff", method: "POST", path: route, body: `{
		"title": "Welcome", "description": "For new players", "type": "WELCOME_BONUS", "amount": "20.5",
		"startDate": "2026-04-01", "endDate": "2026-04-30", "limits": {"maxClaims": 100, "budget": "2000"},
		"terms": {"text": "One claim per household.\nNo cash."},
		"code": "spring-24"
	}`})
	stored := f.store.promotion
	hasMembers(t, got, object{
		"id": stored.ID.String(), "title": "Welcome", "description": "For new players", "type": "WELCOME_BONUS",
		"amount": "20.50", "startDate": "2026-04-01", "endDate": "2026-04-30", "isActive": true,
		"createdAt": "2026-03-10T12:00:00Z", "updatedAt": "2026-03-10T12:00:00Z",
		"limits": object{"maxClaims": 100.0, "budget": "2000.00", "maxClaimsPerDay": 0.0, "claimWithinHours": 0.0},
		"usage":  object{"assigned": 0.0, "claimed": 0.0, "expired": 0.0, "revoked": 0.0, "reserved": 0.0, "spent": "0.00"},
		"terms":  object{"text": "One claim per household.\nNo cash.", "version": 1.0},
		"code":   "SPRING-24",
	})
	if want := (promotions.PromotionLimits{MaxClaims: 100, Budget: 200000}); stored.Limits != want {
		t.Errorf("stored %+v, want %+v", stored.Limits, want)
	}
	if stored.Title != "Welcome" || stored.Amount != 2050 || stored.EndDate.String() != "2026-04-30" || !stored.IsActive {
		t.Errorf("stored %+v, want the promotion of the request", stored)
	}
}

func TestCreatePromotionRefusesInvalidInput(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, tt := range map[string]struct{ body, field string }{
		"no title":        {`{"type":"BONUS","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01"}`, "title"},
		"unknown type":    {`{"title":"x","type":"NOPE","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01"}`, "type"},
		"negative amount": {`{"title":"x","type":"BONUS","amount":"-1","startDate":"2026-04-01","endDate":"2026-04-01"}`, "amount"},
		"malformed date":  {`{"title":"x","type":"BONUS","amount":"1","startDate":"1.4.2026","endDate":"2026-04-01"}`, "startDate"},
		"negative limit": {`{"title":"x","type":"BONUS","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01",
			"limits":{"maxClaimsPerDay":-1}}`, "limits.maxClaimsPerDay"},
		"short code": {`{"title":"x","type":"BONUS","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01","code":"ABC"}`, "code"},
		"code with a space": {`{"title":"x","type":"BONUS","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01",
			"code":"AB CD"}`, "code"},
		"version of the terms": {`{"title":"x","type":"BONUS","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01",
			"terms":{"text":"x","version":2}}`, "terms.version"},
		"long terms": {`{"title":"x","type":"BONUS","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01",
			"terms":{"text":"` + strings.Repeat("x", 10_001) + `"}}`, "terms.text"},
		"usage":            {`{"title":"x","type":"BONUS","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01","usage":{}}`, "usage"},
		"end before start": {`{"title":"x","type":"BONUS","amount":"1","startDate":"2026-04-02","endDate":"2026-04-01"}`, "endDate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f.with(t).invalid(tt.field, request{caller: "staff", method: "POST", path: route, body: tt.body})
		})
	}
}

func TestCreatePromotionReturnsTheErrorOfTheStore(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.store.createErr = apperr.New(apperr.PromotionExists, "another active promotion of the same type overlaps the period")
	f.refused(http.StatusConflict, apperr.PromotionExists, request{caller: "staff", method: "POST", path: route,
		body: `{"title":"x","type":"BONUS","amount":"1","startDate":"2026-04-01","endDate":"2026-04-01"}`})
}
