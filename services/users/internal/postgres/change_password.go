package postgres

import (
	"context"

	"github.com/google/uuid"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/ent/users/user"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// ChangePassword replaces the password hash of an active user if the stored hash equals old, and returns the user. It marks
// the user's sessions for ending, except keep. If the sessions are already marked, keep ends too, unless that mark keeps it.
// The error is INVALID_CREDENTIALS if the stored hash differs from old, and ACCOUNT_DEACTIVATED if the user is not active.
func (s *Store) ChangePassword(ctx context.Context, id uuid.UUID, old, hash string, keep uuid.UUID) (users.User, error) {
	var u users.User
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		row, err := tx.User.Query().Where(user.ID(id)).ForUpdate().Only(ctx)
		if err != nil {
			return err
		}
		u = userFromRow(row)
		switch {
		case !u.IsActive:
			return apperr.New(apperr.AccountDeactivated, "the account is deactivated")
		case u.PasswordHash != old:
			return apperr.New(apperr.InvalidCredentials, "the password has been changed in the meantime")
		}
		u.PasswordHash = hash
		if err := markSessions(ctx, tx.User.UpdateOneID(id).SetPasswordHash(hash), &u, keep); err != nil {
			return err
		}
		if err := record(ctx, postgres.FromSQL(tx), audit.Change{Target: id}, nil); err != nil {
			return err
		}
		return idempotency.Save(ctx, postgres.FromSQL(tx), &usersv1.ChangeMyPasswordResponse{})
	})
	if err != nil {
		return users.User{}, toAppError(err)
	}
	return u, nil
}
