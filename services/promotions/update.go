package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Update changes a promotion. What was assigned before keeps its amount and title. A change to what it is already changes
// nothing, nor the time of the last change.
func (s *Service) Update(ctx context.Context, id uuid.UUID, change func(*Promotion) error) (Promotion, error) {
	return s.store.UpdatePromotion(ctx, id, func(p *Promotion) error {
		before := *p
		if err := change(p); err != nil || *p == before {
			return err
		}
		p.UpdatedAt = s.now()
		return p.Validate()
	})
}
