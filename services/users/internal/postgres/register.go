package postgres

import (
	"context"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// CreateUser stores a new user. For a player it also appends the event PLAYER_REGISTERED to the outbox, in the same
// transaction. The error is USER_EXISTS if another user has the e-mail.
func (s *Store) CreateUser(ctx context.Context, u users.User) error {
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		if err := setUser(tx.User.Create(), u).Exec(ctx); err != nil {
			return err
		}
		err := record(ctx, postgres.FromSQL(tx), audit.Change{Target: u.ID, After: map[string]any{
			"email": u.Email, "role": string(u.Role), "isActive": u.IsActive,
		}}, nil)
		if err != nil {
			return err
		}
		events, err := producer.Registered(u)
		if err != nil {
			return err
		}
		if err := outbox.Append(ctx, postgres.FromSQL(tx), events...); err != nil {
			return err
		}
		return idempotency.Save(ctx, postgres.FromSQL(tx), wire.FromUser(u))
	})
	if err != nil {
		return toAppError(err)
	}
	s.wake()
	return nil
}
