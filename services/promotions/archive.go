package promotions

import (
	"context"

	"github.com/google/uuid"
)

// Archive archives a promotion for good. It changes nothing if the promotion is already archived. It fails with NOT_FOUND.
func (s *Service) Archive(ctx context.Context, id uuid.UUID) (Promotion, error) {
	return s.change(ctx, id, archive.apply)
}
