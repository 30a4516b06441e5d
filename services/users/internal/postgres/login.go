package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/services/users"
)

// UserByEmail returns the user with the folded e-mail. The error is NOT_FOUND if there is none.
func (s *Store) UserByEmail(ctx context.Context, folded string) (users.User, error) {
	row, err := s.ent.User.Query().Where(user.EmailFolded(folded)).Only(ctx)
	if err != nil {
		return users.User{}, toAppError(err)
	}
	return userFromRow(row), nil
}

// SetPasswordHash replaces a user's password hash. With a non-empty old it replaces the hash only if it is still old. With
// an empty old the password is new: SetPasswordHash also marks the sessions as to be ended and increments the status
// version, so that a concurrent SessionsEnded for an earlier version does not remove the mark.
func (s *Store) SetPasswordHash(ctx context.Context, id uuid.UUID, old, hash string) error {
	update := s.ent.User.Update().Where(user.ID(id)).SetPasswordHash(hash)
	if old != "" {
		update.Where(user.PasswordHash(old))
	} else {
		update.SetSessionsToEnd(true).AddStatusVersion(1)
	}
	return toAppError(update.Exec(ctx))
}
