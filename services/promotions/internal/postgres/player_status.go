package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// SetPlayerActive stores the player's status if its version is greater than the stored version. It compares versions instead
// of times, because times depend on clocks. It inserts the player if the registration event has not arrived.
func (s *Store) SetPlayerActive(ctx context.Context, eventID string, p domain.Player) error {
	return toAppError(s.processOnce(ctx, eventID, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO players AS p (`+playerColumns+`) VALUES (`+columns.Placeholders(playerColumns, 1)+`)
			ON CONFLICT (id) DO UPDATE SET is_active = excluded.is_active, updated_at = excluded.updated_at,
				status_version = excluded.status_version
			WHERE p.status_version < excluded.status_version`,
			playerValues(p)...)
		return err
	}))
}
