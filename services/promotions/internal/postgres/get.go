package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Promotion returns a promotion. It fails with NOT_FOUND if no promotion has the id.
func (s *Store) Promotion(ctx context.Context, id uuid.UUID) (domain.Promotion, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+usedColumns+" FROM promotions WHERE id = $1", id)
	if err != nil {
		return domain.Promotion{}, toAppError(err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanUsed)
	return p, toAppError(err)
}
