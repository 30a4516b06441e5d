package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// Publish returns nil once every event is on all replicas in sync. It waits for brokers that are away until ctx ends.
//
// Nothing is sent if one of the events cannot be: a record that the client refused would leave a gap before the next one
// of its key.
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
			return fmt.Errorf("kafka: publish to %s: %w", result.Record.Topic, result.Err)
		}
	}
	return nil
}
