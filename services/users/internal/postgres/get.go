package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/users"
)

// User reads one user.
func (s *Store) User(ctx context.Context, id uuid.UUID) (users.User, error) {
	row, err := s.ent.User.Get(ctx, id)
	if err != nil {
		return users.User{}, fail(err)
	}
	return userFromRow(row), nil
}
