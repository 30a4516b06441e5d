package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// PromotionFilter narrows a list of promotions; a zero member does not.
type PromotionFilter struct {
	Type     PromotionType
	IsActive *bool
	// Available asks whether the promotion is active and in its period on Today.
	Available *bool
	Today     date.Date
	// Title is a part of the title, without case.
	Title string
	// From and To are the ends of a period that the promotion's overlaps, both inclusive.
	From, To date.Date
}

// List lists promotions, newest first. VALIDATION_FAILED where To is before From.
func (s *Service) List(ctx context.Context, f PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Promotion], error) {
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		return keyset.Page[Promotion]{}, apperr.Invalid("to", "period", "must not be before from")
	}
	f.Today = date.Of(s.now())
	return s.store.Promotions(ctx, f, p)
}
