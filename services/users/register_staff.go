package users

import (
	"context"
	"net/netip"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/password"
)

// RegisterStaff creates a staff member. from is the address of the admin. It removes white space around the e-mail. Errors:
// those of [CheckPassword], and USER_EXISTS if a user of any role has the e-mail.
func (s *Service) RegisterStaff(ctx context.Context, email, secret string, from netip.Addr) (User, error) {
	ctx = password.WithQueue(ctx, password.Registration, addressKey(from))
	return s.create(ctx, email, secret, authn.RoleStaff)
}
