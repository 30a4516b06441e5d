package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// maxStatsDays is the greatest number of days of the statistics of a promotion: about ten years.
const maxStatsDays = 3660

// Counts are the numbers of assignments that were made, claimed, expired or revoked, and the sum that the claims cost.
type Counts struct {
	Assigned, Claimed, Expired, Revoked int64
	Cost                                money.Amount
}

// add adds d to c.
func (c *Counts) add(d Counts) {
	c.Assigned += d.Assigned
	c.Claimed += d.Claimed
	c.Expired += d.Expired
	c.Revoked += d.Revoked
	c.Cost += d.Cost
}

// DayCounts are the counts of a day in UTC.
type DayCounts struct {
	Day date.Date
	Counts
}

// ClaimTimes counts the claims that were made a number of seconds after their assignment, or up to one step later. The step
// is a second below 32 seconds, and doubles with each doubling of the time.
type ClaimTimes struct{ Seconds, Claims int64 }

// Stats are the statistics of a promotion in a period.
type Stats struct {
	Totals Counts
	// Conversion is Totals.Claimed divided by Totals.Assigned, at most 1.
	Conversion float64
	// MedianToClaim is the median time from an assignment to its claim, or zero without claims.
	MedianToClaim time.Duration
	// Days has each day of the period.
	Days []DayCounts
}

// Stats returns the statistics of a promotion from the day from to the day to. A zero from means the first day with an
// assignment, and a zero to means today. The cost of Stats depends on the number of days, but not on that of assignments.
//
// Errors: NOT_FOUND, and VALIDATION_FAILED for a period that ends before it begins or is too long.
func (s *Service) Stats(ctx context.Context, id uuid.UUID, from, to date.Date) (Stats, error) {
	if to.IsZero() {
		to = date.Of(s.now())
	}
	if from.After(to) {
		return Stats{}, apperr.Invalid("from", "order", "must not be after %s", to)
	}
	earliest := to.AddDays(1 - maxStatsDays)
	if !from.IsZero() && from.Before(earliest) {
		return Stats{}, apperr.Invalid("from", "period", "the period must not be longer than %d days", maxStatsDays)
	}
	days, times, err := s.store.Stats(ctx, id, from, to)
	if err != nil {
		return Stats{}, err
	}
	if from.IsZero() {
		from = to
		if len(days) > 0 {
			from = days[0].Day
		}
		if from.Before(earliest) {
			return Stats{}, apperr.Invalid("from", "period", "the period must not be longer than %d days; set from", maxStatsDays)
		}
	}
	return newStats(from, to, days, times), nil
}

// newStats calculates the statistics of a period from the days with changes and the times of the claims, both in ascending
// order.
func newStats(from, to date.Date, changed []DayCounts, times []ClaimTimes) Stats {
	var stats Stats
	for day := from; !day.After(to); day = day.AddDays(1) {
		counts := DayCounts{Day: day}
		if len(changed) > 0 && changed[0].Day == day {
			counts, changed = changed[0], changed[1:]
		}
		stats.Totals.add(counts.Counts)
		stats.Days = append(stats.Days, counts)
	}
	if t := stats.Totals; t.Assigned > 0 {
		stats.Conversion = min(float64(t.Claimed)/float64(t.Assigned), 1)
	}
	stats.MedianToClaim = median(times)
	return stats
}

// median returns the lower median of times in ascending order. It assumes that the times of a step are spread evenly.
func median(times []ClaimTimes) time.Duration {
	var claims int64
	for _, t := range times {
		claims += t.Claims
	}
	rank := (claims + 1) / 2
	for _, t := range times {
		if rank <= t.Claims {
			return time.Duration(t.Seconds+stepOf(t.Seconds)*(2*rank-1)/(2*t.Claims)) * time.Second
		}
		rank -= t.Claims
	}
	return 0
}

// stepOf returns the width in seconds of the step that begins at seconds.
func stepOf(seconds int64) int64 {
	step := int64(1)
	for ; seconds >= 32; seconds /= 2 {
		step *= 2
	}
	return step
}
