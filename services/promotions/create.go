package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Create stores a new promotion and returns it with its id. If p is inactive, it is paused unless its InactiveAs is
// StatusDraft. The period may be in the past.
//
// Create fails with VALIDATION_FAILED for an invalid period, and with PROMOTION_EXISTS if p is active, its type is unique
// per period, and another active promotion of this type overlaps the period. It fails with PROMOTION_CODE_EXISTS if another
// promotion has the code.
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
	p.Code = canonicalCode(p.Code)
	p.setTermsVersion(Promotion{})
	if p.Status() != StatusDraft {
		p.InactiveAs = string(StatusPaused)
	}
	p.State = p.StateAt(p.CreatedAt)
	if err := s.store.CreatePromotion(ctx, p); err != nil {
		return Promotion{}, err
	}
	return p, nil
}
