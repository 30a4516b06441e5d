package app

import (
	"context"

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

// Resync gives players the status and the version that the users service has, and returns the ids of the changed players.
// See the method of the store.
func Resync(ctx context.Context, pool *pgxpool.Pool, players []promotions.Player) ([]uuid.UUID, error) {
	return store.New(pool, func() {}).Resync(ctx, players)
}
