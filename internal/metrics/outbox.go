package metrics

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/casino-loyalty/loyalty/internal/event/outbox"
)

// Outbox adds the backlog of the outbox in the database of pool, and the work of this replica's relay.
func (r *Registry) Outbox(pool *pgxpool.Pool, relay *outbox.Relay) {
	r.remote(nil, func(ctx context.Context) ([]float64, error) {
		b, err := outbox.ReadBacklog(ctx, pool)
		return []float64{float64(b.Events), b.Oldest.Seconds()}, err
	},
		remoteGauge{"outbox_events", fmt.Sprintf(
			"Number of events that wait in the outbox, up to %d. All replicas report the same outbox.", outbox.MaxBacklog)},
		remoteGauge{"outbox_oldest_event_age_seconds", "Age of the oldest event that waits in the outbox, 0 if none waits."})
	r.CounterOf("outbox_published_total", "Number of events that this replica has published.", nil,
		func() float64 { return float64(relay.Stats().Published) })
	r.CounterOf("outbox_publish_failures_total", "Number of batches of events that the bus did not accept.", nil,
		func() float64 { return float64(relay.Stats().Failures) })
	r.GaugeOf("outbox_shards", "Number of the outbox's shards whose events this replica publishes.", nil,
		func() float64 { return float64(relay.Stats().Shards) })
}
