package rpc_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/users"
)

func auditRequest(query string) request {
	return request{caller: "admin", method: "GET", path: "/audit?" + query}
}

func TestListAuditEntries(t *testing.T) {
	f := start(t)
	got := f.send(http.StatusOK, auditRequest("service=promotions&actor="+staffID+"&target="+transactionID+
		"&action=UPDATE_PROMOTION&from=2026-01-31T12:00:00.5%2B01:00&to=2026-02-28T00:00:00Z"))
	token, _ := got.body["nextPageToken"].(string)
	entry := object{
		"id": unknownID, "at": "2026-03-10T12:00:00Z", "service": "promotions", "actor": staffID, "action": "UPDATE_PROMOTION",
		"target": transactionID, "address": "192.0.2.1", "session": sessionID, "outcome": "OK",
		"before": object{"title": "a"}, "after": object{"title": "b"},
	}
	equal(t, got.body, object{"entries": []any{entry}, "nextPageToken": token, "total": 2.0, "totalIsEstimate": false})
	want := users.AuditFilter{
		Service: "promotions", Actor: uuid.MustParse(staffID), Target: uuid.MustParse(transactionID),
		Action: users.AuditActionUpdatePromotion,
		From:   time.Date(2026, 1, 31, 11, 0, 0, 500_000_000, time.UTC), To: time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC),
	}
	if got := f.store.auditFilter; !got.From.Equal(want.From) || !got.To.Equal(want.To) ||
		got.Service != want.Service || got.Actor != want.Actor || got.Target != want.Target || got.Action != want.Action {
		t.Errorf("the filter is %+v, want %+v", got, want)
	}
	f.send(http.StatusOK, auditRequest(""))
	if f.store.auditFilter != (users.AuditFilter{}) {
		t.Errorf("the filter is %+v, want none", f.store.auditFilter)
	}
}

func TestListAuditEntriesRefusals(t *testing.T) {
	f := start(t)
	f.refusedExceptFor("admin", auditRequest(""))
	for query, field := range map[string]string{
		"service=x": "service", "actor=x": "actor", "target=x": "target", "action=x": "action", "from=x": "from", "to=x": "to",
		"from=2026-01-31": "from", "to=2026-01-31T24:00:00Z": "to", "page_token=x": "page_token", "page_size=-1": "page_size", "x=y": "x",
		"from=0000-12-31T23:59:59Z": "from", "to=9999-12-31T23:59:59-01:00": "to",
	} {
		f.invalid(field, auditRequest(query))
	}
}
