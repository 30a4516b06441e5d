package live

import (
	"context"
	"log/slog"
	"maps"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/casino-loyalty/loyalty/internal/tracing"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// publishTimeout is the timeout of one attempt. The caller is an event consumer that waits for the attempt to end.
const publishTimeout = 2 * time.Second

// Notified implements notifications.Live. If the attempt to publish fails, or if earlier numbers are still pending, it
// adds the sequence number to the pending ones and returns. Run publishes the pending numbers when Redis is reachable
// again. The receivers then read the notifications from the store.
func (c *Channel) Notified(ctx context.Context, n notifications.Notification) {
	if c.hasPending() {
		c.addPending(n.UserID, n.Seq)
		return
	}
	err := c.publish(ctx, Message{Player: n.UserID, Seq: n.Seq, Frame: frame.Notification(n)})
	if err == nil {
		return
	}
	c.addPending(n.UserID, n.Seq)
	c.repeats.Log(ctx, c.log, slog.LevelWarn, "cannot publish a live notification, will retry", "error", err)
}

// Read implements notifications.Live. It makes one attempt and logs the first failure of an outage.
func (c *Channel) Read(ctx context.Context, player uuid.UUID, state notifications.ReadState) {
	if err := c.publish(ctx, Message{Player: player, Read: &state}); err != nil {
		c.repeats.Log(ctx, c.log, slog.LevelWarn, "cannot publish a live read state", "error", err)
	}
}

func (c *Channel) publish(ctx context.Context, m Message) error {
	ctx, span := c.tracer.Child(ctx, "publish live", trace.SpanKindProducer)
	defer span.End()
	m.Traceparent = tracing.Traceparent(ctx)
	payload, err := m.encode()
	if err != nil {
		return err
	}
	// The change is already stored, so publish it even if the caller's context is canceled.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	err = c.redis.Do(ctx, c.redis.B().Publish().Channel(channelOf(m.Player)).Message(payload).Build()).Error()
	if err != nil {
		span.Fail("Redis did not accept the message")
	}
	return err
}

func (c *Channel) hasPending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending) > 0
}

func (c *Channel) addPending(player uuid.UUID, seq int64) {
	c.mu.Lock()
	c.pending[player] = max(seq, c.pending[player])
	c.mu.Unlock()
	wake(c.wakePublisher)
}

// publishPending publishes pending sequence numbers until ctx ends.
func (c *Channel) publishPending(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wakePublisher:
		}
		delays := retry().Delays()
		for !c.flushPending(ctx) {
			if delays.Sleep(ctx) != nil {
				return
			}
		}
	}
}

// flushPending publishes the pending sequence numbers and stops at the first failure. It reports whether no number is
// pending afterwards.
func (c *Channel) flushPending(ctx context.Context) bool {
	c.mu.Lock()
	pending := maps.Clone(c.pending)
	c.mu.Unlock()
	for player, seq := range pending {
		if c.publish(ctx, Message{Player: player, Seq: seq}) != nil {
			return false
		}
		c.mu.Lock()
		if c.pending[player] == seq {
			delete(c.pending, player)
		}
		c.mu.Unlock()
	}
	return !c.hasPending()
}
