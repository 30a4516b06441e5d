package rpc_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func (s *fakeStore) Stats(
	_ context.Context, id uuid.UUID, _, to date.Date,
) ([]promotions.DayCounts, []promotions.ClaimTimes, error) {
	if id != s.promotion.ID {
		return nil, nil, apperr.New(apperr.NotFound, "promotion not found")
	}
	day := promotions.DayCounts{Day: to, Counts: promotions.Counts{Assigned: 4, Claimed: 1, Expired: 1, Revoked: 1, Cost: 2050}}
	return []promotions.DayCounts{day}, []promotions.ClaimTimes{{Seconds: 30, Claims: 1}}, nil
}

const statsRoute = route + "/" + promotionID + "/stats"

func TestGetPromotionStats(t *testing.T) {
	t.Parallel()
	f := start(t)
	got := f.send(http.StatusOK, request{caller: "staff", method: "GET", path: statsRoute + "?from=2026-03-09&to=2026-03-10"})
	counts := object{"assigned": 4.0, "claimed": 1.0, "expired": 1.0, "revoked": 1.0, "cost": "20.50"}
	none := object{"date": "2026-03-09", "assigned": 0.0, "claimed": 0.0, "expired": 0.0, "revoked": 0.0, "cost": "0.00"}
	last := object{"date": "2026-03-10"}
	maps.Copy(last, counts)
	want := object{"totals": counts, "conversion": 0.25, "medianSecondsToClaim": 30.0, "series": []any{none, last}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	f.invalid("from", request{caller: "staff", method: "GET", path: statsRoute + "?from=today"})
	f.invalid("from", request{caller: "staff", method: "GET", path: statsRoute + "?from=2026-03-10&to=2026-03-09"})
	f.invalid("days", request{caller: "staff", method: "GET", path: statsRoute + "?days=1"})
	f.refused(http.StatusNotFound, apperr.NotFound, request{caller: "staff", method: "GET", path: route + "/" + unknownID + "/stats"})
	f.refused(http.StatusForbidden, apperr.Forbidden, request{caller: "player", method: "GET", path: statsRoute})
}

func TestStatsInCSV(t *testing.T) {
	t.Parallel()
	f := start(t)
	const table = "date,assigned,claimed,expired,revoked,cost\n2026-03-09,0,0,0,0,0.00\n2026-03-10,4,1,1,1,20.50\n"
	for accept, csv := range map[string]bool{
		"text/csv": true, "text/csv;q=0.5, */*;q=0.1": true, "application/json;q=0.5, text/csv": true,
		"text/csv, application/json": true, "": false, "*/*": false, "application/json, text/csv;q=0.9": false,
		"text/csv;q=0": false, "text/csv;q=x": false, "text/*": false,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url+statsRoute+"?from=2026-03-09&to=2026-03-10", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer staff")
		req.Header.Set("Accept", accept)
		client := &http.Client{Timeout: time.Minute}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		media := res.Header.Get("Content-Type")
		if err != nil || res.StatusCode != http.StatusOK || (media == "text/csv; charset=utf-8") != csv || (string(body) == table) != csv {
			t.Errorf("Accept %q: %d, %s, %s, %v, want CSV: %t", accept, res.StatusCode, media, body, err, csv)
		}
		if res.Header.Get("Vary") != "Accept" {
			t.Errorf("Accept %q: got Vary %q", accept, res.Header.Get("Vary"))
		}
	}
	f.refused(http.StatusNotFound, apperr.NotFound, request{
		caller: "staff", method: "GET", path: route + "/" + unknownID + "/stats", header: []string{"Accept", "text/csv"},
	})
}
