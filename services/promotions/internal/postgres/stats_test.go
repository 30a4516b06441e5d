package postgres_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/services/promotions"
)

// exec executes a statement as a superuser.
func (f fixture) exec(statement string, args ...any) {
	f.Helper()
	if _, err := f.pool.Exec(f.Context(), statement, args...); err != nil {
		f.Fatal(err)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	f := start(t)
	p := f.limited(promotions.PromotionLimits{}, 100, 250, 300, 400, 500)
	other := f.limited(promotions.PromotionLimits{}, 7700)
	f.claim(other, other.players[0], "")
	f.claim(p, p.players[0], "")
	f.revoke(p, p.players[1])
	f.assign(p, p.players[1], true, promotions.AssignOutcomeAssigned) // no longer revoked
	f.revoke(p, p.players[2])
	f.claim(p, p.players[1], "")
	got, err := f.service.Stats(f.Context(), p.ID, date.Date{}, date.Date{})
	want := promotions.Counts{Assigned: 6, Claimed: 2, Revoked: 1, Cost: 600} // the second assignment has the amount of now
	if err != nil || got.Totals != want || len(got.Days) > 2 {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	// Yesterday's claim after 100 seconds, and two after more than a day, one of them on the day before.
	f.exec(`UPDATE player_promotions SET claimed = true, claimed_at = created_at + '100 s'::interval,
		transaction_id = gen_random_uuid() WHERE user_id = $1`, p.players[3])
	f.exec(`UPDATE player_promotions SET claimed_at = created_at + '100000 s'::interval WHERE claimed AND user_id = ANY ($1)`, p.players[:2])
	got, err = f.service.Stats(f.Context(), p.ID, f.today.AddDays(-1), f.today.AddDays(3))
	if err != nil || got.Totals.Claimed != 3 || len(got.Days) != 5 {
		t.Errorf("got %+v, %v, want 3 claims in 5 days", got, err)
	}
	if seconds := got.MedianToClaim.Seconds(); seconds < 97000 || seconds > 103000 {
		t.Errorf("got a median of %v s, want about 100,000", seconds)
	}
	f.exec(`DELETE FROM player_promotions WHERE user_id = ANY ($1)`, p.players[:2])
	got, err = f.service.Stats(f.Context(), p.ID, f.today.AddDays(-1), f.today.AddDays(3))
	if err != nil || got.Totals.Claimed != 1 || got.MedianToClaim != 102*time.Second { // the middle of the step
		t.Errorf("got %+v, %v, want one claim after about 100 s", got, err)
	}
	_, err = f.service.Stats(f.Context(), uuid.New(), date.Date{}, date.Date{})
	f.wantCode(err, apperr.NotFound)
}

// The step of a time in the database contains the time, and is as wide as the domain expects.
func TestStepsOfClaimTimes(t *testing.T) {
	t.Parallel()
	f := start(t)
	seconds := []int64{0, 1, 31, 32, 33, 63, 64, 127, 128, 86399, 1 << 31, 1<<33 + 1, 1<<34 - 1}
	for range 200 {
		seconds = append(seconds, rand.Int64N(1<<rand.IntN(35)))
	}
	slices.Sort(seconds)
	rows, err := f.pool.Query(f.Context(), `SELECT claim_seconds(now, now + s * '1 s'::interval)
		FROM (SELECT '2000-01-01Z'::timestamptz AS now) t, unnest($1::bigint[]) WITH ORDINALITY AS s (s, n) ORDER BY n`, seconds)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, s := range seconds {
		var step int64
		if !rows.Next() || rows.Scan(&step) != nil {
			t.Fatal(rows.Err())
		}
		width := int64(1)
		for s/width >= 32 {
			width *= 2
		}
		if step != s/width*width {
			t.Errorf("the step of %d begins at %d, want %d", s, step, s/width*width)
		}
	}
}
