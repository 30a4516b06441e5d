package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// RegisterPlayer notes a player and assigns what registration brings. A player who is known already stays as it is: the
// event may come late.
func (s *Store) RegisterPlayer(ctx context.Context, eventID string, r domain.Registering) error {
	err := s.onceFor(ctx, eventID, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO players (`+playerColumns+`) VALUES (`+columns.Placeholders(playerColumns, 1)+`)
			ON CONFLICT (id) DO NOTHING`,
			playerValues(domain.Player{ID: r.Player, IsActive: true, CreatedAt: r.At, UpdatedAt: r.At})...)
		if err != nil {
			return err
		}
		types := make([]string, len(r.Types))
		for i, t := range r.Types {
			types[i] = string(t)
		}
		rows, err := tx.Query(ctx, "SELECT "+promotionColumns+` FROM promotions
			WHERE type = ANY($1) AND is_active AND $2::date BETWEEN start_date AND end_date
			ORDER BY id FOR SHARE`, types, date.Of(r.At))
		if err != nil {
			return err
		}
		available, err := pgx.CollectRows(rows, scanPromotion)
		if err != nil {
			return err
		}
		for _, p := range available {
			if _, err := assign(ctx, tx, p, []uuid.UUID{r.Player}, uuid.Nil, r.At); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	s.wake()
	return nil
}
