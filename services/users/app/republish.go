package app

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/services/users"
	store "github.com/casino-loyalty/loyalty/services/users/internal/postgres"
)

// LostEvents are events that had no effect; see [users.LostEvents].
type LostEvents = users.LostEvents

// Republish appends lost events to the outbox of the users database again, and returns their number. The relays of the
// service publish them within half a second.
func Republish(ctx context.Context, pool *pgxpool.Pool, lost LostEvents) (int, error) {
	return store.New(pool, func() {}).Republish(ctx, lost)
}

// PlayerStatus is the status of a player.
type PlayerStatus struct {
	ID      uuid.UUID
	Active  bool
	Version int64
	// Restrictions are the restrictions that were neither lifted nor replaced. They may have expired.
	Restrictions []users.Restriction
}

// Players returns the statuses of at most limit players after an id, in the order of their ids.
func Players(ctx context.Context, pool *pgxpool.Pool, after uuid.UUID, limit int) ([]PlayerStatus, error) {
	found, restrictions, err := store.New(pool, func() {}).Players(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	players := make([]PlayerStatus, len(found))
	for i, u := range found {
		players[i] = PlayerStatus{u.ID, u.IsActive, u.StatusVersion, restrictions[u.ID]}
	}
	return players, nil
}
