package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Publish returns nil once every event is on all in-sync replicas. It waits for unavailable brokers until ctx ends.
//
// It sends nothing if one of the events is invalid. Otherwise the client would skip the invalid record and send later
// records of the same key, which would leave a gap.
func (b *Bus) Publish(ctx context.Context, events ...event.Event) error {
	records := make([]*kgo.Record, len(events))
	for i, e := range events {
		if err := e.Check(); err != nil {
			return fmt.Errorf("kafka: %w", err)
		}
		records[i] = encode(e)
	}
	for _, result := range b.client.ProduceSync(ctx, records...) {
		if result.Err != nil {
			return fmt.Errorf("kafka: publish to %s: %w", result.Record.Topic, b.explain(result.Err))
		}
	}
	return nil
}
