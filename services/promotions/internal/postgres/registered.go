package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/convert/columns"
	"github.com/casino-loyalty/loyalty/internal/date"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// RegisterPlayer inserts a player and assigns the registration promotions. A player who is already stored keeps the stored
// status and restrictions, because the registration event may arrive after their events.
func (s *Store) RegisterPlayer(ctx context.Context, eventID string, r domain.RegisterParams) error {
	err := s.processOnce(ctx, eventID, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT "+timeoutsSQL); err != nil {
			return err
		}
		available, err := registrationPromotions(ctx, tx, r) // locks promotions before the player, as Assign does
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO players (`+playerColumns+`) VALUES (`+columns.Placeholders(playerColumns, 1)+`)
			ON CONFLICT (id) DO UPDATE SET created_at = LEAST(players.created_at, excluded.created_at)`,
			playerValues(domain.Player{ID: r.Player, IsActive: true, CreatedAt: r.Registered, UpdatedAt: r.At})...)
		if err != nil {
			return err
		}
		return assignOnRegistration(ctx, tx, available, r)
	})
	if err != nil {
		return toAppError(err)
	}
	s.wake()
	return nil
}

// assignOnRegistration assigns promotions to a new player, unless a restriction refuses them. A deactivation that has
// arrived before the registration changes nothing: the player may be activated again.
func assignOnRegistration(ctx context.Context, tx pgx.Tx, available []domain.Promotion, r domain.RegisterParams) error {
	if len(available) == 0 {
		return nil
	}
	players, err := lockPlayers(ctx, tx, []uuid.UUID{r.Player}, r.At)
	if err != nil {
		return err
	}
	to := addressees{muted: map[uuid.UUID]bool{}}
	for _, p := range players {
		if p.restricted {
			to.restricted = append(to.restricted, p.id)
			continue
		}
		to.players = append(to.players, p.id)
		if p.muted {
			to.muted[p.id] = true
		}
	}
	o := origin{source: domain.AssignmentSourceRegistration, at: r.At}
	for _, p := range available {
		if err := refusePlayers(ctx, tx, domain.RefusalActionAssign, p.ID, to.restricted, r.At); err != nil {
			return err
		}
		if _, err := assign(ctx, tx, p, to, o); err != nil {
			return err
		}
	}
	return nil
}

// registrationPromotions locks and returns the available promotions of the types that are assigned on registration.
func registrationPromotions(ctx context.Context, tx pgx.Tx, r domain.RegisterParams) ([]domain.Promotion, error) {
	types := make([]string, len(r.Types))
	for i, t := range r.Types {
		types[i] = string(t)
	}
	const available = ` FROM promotions
		WHERE type = ANY($1) AND is_active AND $2::date BETWEEN start_date AND end_date ORDER BY id`
	rows, err := tx.Query(ctx, "SELECT id"+available, types, date.Of(r.At))
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, err := tx.Exec(ctx, lockToAssign, id); err != nil {
			return nil, err
		}
	}
	// Another transaction may have deactivated a promotion while this one waited for the lock. This query omits such a
	// promotion.
	rows, err = tx.Query(ctx, "SELECT "+usedColumns+available+" FOR SHARE", types, date.Of(r.At))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanUsed)
}
