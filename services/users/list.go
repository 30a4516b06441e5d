package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// UserFilter narrows a list of users; a zero member does not.
type UserFilter struct {
	// Email is what the e-mail begins with, without case.
	Email    string
	Role     authn.Role
	IsActive *bool
}

// List lists users, newest first.
func (s *Service) List(ctx context.Context, f UserFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[User], error) {
	return s.store.Users(ctx, f, p)
}
