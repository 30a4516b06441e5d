package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	domain "github.com/casino-loyalty/loyalty/services/promotions"
)

// Resync gives players the status and the version that the users service has, and returns the ids of the changed players. It
// changes only players whose version is higher than that of users, or equal with another status: such a status cannot come
// from users. A lower version is the effect of an event that is on its way.
func (s *Store) Resync(ctx context.Context, players []domain.Player) ([]uuid.UUID, error) {
	ids, active, versions := make([]uuid.UUID, len(players)), make([]bool, len(players)), make([]int64, len(players))
	for i, p := range players {
		ids[i], active[i], versions[i] = p.ID, p.IsActive, p.StatusVersion
	}
	rows, err := s.pool.Query(ctx, `
		UPDATE players p SET is_active = u.active, status_version = u.version, updated_at = now()
		FROM unnest($1::uuid[], $2::bool[], $3::bigint[]) u (id, active, version)
		WHERE p.id = u.id AND (p.status_version > u.version OR p.status_version = u.version AND p.is_active <> u.active)
		RETURNING p.id`, ids, active, versions)
	if err != nil {
		return nil, toAppError(err)
	}
	changed, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return changed, toAppError(err)
}
