package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// MarkAnomalySeen marks an anomaly as seen, unless it is already seen. Of concurrent calls, the first to commit is stored.
func (s *Store) MarkAnomalySeen(ctx context.Context, id, employee uuid.UUID, at time.Time) (domain.Anomaly, error) {
	rows, err := s.pool.Query(ctx, `
		UPDATE anomalies SET seen = true, seen_by = COALESCE(seen_by, $2), seen_at = COALESCE(seen_at, $3)
		WHERE id = $1 RETURNING `+anomalyColumns, id, employee, at)
	if err != nil {
		return domain.Anomaly{}, toAppError(err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAnomaly)
	if errors.Is(err, pgx.ErrNoRows) {
		return domain.Anomaly{}, apperr.New(apperr.NotFound, "anomaly not found")
	}
	return a, toAppError(err)
}
