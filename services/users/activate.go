package users

import (
	"context"

	"github.com/google/uuid"
)

// Activate activates a user, who may then log in. It is idempotent. The error is NOT_FOUND if there is no user with the id.
func (s *Service) Activate(ctx context.Context, id uuid.UUID) (User, error) {
	return s.store.SetActive(ctx, id, true)
}
