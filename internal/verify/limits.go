package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/cli"
	"github.com/casino-loyalty/loyalty/internal/money"
)

// countersSQL compares the counters and the days of each promotion with its assignments. It returns the promotions that
// differ, each with what the assignments say.
const countersSQL = `
	WITH counted AS (
	  SELECT promotion_id AS id, sum(times_assigned)::bigint AS assigned, count(*) FILTER (WHERE claimed) AS claimed,
	    count(*) FILTER (WHERE NOT claimed AND revoked_at IS NULL AND expired_at IS NOT NULL) AS expired,
	    count(*) FILTER (WHERE NOT claimed AND revoked_at IS NOT NULL) AS revoked,
	    COALESCE(sum(amount) FILTER (WHERE claimed), 0) AS spent
	  FROM player_promotions GROUP BY promotion_id
	), want AS (
	  SELECT p.id, COALESCE(assigned, 0) AS assigned, COALESCE(claimed, 0) AS claimed, COALESCE(expired, 0) AS expired,
	    COALESCE(revoked, 0) AS revoked, COALESCE(spent, 0) AS spent
	  FROM promotions p LEFT JOIN counted USING (id)
	), day AS (
	  SELECT promotion_id AS id, sum(assigned) AS assigned, sum(claimed) AS claimed, sum(expired) AS expired,
	    sum(revoked) AS revoked, sum(cost) AS spent
	  FROM promotion_days GROUP BY promotion_id
	)
	SELECT want.id, want.assigned, want.claimed, want.expired, want.revoked, (want.spent * 100)::bigint
	FROM want LEFT JOIN promotion_counters c USING (id) LEFT JOIN day USING (id)
	WHERE (want.assigned, want.claimed, want.expired, want.revoked, want.spent)
	    IS DISTINCT FROM (c.assigned, c.claimed, c.expired, c.revoked, c.spent)
	  OR (want.assigned, want.claimed, want.expired, want.revoked, want.spent) IS DISTINCT FROM
	    (COALESCE(day.assigned, 0), COALESCE(day.claimed, 0), COALESCE(day.expired, 0), COALESCE(day.revoked, 0),
	      COALESCE(day.spent, 0))
	ORDER BY want.id`

// claimTimesSQL returns the days whose claims are not all counted by the time between assignment and claim.
const claimTimesSQL = `
	SELECT promotion_id, day, COALESCE(d.claimed, 0), COALESCE(t.claims, 0)::bigint
	FROM promotion_days d
	FULL JOIN (SELECT promotion_id, day, sum(claims) AS claims FROM promotion_claim_times GROUP BY 1, 2) t
	  USING (promotion_id, day)
	WHERE COALESCE(d.claimed, 0) <> COALESCE(t.claims, 0) ORDER BY 1, 2`

// exceededSQL returns the promotions whose claims exceed a limit, and the limit. The daily limit is only checked for today,
// because it may have been higher on earlier days.
const exceededSQL = `
	SELECT p.id, l.name, l.used::text, l.limit::text
	FROM promotions p JOIN promotion_counters c USING (id)
	LEFT JOIN promotion_days d ON d.promotion_id = p.id AND d.day = ($1::timestamptz AT TIME ZONE 'UTC')::date
	CROSS JOIN LATERAL (VALUES
	  ('maxClaims', c.claimed::numeric, p.limits_max_claims::numeric), ('budget', c.spent, p.limits_budget),
	  ('maxClaimsPerDay', COALESCE(d.claimed, 0)::numeric, p.limits_max_claims_per_day::numeric)
	) AS l (name, used, "limit")
	WHERE l.limit > 0 AND l.used > l.limit ORDER BY p.id, l.name`

// maxReservation is how far the end of a reservation may lie in the future. It is more than the time in which a claim is
// paid and the difference of the clocks.
const maxReservation = 5 * time.Minute

