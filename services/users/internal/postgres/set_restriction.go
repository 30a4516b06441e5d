package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	ent "github.com/casino-loyalty/loyalty/ent/users"
	"github.com/casino-loyalty/loyalty/internal/apperr"
	"github.com/casino-loyalty/loyalty/internal/audit"
	"github.com/casino-loyalty/loyalty/internal/authn"
	"github.com/casino-loyalty/loyalty/internal/convert/fields"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
	"github.com/casino-loyalty/loyalty/internal/idempotency"
	"github.com/casino-loyalty/loyalty/internal/postgres"
	"github.com/casino-loyalty/loyalty/services/users"
	"github.com/casino-loyalty/loyalty/services/users/internal/producer"
	"github.com/casino-loyalty/loyalty/services/users/internal/wire"
)

// SetRestriction implements [users.RestrictionStore]. The lock on the player's row serializes the change with the entries of
// the ledger: an entry commits before it, or finds the new restriction.
func (s *Store) SetRestriction(
	ctx context.Context, by uuid.UUID, r users.Restriction, replaces func(users.Restriction) (bool, error),
) (users.Restriction, error) {
	var result users.Restriction
	err := s.inTx(ctx, func(tx *ent.Tx) error {
		u, open, at, err := lockRestrictions(ctx, tx, by, r.UserID)
		if err != nil {
			return err
		}
		r.CreatedAt = at
		result = r
		var before users.Restriction
		i := slices.IndexFunc(open, func(o users.Restriction) bool { return o.Kind == r.Kind && o.ByPlayer == r.ByPlayer })
		if i >= 0 {
			before = open[i]
		}
		change, err := replaces(before)
		switch {
		case err != nil:
			return err
		case !change:
			result = before
		default:
			if err := replace(ctx, tx, u, before, r); err != nil {
				return err
			}
		}
		if r.ByPlayer {
			return idempotency.Save(ctx, postgres.FromSQL(tx), wire.FromOwnRestriction(result))
		}
		return idempotency.Save(ctx, postgres.FromSQL(tx), wire.FromRestriction(result))
	})
	if err != nil {
		return users.Restriction{}, toAppError(err)
	}
	s.wake()
	return result, nil
}

// lockRestrictions locks a player and the user who changes the restrictions; see lockUser. It returns the player, the
// restrictions that were neither lifted nor replaced, and the time of the change. The time is read after the lock, so that
// no concurrent change makes a restriction end before it began.
func lockRestrictions(
	ctx context.Context, tx *ent.Tx, by, player uuid.UUID,
) (u users.User, open []users.Restriction, at time.Time, err error) {
	u, err = lockUser(ctx, tx, by, player)
	if err == nil && u.Role != authn.RolePlayer {
		err = apperr.New(apperr.NotFound, "player not found")
	}
	if err != nil {
		return u, nil, at, err
	}
	if open, err = openRestrictions(ctx, tx, player); err != nil {
		return u, nil, at, err
	}
	at, err = serverTime(ctx, tx)
	for _, r := range open { // in case the clock was set back
		if r.CreatedAt.After(at) {
			at = r.CreatedAt
		}
	}
	return u, open, at, err
}

// replace stores r in place of before, which may be expired, or the zero value.
func replace(ctx context.Context, tx *ent.Tx, u users.User, before, r users.Restriction) error {
	if before.ID != uuid.Nil {
		if err := end(ctx, tx, u, r.CreatedAt, before); err != nil {
			return err
		}
	}
	r.Entries = u.Entries
	if err := setRestriction(tx.Restriction.Create(), r).Exec(ctx); err != nil {
		return err
	}
	return saveRestrictions(ctx, tx, u, users.InForce([]users.Restriction{before}, r.CreatedAt), []users.Restriction{r})
}

// saveRestrictions updates the row of the player u after a change of the restrictions, appends the event to the outbox, and
// records the act.
func saveRestrictions(ctx context.Context, tx *ent.Tx, u users.User, ended, added []users.Restriction) error {
	err := record(ctx, postgres.FromSQL(tx), audit.Change{Target: u.ID, Before: recorded(ended), After: recorded(added)}, nil)
	if err != nil {
		return err
	}
	open, err := openRestrictions(ctx, tx, u.ID)
	if err != nil {
		return err
	}
	u.StatusVersion++
	err = tx.User.UpdateOneID(u.ID).SetStatusVersion(u.StatusVersion).AddRestrictionChanges(1).
		SetPromotionsRefusedUntil(users.RefusedUntil(open)).Exec(ctx)
	if err != nil {
		return err
	}
	at, err := serverTime(ctx, tx)
	if err != nil {
		return err
	}
	events, err := producer.RestrictionsChanged(u, open, at)
	if err != nil {
		return err
	}
	return outbox.Append(ctx, postgres.FromSQL(tx), events...)
}

// recorded returns restrictions as the audit trail shows them.
func recorded(restrictions []users.Restriction) map[string]any {
	list := fields.Slice(restrictions, func(r users.Restriction) map[string]any {
		return map[string]any{
			"kind": string(r.Kind), "until": fields.TimeText(r.Until), "reason": r.Reason, "setBy": r.SetBy.String(),
		}
	})
	return map[string]any{"restrictions": list}
}
