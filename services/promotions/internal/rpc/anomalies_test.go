package rpc_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

const anomalyID = "01890000-0000-7000-8000-000000000007"

// fakeAnomalies has one anomaly. It records the parameters of the last list.
type fakeAnomalies struct {
	promotions.MonitorStore
	anomaly promotions.Anomaly
	filter  promotions.AnomalyFilter
	page    keyset.PageRequest[uuid.UUID]
}

func newFakeAnomalies() *fakeAnomalies {
	return &fakeAnomalies{anomaly: promotions.Anomaly{
		ID: uuid.MustParse(anomalyID), Rule: promotions.AnomalyRulePlayerCount, UserID: uuid.MustParse(playerID),
		Detail: "too many", CreatedAt: now(),
	}}
}

func (s *fakeAnomalies) Anomalies(_ context.Context, f promotions.AnomalyFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[promotions.Anomaly], error) {
	s.filter, s.page = f, p
	return keyset.Page[promotions.Anomaly]{Items: []promotions.Anomaly{s.anomaly}, Total: 2, More: p.Before == uuid.Nil}, nil
}

func (s *fakeAnomalies) MarkAnomalySeen(_ context.Context, id, employee uuid.UUID, _ time.Time) (promotions.Anomaly, error) {
	if id != s.anomaly.ID {
		return promotions.Anomaly{}, apperr.New(apperr.NotFound, "anomaly not found")
	}
	s.anomaly.Seen, s.anomaly.SeenBy = true, employee
	return s.anomaly, nil
}

func TestListAnomalies(t *testing.T) {
	t.Parallel()
	f := start(t)
	const route = "/api/v1/anomalies"
	got := f.send(http.StatusOK, request{caller: "staff", method: "GET", path: route + "?seen=false&rule=PLAYER_COUNT&page_size=1"})
	items, _ := got["anomalies"].([]any)
	if len(items) != 1 {
		t.Fatalf("got %v, want one anomaly", got)
	}
	hasMembers(t, got, object{"total": 2.0, "totalIsEstimate": false})
	hasMembers(t, items[0].(object), object{
		"id": anomalyID, "rule": "PLAYER_COUNT", "user_id": playerID, "promotion_id": "", "detail": "too many",
		"createdAt": "2026-03-10T12:00:00Z", "seen": false, "seenBy": "",
	})
	if s := f.anomalies; s.filter.Rule != promotions.AnomalyRulePlayerCount || s.filter.Seen == nil || *s.filter.Seen || s.page.Size != 1 {
		t.Errorf("the filter is %+v, the page %+v", s.filter, s.page)
	}
	token, _ := got["nextPageToken"].(string)
	got = f.send(http.StatusOK, request{caller: "staff", method: "GET", path: route + "?seen=false&rule=PLAYER_COUNT&page_token=" + url.QueryEscape(token)})
	if f.anomalies.page.Before.String() != anomalyID {
		t.Errorf("the second page is %+v, want it before %s", f.anomalies.page, anomalyID)
	}
	hasMembers(t, got, object{"nextPageToken": ""})
	f.send(http.StatusOK, request{caller: "staff", method: "GET", path: route})
	if f.anomalies.filter != (promotions.AnomalyFilter{}) {
		t.Errorf("the filter is %+v, want none", f.anomalies.filter)
	}
	f.refused(http.StatusForbidden, apperr.Forbidden, request{caller: "player", method: "GET", path: route})
	for query, field := range map[string]string{
		"seen=1": "seen", "seen=": "seen", "rule=NOPE": "rule", "rule=%00": "rule", "page_size=-1": "page_size",
		"page_token=x": "page_token", "page_token=" + url.QueryEscape(token): "page_token", "user_id=" + playerID: "user_id",
	} {
		f.invalid(field, request{caller: "staff", method: "GET", path: route + "?" + query})
	}
}

func TestMarkAnomalySeen(t *testing.T) {
	t.Parallel()
	f := start(t)
	seen := func(id string) request {
		return request{caller: "staff", method: "POST", path: "/api/v1/anomalies/" + id + "/seen"}
	}
	got := f.send(http.StatusOK, seen(anomalyID))
	hasMembers(t, got, object{"id": anomalyID, "seen": true, "seenBy": staffID})
	f.refused(http.StatusNotFound, apperr.NotFound, seen(unknownID))
	f.invalid("anomaly_id", seen("x"))
	f.refused(http.StatusForbidden, apperr.Forbidden, request{caller: "player", method: "POST", path: seen(anomalyID).path})
	f.invalid("surprise", request{caller: "staff", method: "POST", path: seen(anomalyID).path + "?surprise=1"})
}
