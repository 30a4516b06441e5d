package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// AssignmentFilter selects assignments. A zero field selects all.
type AssignmentFilter struct {
	Claimed *bool
	Type    PromotionType
	// Available selects by whether the promotion is active and its period contains the day of Now.
	Available *bool
	// Now is set by [Service.ListAssignments].
	Now time.Time
}

// ListAssignments returns a page of a player's assignments, newest first, each with the current state of its promotion. An
// unknown player has no assignments.
func (s *Service) ListAssignments(ctx context.Context, player uuid.UUID, f AssignmentFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Assignment], error) {
	f.Now = s.now()
	return s.store.Assignments(ctx, player, f, p)
}
