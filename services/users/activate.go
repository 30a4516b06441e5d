package users

import (
	"context"

	"github.com/google/uuid"
)

// Activate switches a user on again, who may then log in. Doing so again is harmless.
func (s *Service) Activate(ctx context.Context, id uuid.UUID) (User, error) {
	return s.store.SetActive(ctx, id, true)
}
