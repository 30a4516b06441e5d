package promotions_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// statsStore returns the days of the period and times.
type statsStore struct {
	promotions.Store
	days  []promotions.DayCounts
	times []promotions.ClaimTimes
}

func (s statsStore) Stats(
	_ context.Context, _ uuid.UUID, from, to date.Date,
) ([]promotions.DayCounts, []promotions.ClaimTimes, error) {
	days := slices.DeleteFunc(slices.Clone(s.days), func(d promotions.DayCounts) bool {
		return d.Day.Before(from) || d.Day.After(to)
	})
	return days, s.times, nil
}

func TestStats(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	today := date.Of(now)
	days := []promotions.DayCounts{
		{today.AddDays(-4), promotions.Counts{Assigned: 8, Claimed: 1, Cost: 2000}},
		{today.AddDays(-2), promotions.Counts{Claimed: 2, Expired: 3, Revoked: 1, Cost: 3050}},
		{today, promotions.Counts{Assigned: 1, Claimed: 3, Cost: 6000}},
	}
	for name, tt := range map[string]struct {
		from, to   date.Date
		first, n   int // the first day, in days after today, and the number of days
		totals     promotions.Counts
		conversion float64
	}{
		"without a period": {date.Date{}, date.Date{}, -4, 5, promotions.Counts{9, 6, 3, 1, 11050}, 6.0 / 9},
		"from":             {today.AddDays(-1), date.Date{}, -1, 2, promotions.Counts{1, 3, 0, 0, 6000}, 1},
		"to":               {date.Date{}, today.AddDays(-3), -4, 2, promotions.Counts{8, 1, 0, 0, 2000}, 1.0 / 8},
		"days before":      {today.AddDays(-5), today.AddDays(-5), -5, 1, promotions.Counts{}, 0},
		"no assignments":   {today.AddDays(-2), today.AddDays(-1), -2, 2, promotions.Counts{0, 2, 3, 1, 3050}, 0},
		"nothing yet":      {date.Date{}, today.AddDays(-9), -9, 1, promotions.Counts{}, 0},
		"longest":          {today.AddDays(-3659), today, -3659, 3660, promotions.Counts{9, 6, 3, 1, 11050}, 6.0 / 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := promotions.New(statsStore{days: days}, nil, func() time.Time { return now })
			got, err := service.Stats(t.Context(), uuid.New(), tt.from, tt.to)
			if err != nil || got.Totals != tt.totals || got.Conversion != tt.conversion {
				t.Errorf("got %+v, %v, want totals %+v and a conversion of %v", got, err, tt.totals, tt.conversion)
			}
			var sum promotions.Counts
			for i, d := range got.Days {
				if d.Day != today.AddDays(tt.first+i) {
					t.Errorf("day %d is %v, want %v", i, d.Day, today.AddDays(tt.first+i))
				}
				sum.Assigned, sum.Claimed, sum.Cost = sum.Assigned+d.Assigned, sum.Claimed+d.Claimed, sum.Cost+d.Cost
			}
			if len(got.Days) != tt.n || sum.Assigned != tt.totals.Assigned || sum.Claimed != tt.totals.Claimed || sum.Cost != tt.totals.Cost {
				t.Errorf("got %d days that add up to %+v, want %d and %+v", len(got.Days), sum, tt.n, tt.totals)
			}
		})
	}
}

func TestStatsRefusesPeriods(t *testing.T) {
	t.Parallel()
	today := date.Of(time.Now())
	old := statsStore{days: []promotions.DayCounts{{Day: today.AddDays(-3660)}}}
	for name, tt := range map[string]struct {
		from, to date.Date
		field    string
	}{
		"reversed":         {today, today.AddDays(-1), "from"},
		"in the future":    {today.AddDays(1), date.Date{}, "from"},
		"too long":         {today.AddDays(-3660), today, "from"},
		"too long so far":  {date.Date{}, date.Date{}, "from"},
		"too long to then": {date.Date{}, today, "from"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := promotions.New(old, nil, time.Now).Stats(t.Context(), uuid.New(), tt.from, tt.to)
			if e := apperr.From(err); e.Code != apperr.ValidationFailed || len(e.Violations) != 1 || e.Violations[0].Field != tt.field {
				t.Errorf("got %v, want VALIDATION_FAILED of %s", err, tt.field)
			}
		})
	}
}

func TestMedianToClaim(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		times []promotions.ClaimTimes
		want  time.Duration
	}{
		"none":          {nil, 0},
		"one":           {[]promotions.ClaimTimes{{17, 1}}, 17 * time.Second},
		"two":           {[]promotions.ClaimTimes{{17, 1}, {30, 1}}, 17 * time.Second},
		"three":         {[]promotions.ClaimTimes{{17, 1}, {30, 2}}, 30 * time.Second},
		"uncounted":     {[]promotions.ClaimTimes{{3, 0}, {17, 2}, {30, 1}}, 17 * time.Second},
		"last exact":    {[]promotions.ClaimTimes{{31, 1}}, 31 * time.Second},
		"wide step":     {[]promotions.ClaimTimes{{32, 1}}, 33 * time.Second},
		"wider step":    {[]promotions.ClaimTimes{{81920, 9}}, (81920 + 2048) * time.Second},
		"end of step":   {[]promotions.ClaimTimes{{3, 1}, {65536, 10}, {131072, 9}}, (65536 + 4096*17/20) * time.Second},
		"start of step": {[]promotions.ClaimTimes{{3, 9}, {65536, 10}, {131072, 1}}, (65536 + 4096*1/20) * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := promotions.New(statsStore{times: tt.times}, nil, time.Now).Stats(t.Context(), uuid.New(), date.Date{}, date.Date{})
			if err != nil || got.MedianToClaim != tt.want {
				t.Errorf("got %v, %v, want %v", got.MedianToClaim, err, tt.want)
			}
		})
	}
}
