package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Get reads one promotion.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.store.Promotion(ctx, id)
}
