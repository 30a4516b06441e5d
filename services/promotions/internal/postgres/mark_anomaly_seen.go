package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// MarkAnomalySeen marks an anomaly as seen, unless it is already seen. Of concurrent calls, the first to commit is stored.
func (s *Store) MarkAnomalySeen(ctx context.Context, id, employee uuid.UUID, at time.Time) (domain.Anomaly, error) {
	var a domain.Anomaly
	err := postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if a, err = queryOne(ctx, tx, scanAnomaly,
			"SELECT "+anomalyColumns+" FROM anomalies WHERE id = $1 FOR UPDATE", id); err != nil || a.Seen {
			return err
		}
		a, err = queryOne(ctx, tx, scanAnomaly,
			"UPDATE anomalies SET seen = true, seen_by = $2, seen_at = $3 WHERE id = $1 RETURNING "+anomalyColumns,
			id, employee, at)
		if err != nil {
			return err
		}
		return record(ctx, tx, audit.Change{
			Target: id, Before: map[string]any{"seen": false}, After: map[string]any{"seen": true},
		})
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Anomaly{}, apperr.New(apperr.NotFound, "anomaly not found")
	}
	if err != nil {
		return domain.Anomaly{}, toAppError(err)
	}
	s.wake()
	return a, nil
}
