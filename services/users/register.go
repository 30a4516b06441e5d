package users

import (
	"context"
	"net/netip"
	"strings"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/authn"
)

// Register creates a player. The e-mail is free of case and of white space around it; USER_EXISTS where it is taken.
func (s *Service) Register(ctx context.Context, email, password string, from netip.Addr) (User, error) {
	if from.IsValid() {
		if err := s.limiter.Allow(ctx, "register:address:"+addressKey(from), s.limits.RegisterPerAddress); err != nil {
			return User{}, err
		}
	}
	return s.create(ctx, email, password, authn.RolePlayer)
}

func (s *Service) create(ctx context.Context, email, password string, role authn.Role) (User, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return User{}, err
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	u := User{
		ID: id, Email: strings.TrimSpace(email), Role: role, IsActive: true, CreatedAt: s.now(), PasswordHash: hash,
	}
	if err := s.store.CreateUser(ctx, u); err != nil {
		return User{}, err
	}
	return u, nil
}
