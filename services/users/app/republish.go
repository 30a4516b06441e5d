package app

import (
	"context"

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
