package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// PromotionFilter selects promotions. A zero field selects all.
type PromotionFilter struct {
	Type     PromotionType
	IsActive *bool
	// Available selects by whether the promotion is active and its period contains Today.
	Available *bool
	// Today is set by [Service.List].
	Today date.Date
	// Title is a part of the title. Case is ignored.
	Title string
	// From and To are the first and the last day of a period that the promotion's period overlaps.
	From, To date.Date
}

// List returns a page of promotions, newest first. It fails with VALIDATION_FAILED if To is before From.
func (s *Service) List(ctx context.Context, f PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Promotion], error) {
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		return keyset.Page[Promotion]{}, apperr.Invalid("to", rulePeriod, "must not be before from")
	}
	f.Today = date.Of(s.now())
	return s.store.Promotions(ctx, f, p)
}
