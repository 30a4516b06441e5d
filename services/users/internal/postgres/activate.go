package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/ent/users/user"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// SetActive activates or deactivates a user, and returns the user with the new status. A change increments the status
// version, and a deactivation also marks the user's sessions for ending. SetActive writes nothing if the user already has
// the status. Errors: NOT_FOUND if no user has the id, TOKEN_REVOKED if the admin by is not active.
//
// The lock on the user's row serializes concurrent calls, so the outbox holds the events of a player in the order of the
// status versions.
func (s *Store) SetActive(ctx context.Context, by, id uuid.UUID, active bool) (users.User, error) {
	var u users.User
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		var err error
		if u, err = lockUser(ctx, tx, by, id); err != nil {
			return err
		}
		if u.IsActive != active {
			u.IsActive, u.StatusVersion = active, u.StatusVersion+1
			if !active {
				u.SessionsToEnd, u.KeptSession = true, uuid.Nil
			}
			if err := updateStatus(ctx, tx, u); err != nil {
				return err
			}
		}
		return idempotency.Save(ctx, postgres.FromSQL(tx), wire.FromUser(u))
	})
	if err != nil {
		return users.User{}, toAppError(err)
	}
	s.wake()
	return u, nil
}

// lockUser locks the rows of a user and of the admin who changes the user, in the order of their ids, so that no two calls
// wait for each other. It returns the user.
func lockUser(ctx context.Context, tx *ent.Tx, by, id uuid.UUID) (users.User, error) {
	rows, err := tx.User.Query().Where(user.IDIn(by, id)).Order(user.ByID()).ForUpdate().All(ctx)
	if err != nil {
		return users.User{}, err
	}
	find := func(id uuid.UUID) int { return slices.IndexFunc(rows, func(r *ent.User) bool { return r.ID == id }) }
	if by != uuid.Nil {
		if i := find(by); i < 0 || !rows[i].IsActive {
			return users.User{}, apperr.New(apperr.TokenRevoked, "the caller has been deactivated")
		}
	}
	i := find(id)
	if i < 0 {
		return users.User{}, apperr.New(apperr.NotFound, "user not found")
	}
	return userFromRow(rows[i]), nil
}

// updateStatus stores the status of u. For a player it also appends the event PLAYER_ACTIVATED or PLAYER_DEACTIVATED to
// the outbox.
func updateStatus(ctx context.Context, tx *ent.Tx, u users.User) error {
	err := record(ctx, postgres.FromSQL(tx), audit.Change{
		Target: u.ID, Before: map[string]any{"isActive": !u.IsActive}, After: map[string]any{"isActive": u.IsActive},
	}, nil)
	if err != nil {
		return err
	}
	update := tx.User.UpdateOneID(u.ID).
		SetIsActive(u.IsActive).SetStatusVersion(u.StatusVersion).SetSessionsToEnd(u.SessionsToEnd)
	if u.KeptSession == uuid.Nil {
		update.ClearKeptSession()
	}
	if err := update.Exec(ctx); err != nil {
		return err
	}
	at, err := serverTime(ctx, tx)
	if err != nil {
		return err
	}
	restrictions, err := openRestrictions(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	events, err := producer.StatusChanged(u, restrictions, at)
	if err != nil {
		return err
	}
	return outbox.Append(ctx, postgres.FromSQL(tx), events...)
}

// serverTime returns the time of the database server in UTC. All replicas share this clock.
func serverTime(ctx context.Context, tx *ent.Tx) (now time.Time, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT clock_timestamp()")
	if err != nil {
		return now, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err reports errors of the read
	for rows.Next() {
		if err := rows.Scan(&now); err != nil {
			return now, err
		}
	}
	return now.UTC(), rows.Err()
}
