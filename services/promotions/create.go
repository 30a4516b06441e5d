package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Create stores a new promotion. It may lie in the past. PROMOTION_EXISTS where its type allows only one active promotion
// at a time and there is one in the period.
func (s *Service) Create(ctx context.Context, p Promotion) (Promotion, error) {
	if err := p.Validate(); err != nil {
		return Promotion{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Promotion{}, err
	}
	p.ID, p.CreatedAt = id, s.now()
	p.UpdatedAt = p.CreatedAt
	if err := s.store.CreatePromotion(ctx, p); err != nil {
		return Promotion{}, err
	}
	return p, nil
}
