package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Update changes a promotion. What was assigned before keeps its amount and title.
func (s *Service) Update(ctx context.Context, id uuid.UUID, change func(*Promotion) error) (Promotion, error) {
	return s.store.UpdatePromotion(ctx, id, func(p *Promotion) error {
		if err := change(p); err != nil {
			return err
		}
		p.UpdatedAt = s.now()
		return p.Validate()
	})
}
