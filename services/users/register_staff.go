package users

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

// RegisterStaff creates a staff member. USER_EXISTS where the e-mail is taken, also by a player.
func (s *Service) RegisterStaff(ctx context.Context, email, password string) (User, error) {
	return s.create(ctx, email, password, authn.RoleStaff)
}
