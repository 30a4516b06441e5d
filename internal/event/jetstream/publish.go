package jetstream

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// inFlight bounds how many keys of one Publish are on their way at once.
const inFlight = 128

// Publish returns nil once the stream has stored every event. Events of one key go one after the other, since the stream
// may lose one of several that are on their way and keep the next; different keys go concurrently. An event published
// again within the stream's window for duplicates, two minutes, is stored once.
func (b *Bus) Publish(ctx context.Context, events ...event.Event) error {
	byKey := make(map[string][]event.Event)
	for _, e := range events {
		if err := e.Check(); err != nil {
			return fmt.Errorf("jetstream: %w", err)
		}
		place := e.Topic + "\x00" + e.Key
		if e.Key == "" {
			place += "\x00" + e.ID
		}
		byKey[place] = append(byKey[place], e)
	}
	sending, ctx := errgroup.WithContext(ctx)
	sending.SetLimit(inFlight)
	for _, sequence := range byKey {
		sending.Go(func() error {
			for _, e := range sequence {
				if _, err := b.js.PublishMsg(ctx, encode(e), jetstream.WithMsgID(escape(e.ID))); err != nil {
					return fmt.Errorf("jetstream: publish to %s: %w", e.Topic, err)
				}
			}
			return nil
		})
	}
	return sending.Wait()
}
