package promotions

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// ListRefusals returns a page of the refusals of a player, newest first. The page is empty for an unknown player.
func (s *Service) ListRefusals(
	ctx context.Context, player uuid.UUID, p keyset.PageRequest[uuid.UUID],
) (keyset.Page[Refusal], error) {
	return s.store.Refusals(ctx, player, p)
}
