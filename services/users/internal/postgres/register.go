package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1/usersv1event"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// CreateUser stores a user and, for a player, the event that one has registered.
func (s *Store) CreateUser(ctx context.Context, u users.User) error {
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		if err := setUser(tx.User.Create(), u).Exec(ctx); err != nil {
			return err
		}
		return announce(ctx, tx, u, usersv1.PlayerEventType_PLAYER_REGISTERED, u.CreatedAt)
	})
	if err != nil {
		return fail(err)
	}
	s.wake()
	return nil
}

// announce writes what happened to a player into the outbox. Employees are nobody else's business.
func announce(ctx context.Context, tx *ent.Tx, u users.User, what usersv1.PlayerEventType, at time.Time) error {
	if u.Role != authn.RolePlayer {
		return nil
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	e, err := usersv1event.NewPlayerEvent(id, at, &usersv1.PlayerEvent{
		EventType: what, UserId: u.ID.String(), StatusVersion: int32(u.StatusVersion),
	})
	if err != nil {
		return err
	}
	return outbox.Append(ctx, postgres.FromSQL(tx), e)
}
