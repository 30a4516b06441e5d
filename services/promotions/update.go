package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Update changes a promotion and returns it. Existing assignments keep their amount, title and version of the terms. If edit
// modifies nothing, UpdatedAt stays the same. Update may call edit again after a conflict. Activating a promotion resumes or
// publishes it, and deactivating it pauses it.
//
// Errors: NOT_FOUND, the error of edit, VALIDATION_FAILED for an invalid period and for a limit below what is already used,
// PROMOTION_STATE_CONFLICT if the promotion is archived, and PROMOTION_EXISTS and PROMOTION_CODE_EXISTS as from
// [Service.Create].
func (s *Service) Update(ctx context.Context, id uuid.UUID, edit func(*Promotion) error) (Promotion, error) {
	return s.change(ctx, id, func(p *Promotion, used ClaimTotals) error {
		before := *p
		if err := edit(p); err != nil {
			return err
		}
		if p.Code = canonicalCode(p.Code); *p == before {
			return nil
		}
		if before.Status() == StatusArchived {
			return before.stateConflict("changed")
		}
		if p.IsActive != before.IsActive {
			p.InactiveAs = string(StatusPaused)
		}
		p.setTermsVersion(before)
		if err := p.validateUpdate(before); err != nil {
			return err
		}
		return p.validateLimits(before, used)
	})
}

// change applies edit to a stored promotion and returns the promotion with its new state.
func (s *Service) change(
	ctx context.Context, id uuid.UUID, edit func(p *Promotion, used ClaimTotals) error,
) (Promotion, error) {
	return s.store.UpdatePromotion(ctx, id, s.now, func(p *Promotion, used ClaimTotals) error {
		before := *p
		if err := edit(p, used); err != nil || *p == before {
			return err
		}
		p.UpdatedAt = s.now()
		p.State = p.StateAt(p.UpdatedAt)
		return nil
	})
}
