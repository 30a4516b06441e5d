package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/services/users"
)

// UserByEmail reads the user whose e-mail folds to folded.
func (s *Store) UserByEmail(ctx context.Context, folded string) (users.User, error) {
	row, err := s.ent.User.Query().Where(user.EmailFolded(folded)).Only(ctx)
	if err != nil {
		return users.User{}, fail(err)
	}
	return userFromRow(row), nil
}

// SetPasswordHash replaces a password hash: whatever it is where old is empty, else only if it still is old. Another
// password counts as a switch, so that whoever has ended the sessions of before does not take back that they are to be
// ended again.
func (s *Store) SetPasswordHash(ctx context.Context, id uuid.UUID, old, hash string) error {
	update := s.ent.User.Update().Where(user.ID(id)).SetPasswordHash(hash)
	if old != "" {
		update.Where(user.PasswordHash(old))
	} else {
		update.SetSessionsToEnd(true).AddStatusVersion(1)
	}
	return fail(update.Exec(ctx))
}
