package users

import (
	"context"

	"github.com/google/uuid"
)

// Get returns a user. The error is NOT_FOUND if there is none with the id.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (User, error) { return s.store.User(ctx, id) }
