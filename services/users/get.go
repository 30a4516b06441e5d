package users

import (
	"context"

	"github.com/google/uuid"
)

// Get returns the user with the id. The error is NOT_FOUND if no user has the id.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (User, error) { return s.store.User(ctx, id) }
