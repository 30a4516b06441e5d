package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// SetPlayerActive notes whether a player is active. StatusVersion are told apart by their numbers, which no clock can disturb;
// where an event has none, by their times. A player who was never switched has equal times, for the clocks of
// registrations are not those of switches.
func (s *Store) SetPlayerActive(ctx context.Context, eventID string, p domain.Player) error {
	return fail(s.onceFor(ctx, eventID, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO players AS p (`+playerColumns+`) VALUES (`+columns.Placeholders(playerColumns, 1)+`)
			ON CONFLICT (id) DO UPDATE SET is_active = excluded.is_active, updated_at = excluded.updated_at,
				status_version = greatest(p.status_version, excluded.status_version)
			WHERE CASE WHEN excluded.status_version > 0 THEN p.status_version < excluded.status_version
				ELSE p.updated_at <= excluded.updated_at OR p.updated_at = p.created_at END`,
			playerValues(p)...)
		return err
	}))
}
