package users

import (
	"context"

	"github.com/google/uuid"
)

// Get reads one user: the caller's own profile, or for the back office anybody's.
func (s *Service) Get(ctx context.Context, id uuid.UUID) (User, error) { return s.store.User(ctx, id) }
