package users

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/keyset"
)

// UserFilter selects users. A zero field selects all users.
type UserFilter struct {
	// EmailPrefix is the beginning of the e-mail. It is case-insensitive and has no wildcards.
	EmailPrefix string
	Role        authn.Role
	IsActive    *bool
}

// List lists users, newest first.
func (s *Service) List(ctx context.Context, f UserFilter, p keyset.PageRequest[uuid.UUID]) (keyset.Page[User], error) {
	return s.store.Users(ctx, f, p)
}
