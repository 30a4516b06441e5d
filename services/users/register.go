package users

import (
	"context"
	"net/netip"
	"strings"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/password"
)

// Register creates a player. It removes white space around the e-mail. Errors: those of [CheckPassword], USER_EXISTS if the
// e-mail is taken, and RATE_LIMITED after too many registrations from the client's address.
func (s *Service) Register(ctx context.Context, email, secret string, from netip.Addr) (User, error) {
	ctx = password.WithQueue(ctx, password.Registration, addressKey(from))
	if from.IsValid() {
		err := s.limiter.Allow(ctx, "register:address:"+addressKey(from), s.limits.RegisterPerAddress)
		if s.limited(LimitRegisterPerAddress, err) != nil {
			return User{}, err
		}
	}
	return s.create(ctx, email, secret, authn.RolePlayer)
}

// create stores a new user. Errors: those of [CheckPassword], and USER_EXISTS if the e-mail is taken.
func (s *Service) create(ctx context.Context, email, secret string, role authn.Role) (User, error) {
	normal, err := normalizeNewPassword("password", secret, email)
	if err != nil {
		return User{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return User{}, err
	}
	hash, err := s.hasher.Hash(ctx, normal)
	if err != nil {
		return User{}, err
	}
	u := User{
		ID: id, Email: strings.TrimSpace(email), EmailFolded: FoldEmail(email), Role: role, IsActive: true,
		CreatedAt: s.now(), PasswordHash: hash,
	}
	if err := s.store.CreateUser(ctx, u); err != nil {
		return User{}, err
	}
	return u, nil
}
