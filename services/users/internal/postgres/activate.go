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
func (s *Store) SetActive(ctx context.Context, id uuid.UUID, active bool) (users.User, error) {
	var u users.User
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		row, err := tx.User.Query().Where(user.ID(id)).ForUpdate().Only(ctx)
		if err != nil {
			return err
		}
		if u = userFromRow(row); u.IsActive == active {
			return nil
		}
		u.IsActive, u.StatusVersion = active, u.StatusVersion+1
		u.SessionsToEnd = u.SessionsToEnd || !active
		err = tx.User.UpdateOneID(id).SetIsActive(active).SetStatusVersion(u.StatusVersion).SetSessionsToEnd(u.SessionsToEnd).Exec(ctx)
		if err != nil {
			return err
		}
		what := usersv1.PlayerEventType_PLAYER_DEACTIVATED
		if active {
			what = usersv1.PlayerEventType_PLAYER_ACTIVATED
		}
		at, err := serverTime(ctx, tx)
		if err != nil {
			return err
		}
		return announce(ctx, tx, u, what, at)
	})
	if err != nil {
		return users.User{}, fail(err)
	}
	s.wake()
	return u, nil
}

// serverTime reads the database's clock, which is one for all replicas.
func serverTime(ctx context.Context, tx *ent.Tx) (now time.Time, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT clock_timestamp()")
	if err != nil {
		return now, err
	}
	defer rows.Close() //nolint:errcheck // it has been read by then
	for rows.Next() {
		if err := rows.Scan(&now); err != nil {
			return now, err
		}
	}
	return now.UTC(), rows.Err()
}
