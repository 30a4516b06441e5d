package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/users"
)

// User returns the user with the id. The error is NOT_FOUND if no user has the id.
func (s *Store) User(ctx context.Context, id uuid.UUID) (users.User, error) {
	row, err := s.ent.User.Get(ctx, id)
	if err != nil {
		return users.User{}, toAppError(err)
	}
	return userFromRow(row), nil
}
