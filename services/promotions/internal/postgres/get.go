package postgres

import (
	"context"

	"github.com/google/uuid"

	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Promotion returns a promotion. It fails with NOT_FOUND if no promotion has the id.
func (s *Store) Promotion(ctx context.Context, id uuid.UUID) (domain.Promotion, error) {
	row, err := s.ent.Promotion.Get(ctx, id)
	if err != nil {
		return domain.Promotion{}, toAppError(err)
	}
	return promotionFromRow(row), nil
}