// limits checks that the counters of each promotion equal its assignments, that no limit is exceeded, and that each
// reservation of a claim is settled and ends soon. It skips a database that does not have the counters yet.
func limits(ctx context.Context, s Sources, r *report) (string, error) {
	var promotions, reservations int
	err := snapshot(ctx, s.Promotions, func(tx pgx.Tx) error {
		counted, err := countsAssignments(ctx, tx)
		if err != nil || !counted {
			return err
		}
		err = tx.QueryRow(ctx, "SELECT (SELECT count(*) FROM promotions), (SELECT count(*) FROM claim_reservations)").
			Scan(&promotions, &reservations)
		if err != nil {
			return err
		}
		if err := wrongCounters(ctx, tx, r); err != nil {
			return err
		}
		if err := wrongClaimTimes(ctx, tx, r); err != nil {
			return err
		}
		if err := exceeded(ctx, tx, r); err != nil {
			return err
		}
		return unsettled(ctx, tx, r)
	})
	return fmt.Sprintf("%s, %s", cli.Count(promotions, "promotion", "promotions"),
		cli.Count(reservations, "claim being paid", "claims being paid")), err
}

// countsAssignments reports whether the schema of promotions counts assignments.
func countsAssignments(ctx context.Context, tx pgx.Tx) (yes bool, err error) {
	err = tx.QueryRow(ctx, "SELECT to_regclass('promotion_counters') IS NOT NULL").Scan(&yes)
	return yes, err
}

func wrongCounters(ctx context.Context, tx pgx.Tx, r *report) error {
	rows, err := tx.Query(ctx, countersSQL)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var assigned, claimed, expired, revoked, spent int64
	_, err = pgx.ForEachRow(rows, []any{&id, &assigned, &claimed, &expired, &revoked, &spent}, func() error {
		r.violationf("promotion %s: the counters or the days differ from the assignments: %d assigned, %d claimed, %d expired, "+
			"%d revoked, %s spent", id, assigned, claimed, expired, revoked, money.Amount(spent))
		return nil
	})
	return err
}

// wrongClaimTimes skips a database that does not count the times of claims yet.
func wrongClaimTimes(ctx context.Context, tx pgx.Tx, r *report) error {
	var counted bool
	err := tx.QueryRow(ctx, "SELECT to_regclass('promotion_claim_times') IS NOT NULL").Scan(&counted)
	if err != nil || !counted {
		return err
	}
	rows, err := tx.Query(ctx, claimTimesSQL)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var day time.Time
	var claimed, counts int64
	_, err = pgx.ForEachRow(rows, []any{&id, &day, &claimed, &counts}, func() error {
		r.violationf("promotion %s: %d claims on %s, but the times of %d claims are counted", id, claimed,
			day.Format(time.DateOnly), counts)
		return nil
	})
	return err
}

func exceeded(ctx context.Context, tx pgx.Tx, r *report) error {
	rows, err := tx.Query(ctx, exceededSQL, r.now)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var name, used, limit string
	_, err = pgx.ForEachRow(rows, []any{&id, &name, &used, &limit}, func() error {
		r.violationf("promotion %s: the claims use %s of the limit %s of %s", id, used, name, limit)
		return nil
	})
	return err
}

func unsettled(ctx context.Context, tx pgx.Tx, r *report) error {
	rows, err := tx.Query(ctx,
		`SELECT id, user_id, (not_after AT TIME ZONE 'UTC')::text, not_after > $2 FROM claim_reservations
		WHERE not_after < $1 OR not_after > $2 ORDER BY id`, r.cutoff, r.now.Add(maxReservation))
	if err != nil {
		return err
	}
	var id, user uuid.UUID
	var notAfter string // may be infinite
	var far bool
	_, err = pgx.ForEachRow(rows, []any{&id, &user, &notAfter, &far}, func() error {
		format := "the claim of assignment %s of user %s had to be paid by %s UTC, and is still reserved"
		if far {
			format = "the claim of assignment %s of user %s is reserved until %s UTC, which is too late"
		}
		r.violationf(format, id, user, notAfter)
		return nil
	})
	return err
}
