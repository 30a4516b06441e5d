package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Update changes a promotion and returns it. Existing assignments keep their amount and title. If change modifies nothing,
// UpdatedAt stays the same. Update may call change again after a conflict. Update fails with NOT_FOUND, with the error of
// change, with VALIDATION_FAILED for an invalid period, and with PROMOTION_EXISTS as [Service.Create] does.
func (s *Service) Update(ctx context.Context, id uuid.UUID, change func(*Promotion) error) (Promotion, error) {
	return s.store.UpdatePromotion(ctx, id, func(p *Promotion) error {
		before := *p
		if err := change(p); err != nil || *p == before {
			return err
		}
		p.UpdatedAt = s.now()
		return p.validateUpdate(before)
	})
}
