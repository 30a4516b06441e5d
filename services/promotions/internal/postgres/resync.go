package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/casino-loyalty/loyalty/internal/postgres"
	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Resync gives players the status, the version and the restrictions that the users service has, and returns the ids of the
// changed players. Their RestrictionsVersion must be the StatusVersion.
//
// It changes the status of players whose version is higher than that of users, or equal with another status: such a status
// cannot come from users. A lower version is the effect of an event that is on its way. It changes the restrictions of
// players whose version is higher, or whose restrictions are others at the time at: an older release may have ignored the
// event.
func (s *Store) Resync(
	ctx context.Context, players []domain.Player, restrictions map[uuid.UUID][]domain.PlayerRestriction, at time.Time,
) (changed []uuid.UUID, err error) {
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		restricted, err := resyncRestrictions(ctx, tx, players, restrictions, at) // locks the players in the order of their ids
		if err != nil {
			return err
		}
		active, err := resyncStatus(ctx, tx, players)
		changed = sortedIDs(append(active, restricted...))
		return err
	})
	return changed, toAppError(err)
}

func resyncStatus(ctx context.Context, tx pgx.Tx, players []domain.Player) ([]uuid.UUID, error) {
	ids, active, versions := make([]uuid.UUID, len(players)), make([]bool, len(players)), make([]int64, len(players))
	for i, p := range players {
		ids[i], active[i], versions[i] = p.ID, p.IsActive, p.StatusVersion
	}
	rows, err := tx.Query(ctx, `
		UPDATE players p SET is_active = u.active, status_version = u.version, updated_at = now()
		FROM unnest($1::uuid[], $2::bool[], $3::bigint[]) u (id, active, version)
		WHERE p.id = u.id AND (p.status_version > u.version OR p.status_version = u.version AND p.is_active <> u.active)
		RETURNING p.id`, ids, active, versions)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

func resyncRestrictions(
	ctx context.Context, tx pgx.Tx, players []domain.Player, want map[uuid.UUID][]domain.PlayerRestriction, at time.Time,
) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(players))
	for i, p := range players {
		ids[i] = p.ID
	}
	rows, err := tx.Query(ctx, "SELECT "+playerColumns+" FROM players WHERE id = ANY ($1) ORDER BY id FOR UPDATE", ids)
	if err != nil {
		return nil, err
	}
	stored, err := pgx.CollectRows(rows, scanPlayer)
	if err != nil {
		return nil, err
	}
	rows, err = tx.Query(ctx, "SELECT "+playerRestrictionColumns+" FROM player_restrictions WHERE user_id = ANY ($1)", ids)
	if err != nil {
		return nil, err
	}
	restrictions := map[uuid.UUID][]domain.PlayerRestriction{}
	found, err := pgx.CollectRows(rows, scanPlayerRestriction)
	for _, r := range found {
		restrictions[r.UserID] = append(restrictions[r.UserID], r)
	}
	if err != nil {
		return nil, err
	}
	changed := differing(players, stored, restrictions, want, at)
	if len(changed) == 0 {
		return nil, nil
	}
	differ := make([]uuid.UUID, len(changed))
	var correct []domain.PlayerRestriction
	for i, p := range changed {
		differ[i] = p.ID
		correct = append(correct, want[p.ID]...)
	}
	if _, err := tx.Exec(ctx, setRestrictionsSQL, restrictionArgs(changed)...); err != nil {
		return nil, err
	}
	return differ, replaceRestrictions(ctx, tx, differ, correct)
}

// differing returns the players that are stored with other restrictions.
func differing(
	players, stored []domain.Player, restrictions, want map[uuid.UUID][]domain.PlayerRestriction, at time.Time,
) []domain.Player {
	byID := map[uuid.UUID]domain.Player{}
	for _, p := range stored {
		byID[p.ID] = p
	}
	var found []domain.Player
	for _, p := range players {
		was, ok := byID[p.ID]
		p = p.WithRestrictions(want[p.ID], p.RestrictionsVersion)
		switch {
		case !ok: // the registration is on its way
		case was.RestrictionsVersion > p.RestrictionsVersion, !domain.SameRestrictions(restrictions[p.ID], want[p.ID], at),
			!was.SameLimits(p, at):
			found = append(found, p)
		}
	}
	return found
}
