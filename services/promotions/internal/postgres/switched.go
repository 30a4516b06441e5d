package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// SetPlayerActive notes whether a player is active. One who was never switched has equal times: the clocks of registrations
// are not those of switches.
func (s *Store) SetPlayerActive(ctx context.Context, eventID string, p domain.Player) error {
	return fail(s.onceFor(ctx, eventID, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO players AS p (id, is_active, created_at, updated_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET is_active = excluded.is_active, updated_at = excluded.updated_at
			WHERE p.updated_at <= excluded.updated_at OR p.updated_at = p.created_at`,
			p.ID, p.IsActive, p.CreatedAt, p.UpdatedAt)
		return err
	}))
}
