package users

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

// RegisterStaff creates a staff member. Errors: VALIDATION_FAILED for the password, USER_EXISTS if the e-mail is taken by a
// user of any role.
func (s *Service) RegisterStaff(ctx context.Context, email, secret string) (User, error) {
	return s.create(ctx, email, secret, authn.RoleStaff)
}
