package users

import (
	"context"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

// RegisterStaff creates a staff member. It removes white space around the e-mail. Errors: those of [CheckPassword], and
// USER_EXISTS if a user of any role has the e-mail.
func (s *Service) RegisterStaff(ctx context.Context, email, secret string) (User, error) {
	return s.create(ctx, email, secret, authn.RoleStaff)
}
