package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// release is a call of ReleaseClaim, or of SettleUnpaid if settled is true.
type release struct {
	assignment, promotion uuid.UUID
	reservedAt            time.Time
	settled               bool
}

// ReleaseClaim ends a claim together with concurrent ones; see groups.
func (s *Store) ReleaseClaim(ctx context.Context, r domain.Reservation) error {
	return s.release(ctx, r, false)
}

// SettleUnpaid removes a reservation together with the releases of concurrent claims; see groups.
func (s *Store) SettleUnpaid(ctx context.Context, r domain.Reservation) error {
	return s.release(ctx, r, true)
}

func (s *Store) release(ctx context.Context, r domain.Reservation, settled bool) error {
	_, err := s.unpaid.do(ctx, release{
		assignment: r.Assignment.ID, promotion: r.Assignment.PromotionID, reservedAt: r.ReservedAt, settled: settled,
	})
	return toAppError(err)
}

// releasedSQL is the part of a statement that selects the reservations of a group, each with the number of its claims that
// end.
const releasedSQL = `
	SELECT r.id, r.user_id, r.promotion_id, e.ended, e.settled OR r.ended + e.ended >= r.started AND NOT r.closed AS over
	FROM (
	  SELECT id, reserved_at, count(*) FILTER (WHERE NOT settled) AS ended, bool_or(settled) AS settled
	  FROM unnest($1::uuid[], $2::timestamptz[], $3::bool[]) AS e (id, reserved_at, settled) GROUP BY id, reserved_at
	) e JOIN claim_reservations r ON r.id = e.id AND r.reserved_at = e.reserved_at`

// unpaidSQL deletes reservations whose claims have all ended, and the keys of their assignments. A reservation that still
// has other claims keeps the keys, because the other claims may have the same ones.
const unpaidSQL = `
	WITH e AS (` + releasedSQL + `),
	gone AS (DELETE FROM claim_reservations r USING e WHERE r.id = e.id AND e.over RETURNING r.id, r.user_id, r.promotion_id)
	DELETE FROM claim_keys k USING gone g JOIN player_promotions a ON a.id = g.id
	WHERE k.user_id = g.user_id AND k.promotion_id = g.promotion_id AND NOT a.claimed`

// endedSQL counts the claims that end, after unpaidSQL.
const endedSQL = `
	UPDATE claim_reservations r SET ended = LEAST(r.ended + e.ended, r.started)
	FROM (` + releasedSQL + `) e WHERE r.id = e.id`

// commitReleases ends the claims of a group in one transaction and one round trip. Without the locks of the claims, a group
// that is being decided could see a reservation but not its unit. A claim must not be counted twice, so a failed transaction
// is not repeated; the reservations are then settled.
func (s *Store) commitReleases(ctx context.Context, group []*groupCall[release, struct{}]) error {
	var assignments, promotions []uuid.UUID
	var reservedAt []time.Time
	var settled []bool
	for _, c := range group {
		assignments, promotions = append(assignments, c.params.assignment), append(promotions, c.params.promotion)
		reservedAt, settled = append(reservedAt, c.params.reservedAt), append(settled, c.params.settled)
	}
	return s.withClaims(ctx, promotions, func(batch *pgx.Batch) {
		batch.Queue(unpaidSQL, assignments, reservedAt, settled)
		batch.Queue(endedSQL, assignments, reservedAt, settled)
	})
}

// OverdueReservations reads reservations whose time limit has passed, in a random order, so that several replicas settle
// different ones. The table is small: it holds only the claims that are being paid.
func (s *Store) OverdueReservations(ctx context.Context, now time.Time, limit int) ([]domain.Reservation, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, user_id, promotion_id, (amount * 100)::bigint, reserved_at, not_after FROM claim_reservations
		WHERE not_after < $1 ORDER BY random() LIMIT $2`, now, limit)
	if err != nil {
		return nil, toAppError(err)
	}
	overdue, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r domain.Reservation, err error) {
		a := &r.Assignment
		return r, row.Scan(&a.ID, &a.UserID, &a.PromotionID, (*int64)(&a.Amount), &r.ReservedAt, &r.NotAfter)
	})
	return overdue, toAppError(err)
}
