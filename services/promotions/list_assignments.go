package promotions

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// AssignmentFilter narrows a list of assignments; a zero member does not.
type AssignmentFilter struct {
	Claimed *bool
	Type    PromotionType
	// Available asks whether the promotion is active and in its period now.
	Available *bool
	Now       time.Time
}

// ListAssignments lists what is assigned to a player, with the promotions as they are now, newest first. A player that
// nothing was ever assigned to has an empty list.
func (s *Service) ListAssignments(ctx context.Context, player uuid.UUID, f AssignmentFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[Assignment], error) {
	f.Now = s.now()
	return s.store.Assignments(ctx, player, f, p)
}
