package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Stats implements [domain.StatsStore].
func (s *Store) Stats(ctx context.Context, id uuid.UUID, from, to date.Date) (
	days []domain.DayCounts, times []domain.ClaimTimes, err error,
) {
	batch := &pgx.Batch{}
	batch.Queue("SELECT FROM promotions WHERE id = $1", id).QueryRow(func(row pgx.Row) error { return row.Scan() })
	batch.Queue(`SELECT day, assigned, claimed, expired, revoked, cost FROM promotion_days
		WHERE promotion_id = $1 AND day BETWEEN COALESCE($2::date, '-infinity') AND $3 ORDER BY day`,
		id, columns.Date(from), columns.Date(to)).
		Query(func(rows pgx.Rows) error {
			days, err = pgx.CollectRows(rows, scanDay)
			return err
		})
	batch.Queue(`SELECT seconds, sum(claims)::bigint FROM promotion_claim_times
		WHERE promotion_id = $1 AND day BETWEEN COALESCE($2::date, '-infinity') AND $3 GROUP BY seconds ORDER BY seconds`,
		id, columns.Date(from), columns.Date(to)).
		Query(func(rows pgx.Rows) error {
			times, err = pgx.CollectRows(rows, pgx.RowToStructByPos[domain.ClaimTimes])
			return err
		})
	if err := s.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, toAppError(err)
	}
	return days, times, nil
}

func scanDay(row pgx.CollectableRow) (d domain.DayCounts, err error) {
	err = row.Scan((*columns.Date)(&d.Day), &d.Assigned, &d.Claimed, &d.Expired, &d.Revoked, (*columns.Money)(&d.Cost))
	return d, err
}
