package postgres_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

func TestListAnomalies(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour, PlayerCount: 1, PlayerAmount: 100})
	for range 5 {
		player := uuid.New()
		w.add(w.debit(player, 60))
		w.add(w.debit(player, 60))
	}
	request := keyset.PageRequest[uuid.UUID]{Size: 3}
	var ids []uuid.UUID
	for more := true; more; {
		page, err := w.monitor.ListAnomalies(t.Context(), promotions.AnomalyFilter{}, request)
		if err != nil || page.Total != 10 || page.TotalIsEstimate {
			t.Fatalf("got %+v, %v", page, err)
		}
		for _, a := range page.Items {
			ids = append(ids, a.ID)
		}
		request.Before, more = ids[len(ids)-1], page.More
	}
	if len(ids) != 10 || !slices.IsSortedFunc(ids, func(a, b uuid.UUID) int { return strings.Compare(b.String(), a.String()) }) {
		t.Errorf("the pages have %v", ids)
	}
	employee := uuid.New()
	for _, id := range ids[:4] {
		if _, err := w.monitor.MarkAnomalySeen(t.Context(), id, employee); err != nil {
			t.Fatal(err)
		}
	}
	yes, no := true, false
	for name, tt := range map[string]struct {
		f    promotions.AnomalyFilter
		want int
	}{
		"all":             {promotions.AnomalyFilter{}, 10},
		"seen":            {promotions.AnomalyFilter{Seen: &yes}, 4},
		"not seen":        {promotions.AnomalyFilter{Seen: &no}, 6},
		"rule":            {promotions.AnomalyFilter{Rule: promotions.AnomalyRulePlayerCount}, 5},
		"rule, no result": {promotions.AnomalyFilter{Rule: promotions.AnomalyRuleClaimRate}, 0},
		"rule and seen":   {promotions.AnomalyFilter{Rule: promotions.AnomalyRulePlayerCount, Seen: &yes}, 2},
	} {
		page, err := w.monitor.ListAnomalies(t.Context(), tt.f, keyset.PageRequest[uuid.UUID]{Size: 20})
		if err != nil || page.Total != tt.want || len(page.Items) != tt.want || page.More {
			t.Errorf("%s: got %d items of %d, %v; want %d", name, len(page.Items), page.Total, err, tt.want)
		}
		for _, a := range page.Items {
			if tt.f.Rule != "" && a.Rule != tt.f.Rule || tt.f.Seen != nil && a.Seen != *tt.f.Seen || a.Seen != (a.SeenBy == employee) {
				t.Errorf("%s: got %+v", name, a)
			}
		}
	}
}

func TestTotalAboveTheExactMaximum(t *testing.T) {
	t.Parallel()
	w := newWatch(start(t), promotions.AnomalyRules{Window: time.Hour})
	for _, tt := range []struct {
		rows     int
		estimate bool
	}{{keyset.MaxExactTotal, false}, {keyset.MaxExactTotal + 50, true}} {
		_, err := w.pool.Exec(t.Context(), `INSERT INTO anomalies (id, rule, detail, created_at, subject, window_start)
			SELECT gen_random_uuid(), 'CLAIM_RATE', '', now(), gen_random_uuid(), now()
			FROM generate_series(1, $1 - (SELECT count(*) FROM anomalies))`, tt.rows)
		if err != nil {
			t.Fatal(err)
		}
		filter := promotions.AnomalyFilter{Rule: promotions.AnomalyRuleClaimRate}
		page, err := w.monitor.ListAnomalies(t.Context(), filter, keyset.PageRequest[uuid.UUID]{Size: 1})
		if err != nil || page.TotalIsEstimate != tt.estimate || page.Total != min(tt.rows, keyset.MaxExactTotal+1) {
			t.Errorf("%d rows: got total %d, estimate %t, %v", tt.rows, page.Total, page.TotalIsEstimate, err)
		}
	}
}
