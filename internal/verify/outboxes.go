package verify

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/cli"
)

// outboxes checks that no event has waited in an outbox for longer than the repair delay.
func outboxes(ctx context.Context, s Sources, r *report) (string, error) {
	for _, service := range []struct {
		name string
		pool *pgxpool.Pool
	}{{"users", s.Users}, {"promotions", s.Promotions}} {
		var waiting int64
		var oldest *time.Time
		var event *uuid.UUID
		const sql = `
			SELECT count(*), min(time), (array_agg(event_id ORDER BY time, id))[1] FROM outbox WHERE time < $1`
		err := service.pool.QueryRow(ctx, sql, r.cutoff).Scan(&waiting, &oldest, &event)
		if err != nil {
			return "", err
		}
		if waiting > 0 {
			r.violationf("the outbox of %s has %s; the oldest is %s, created at %s",
				service.name, cli.Count(waiting, "unpublished event", "unpublished events"), event, oldest.UTC().Format(time.RFC3339))
		}
	}
	return "users, promotions", nil
}
