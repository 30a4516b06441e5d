package jetstream

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// maxInFlight is the maximum number of keys that one Publish sends concurrently.
const maxInFlight = 128

// Publish returns nil once the stream has stored every event. It sends the events of a key one by one, because the stream
// can lose one of several pending messages and store the next. It sends different keys concurrently. If an event is
// published again within the stream's duplicate window of two minutes, the stream stores it only once. Publish sends nothing
// if an event is invalid.
func (b *Bus) Publish(ctx context.Context, events ...event.Event) error {
	byKey := make(map[string][]event.Event)
	for _, e := range events {
		if err := e.Check(); err != nil {
			return fmt.Errorf("jetstream: %w", err)
		}
		key := e.Topic + "\x00" + e.Key
		if e.Key == "" {
			key += "\x00" + e.ID
		}
		byKey[key] = append(byKey[key], e)
	}
	sending, ctx := errgroup.WithContext(ctx)
	sending.SetLimit(maxInFlight)
	for _, sequence := range byKey {
		sending.Go(func() error {
			for _, e := range sequence {
				if _, err := b.js.PublishMsg(ctx, encode(e), jetstream.WithMsgID(escape(e.ID))); err != nil {
					return b.failure("publish to "+e.Topic, err)
				}
			}
			return nil
		})
	}
	return sending.Wait()
}
