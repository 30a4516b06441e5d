package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// AssignmentFilter selects assignments. A field with the zero value does not restrict the selection.
type AssignmentFilter struct {
	Claimed *bool
	Type    PromotionType
	// States selects the assignments that are in one of the states.
	States []AssignmentState
	// Available selects the assignments of available promotions (true) or all others (false). An available promotion is active,
	// and its period contains the day of Now.
	Available *bool
	// Own is true if the player asks. A player whom a restriction refuses promotions then has no assignments.
	Own bool
	// Now is the current time. [Service.ListAssignments] sets it.
	Now time.Time
}

// ListAssignments returns a page of a player's assignments, newest first. Each assignment contains the current state of its
// promotion. The page is empty for an unknown player.
func (s *Service) ListAssignments(ctx context.Context, player uuid.UUID, f AssignmentFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Assignment], error) {
	f.Now = s.now()
	page, err := s.store.Assignments(ctx, player, f, p)
	if err != nil {
		return keyset.Page[Assignment]{}, err
	}
	for i := range page.Items {
		a := &page.Items[i]
		a.State, a.Promotion.State = a.StateAt(f.Now), a.Promotion.StateAt(f.Now)
	}
	return page, nil
}
