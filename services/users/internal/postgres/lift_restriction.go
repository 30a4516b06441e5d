package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	usersv1 "github.com/casino-loyalty/loyalty/gen/go/loyalty/users/v1"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
)

// LiftRestrictions implements [users.RestrictionStore].
func (s *Store) LiftRestrictions(
	ctx context.Context, by, player uuid.UUID, choose func([]users.Restriction) ([]users.Restriction, error),
) error {
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		u, open, at, err := lockRestrictions(ctx, tx, by, player)
		if err != nil {
			return err
		}
		chosen, err := choose(open)
		if err != nil {
			return err
		}
		if err := end(ctx, tx, u, at, chosen...); err != nil {
			return err
		}
		if err := saveRestrictions(ctx, tx, u, chosen, nil); err != nil {
			return err
		}
		// The answer to a player is also empty.
		return idempotency.Save(ctx, postgres.FromSQL(tx), &usersv1.LiftRestrictionResponse{})
	})
	if err != nil {
		return toAppError(err)
	}
	s.wake()
	return nil
}

// end ends restrictions of the player u.
func end(ctx context.Context, tx *ent.Tx, u users.User, at time.Time, restrictions ...users.Restriction) error {
	for _, r := range restrictions {
		err := tx.Restriction.UpdateOneID(r.ID).SetEndedAt(at).SetEndedEntries(u.Entries).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}
