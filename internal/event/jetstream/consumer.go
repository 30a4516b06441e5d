package jetstream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxWaiting is the maximum number of pull requests that wait for a consumer. It is the server's default.
const maxWaiting = 512

// config returns the settings of the partition's consumer.
func (p *partition) config() jetstream.ConsumerConfig {
	subject := partitionSubject(p.sub.Topic, p.number)
	return jetstream.ConsumerConfig{
		Durable:       durable(p.sub.Group, subject),
		FilterSubject: subject,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		ReplayPolicy:  jetstream.ReplayInstantPolicy,
		AckWait:       p.bus.cfg.AckWait,
		// MaxAckPending 1 preserves the order: the server sends the next message only after the previous message is acknowledged.
		MaxAckPending: 1,
		MaxDeliver:    -1,
		MaxWaiting:    maxWaiting,
	}
}

// openConsumer creates or updates the partition's consumer.
//
// If a consumer with the name is paused or has settings that cannot be updated, openConsumer replaces it. Otherwise somebody
// who once had the password of the service could stop the partition for ever. The new consumer delivers all messages of the
// stream again, so no event is lost; handlers skip the events that they have handled.
func (p *partition) openConsumer(ctx context.Context) (jetstream.Consumer, error) {
	stream, config := streamOf(p.sub.Topic), p.config()
	consumer, err := p.bus.js.CreateOrUpdateConsumer(ctx, stream, config)
	if err == nil {
		if !consumer.CachedInfo().Paused { // an update does not end a pause
			return consumer, nil
		}
		return p.replaceConsumer(ctx, stream, config, "it is paused")
	}
	refused, ok := errors.AsType[*jetstream.APIError](err)
	if !ok || refused.ErrorCode != jetstream.JSErrCodeConsumerCreate {
		return nil, fmt.Errorf("create consumer: %w", err)
	}
	if replaceable, infoErr := p.isForeign(ctx, stream, config); infoErr != nil || !replaceable {
		return nil, fmt.Errorf("create consumer: %w", errors.Join(err, infoErr))
	}
	return p.replaceConsumer(ctx, stream, config, refused.Description)
}

// replaceConsumer deletes the partition's consumer and creates it again.
func (p *partition) replaceConsumer(
	ctx context.Context, stream string, config jetstream.ConsumerConfig, reason string,
) (jetstream.Consumer, error) {
	if err := p.bus.js.DeleteConsumer(ctx, stream, config.Durable); err != nil &&
		!errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("delete the consumer %s, which another program has created: %w", config.Durable, err)
	}
	p.log.Error("replaced a consumer that another program has created, all events are delivered again",
		"consumer", config.Durable, "reason", reason)
	consumer, err := p.bus.js.CreateOrUpdateConsumer(ctx, stream, config)
	if err != nil {
		return nil, fmt.Errorf("create consumer: %w", err)
	}
	return consumer, nil
}

// isForeign reports whether the existing consumer has settings that cannot be updated to those of want.
func (p *partition) isForeign(ctx context.Context, stream string, want jetstream.ConsumerConfig) (bool, error) {
	existing, err := p.bus.js.Consumer(ctx, stream, want.Durable)
	switch {
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		return true, nil
	case err != nil:
		return false, err
	}
	fixed := func(c jetstream.ConsumerConfig) any {
		var start time.Time
		if c.OptStartTime != nil {
			start = *c.OptStartTime
		}
		return [...]any{
			c.DeliverPolicy, c.OptStartSeq, start, c.AckPolicy, c.ReplayPolicy, c.MaxWaiting, c.MemoryStorage,
		}
	}
	return fixed(existing.CachedInfo().Config) != fixed(want), nil
}
