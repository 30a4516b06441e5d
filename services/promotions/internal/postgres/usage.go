package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/ent/promotions"
	"github.com/casino-loyalty/loyalty/ent/promotions/claimreservation"
	"github.com/casino-loyalty/loyalty/ent/promotions/promotionday"
	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/money"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Every transaction that reserves, confirms, revokes or expires assignments of a promotion, or changes the promotion, holds
// this lock. So the reservations and the counters cannot change between a decision and its commit, and PostgreSQL grants the
// lock in the order of the requests. A transaction that locks several promotions locks them in the order of their ids. It
// takes the lock before it changes an assignment, because the trigger of player_promotions then locks the counters.
const lockClaims = `SELECT pg_advisory_xact_lock(hashtextextended('claims ' || p.id, 0))
	FROM unnest($1::uuid[]) WITH ORDINALITY AS p (id, n)`

// queueLocks begins a transaction and locks the claims of promotions. It returns the distinct promotions.
func queueLocks(batch *pgx.Batch, promotions []uuid.UUID) []uuid.UUID {
	distinct := sortedIDs(promotions)
	batch.Queue("BEGIN")
	batch.Queue(planSQL)
	batch.Queue(lockClaims, distinct)
	return distinct
}

// usedColumns lists the columns of the table promotions, and a column with the usage of the promotion.
const usedColumns = promotionColumns + `,
	(SELECT ARRAY[c.assigned, c.claimed, c.expired, c.revoked, (c.spent * 100)::bigint,
	   (SELECT count(*) FROM claim_reservations r WHERE r.promotion_id = c.id)]
	 FROM promotion_counters c WHERE c.id = promotions.id)`

// scanUsed reads a row that has the columns of usedColumns.
func scanUsed(row pgx.CollectableRow) (domain.Promotion, error) {
	p, err := scanPromotion(columns.From(row, 0))
	if err != nil {
		return p, err
	}
	var used []int64
	if err := columns.From(row, len(columns.Names(promotionColumns))).Scan(&used); err != nil || len(used) != 6 {
		return p, err
	}
	p.Usage = domain.PromotionUsage{
		Assigned: int32(used[0]), Claimed: int32(used[1]), Expired: int32(used[2]), Revoked: int32(used[3]),
		Spent: money.Amount(used[4]), Reserved: int32(used[5]),
	}
	return p, nil
}

// totalsSQL reads the totals of the promotions that have limits, on the day $2. The caller holds the lock of the claims.
const totalsSQL = `
	SELECT p.id, c.claimed + r.n, c.spent + r.amount, COALESCE(d.claimed, 0) + r.today
	FROM promotions p JOIN promotion_counters c ON c.id = p.id
	LEFT JOIN promotion_days d ON d.promotion_id = p.id AND d.day = $2::date
	CROSS JOIN LATERAL (
	  SELECT count(*) AS n, COALESCE(sum(amount), 0) AS amount,
	    count(*) FILTER (WHERE reserved_at >= $2::date::timestamp AT TIME ZONE 'UTC') AS today
	  FROM claim_reservations WHERE promotion_id = p.id
	) r
	WHERE p.id = ANY ($1) AND (p.limits_max_claims > 0 OR p.limits_budget > 0 OR p.limits_max_claims_per_day > 0)`

// collectTotals reads the rows of totalsSQL.
func collectTotals(rows pgx.Rows) (map[uuid.UUID]domain.ClaimTotals, error) {
	totals := map[uuid.UUID]domain.ClaimTotals{}
	var id uuid.UUID
	var t domain.ClaimTotals
	_, err := pgx.ForEachRow(rows, []any{&id, &t.Claims, (*columns.Money)(&t.Amount), &t.Today}, func() error {
		totals[id] = t
		return nil
	})
	return totals, err
}

// readUsage sets the usage of a promotion and returns the totals of its claims. The caller holds the lock of the claims.
func readUsage(ctx context.Context, tx *promotions.Tx, p *domain.Promotion, now time.Time) (domain.ClaimTotals, error) {
	var none domain.ClaimTotals
	counter, err := tx.PromotionCounter.Get(ctx, p.ID)
	if err != nil {
		return none, err
	}
	reservations, err := tx.ClaimReservation.Query().Where(claimreservation.PromotionID(p.ID)).All(ctx)
	if err != nil {
		return none, err
	}
	days, err := tx.PromotionDay.Query().
		Where(promotionday.PromotionID(p.ID), promotionday.Day(date.Of(now))).All(ctx)
	if err != nil {
		return none, err
	}
	p.Usage = domain.PromotionUsage{
		Assigned: int32(counter.Assigned), Claimed: int32(counter.Claimed), Expired: int32(counter.Expired),
		Revoked: int32(counter.Revoked), Reserved: int32(len(reservations)), Spent: counter.Spent,
	}
	used := domain.ClaimTotals{Claims: counter.Claimed + int64(len(reservations)), Amount: counter.Spent}
	for _, d := range days {
		used.Today += d.Claimed
	}
	for _, r := range reservations {
		used.Amount += r.Amount
		if !date.Of(r.ReservedAt).Before(date.Of(now)) { // as in totalsSQL
			used.Today++
		}
	}
	return used, nil
}
