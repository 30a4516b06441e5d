package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/services/users"
)

// User returns the user with the id. The error is NOT_FOUND if no user has the id.
func (s *Store) User(ctx context.Context, id uuid.UUID) (users.User, error) {
	return s.oneUser(ctx, "SELECT "+userColumns+" FROM users WHERE id = $1", id)
}

// oneUser returns the user that a query selects.
func (s *Store) oneUser(ctx context.Context, query string, arg any) (users.User, error) {
	rows, err := s.pool.Query(ctx, query, arg)
	if err != nil {
		return users.User{}, toAppError(err)
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUser)
	return u, toAppError(err)
}
