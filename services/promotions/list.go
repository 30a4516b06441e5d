package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/date"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// PromotionFilter selects promotions. A field with the zero value does not restrict the selection.
type PromotionFilter struct {
	Type     PromotionType
	IsActive *bool
	// Available selects the available promotions (true) or all others (false). An available promotion is active, and its period
	// contains Today.
	Available *bool
	// States are the selected states. If it is empty, all promotions that are not archived are selected.
	States []PromotionState
	// Today is the current day in UTC. [Service.List] sets it.
	Today date.Date
	// Title is a substring of the promotion's title. Case is ignored.
	Title string
	// From and To select the promotions whose period contains at least one day between From and To, both included.
	From, To date.Date
}

// List returns a page of promotions, newest first. It fails with VALIDATION_FAILED if To is before From.
func (s *Service) List(ctx context.Context, f PromotionFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Promotion], error) {
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		return keyset.Page[Promotion]{}, apperr.Invalid("to", rulePeriod, "must not be before from")
	}
	now := s.now()
	f.Today = date.Of(now)
	page, err := s.store.Promotions(ctx, f, p)
	if err != nil {
		return keyset.Page[Promotion]{}, err
	}
	for i := range page.Items {
		page.Items[i].State = page.Items[i].StateAt(now)
	}
	return page, nil
}
