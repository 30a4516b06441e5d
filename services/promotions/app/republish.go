package app

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/services/promotions"
	store "github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// Republish appends the notification events of assignments to the outbox of the promotions database again, and returns their
// number. The relays of the service publish them within half a second.
func Republish(ctx context.Context, pool *pgxpool.Pool, assignments []uuid.UUID) (int, error) {
	return store.New(pool, func() {}).Republish(ctx, assignments)
}

// PlayerStatus is the status of a player in the users service.
type PlayerStatus struct {
	ID           uuid.UUID
	Active       bool
	Version      int64
	Restrictions []promotions.PlayerRestriction
}

// Resync gives players the status, the version and the restrictions that the users service has, and returns the ids of the
// changed players. See the method of the store.
func Resync(ctx context.Context, pool *pgxpool.Pool, statuses []PlayerStatus) ([]uuid.UUID, error) {
	players := make([]promotions.Player, len(statuses))
	restrictions := map[uuid.UUID][]promotions.PlayerRestriction{}
	for i, p := range statuses {
		players[i] = promotions.Player{ID: p.ID, IsActive: p.Active, StatusVersion: p.Version, RestrictionsVersion: p.Version}
		restrictions[p.ID] = p.Restrictions
	}
	return store.New(pool, func() {}).Resync(ctx, players, restrictions, time.Now())
}
