package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/ent/users/user"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/services/users"
)

// SetActive switches a user off or on under its row lock, which also puts the events of a player into the order in which
// they became true. What is so already is left alone, and nobody is told.
func (s *Store) SetActive(ctx context.Context, id uuid.UUID, active bool, at time.Time) (users.User, error) {
	var u users.User
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		row, err := tx.User.Query().Where(user.ID(id)).ForUpdate().Only(ctx)
		if err != nil {
			return err
		}
		if u = userFromRow(row); u.IsActive == active {
			return nil
		}
		u.IsActive = active
		if err := tx.User.UpdateOneID(id).SetIsActive(active).Exec(ctx); err != nil {
			return err
		}
		what := usersv1.PlayerEventType_PLAYER_DEACTIVATED
		if active {
			what = usersv1.PlayerEventType_PLAYER_ACTIVATED
		}
		return announce(ctx, tx, u, what, at)
	})
	if err != nil {
		return users.User{}, fail(err)
	}
	s.wake()
	return u, nil
}
