package postgres

import (
	"context"

	"github.com/google/uuid"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// UserByEmail returns the user with the folded e-mail. The error is NOT_FOUND if no user has the e-mail.
func (s *Store) UserByEmail(ctx context.Context, folded string) (users.User, error) {
	return s.oneUser(ctx, "SELECT "+userColumns+" FROM users WHERE email_folded = $1", folded)
}

// SetPasswordHash replaces a user's password hash.
//
// If old is not empty, SetPasswordHash replaces the hash only if the stored hash equals old. If old is empty, the user has a
// new password: SetPasswordHash also marks the user's sessions for ending. It increments the status version too, so that a
// concurrent ClearSessionsToEnd for an earlier version does not remove the mark.
//
// SetPasswordHash returns nil if it replaced no hash.
func (s *Store) SetPasswordHash(ctx context.Context, id uuid.UUID, old, hash string) error {
	if old != "" {
		update := s.ent.User.Update().Where(user.ID(id), user.PasswordHash(old)).SetPasswordHash(hash)
		return toAppError(update.Exec(ctx))
	}
	return toAppError(s.inTx(ctx, func(tx *ent.Tx) error {
		update := tx.User.Update().Where(user.ID(id)).SetPasswordHash(hash).
			SetSessionsToEnd(true).ClearKeptSession().AddStatusVersion(1)
		if err := update.Exec(ctx); err != nil {
			return err
		}
		return record(ctx, postgres.FromSQL(tx), audit.Change{Target: id}, nil)
	}))
}
