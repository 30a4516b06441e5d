package app

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	store "github.com/casino-loyalty/loyalty/services/promotions/internal/postgres"
)

// Republish appends the notification events of assignments to the outbox of the promotions database again, and returns their
// number. The relays of the service publish them within half a second.
func Republish(ctx context.Context, pool *pgxpool.Pool, assignments []uuid.UUID) (int, error) {
	return store.New(pool, func() {}).Republish(ctx, assignments)
}
