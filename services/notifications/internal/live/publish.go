package live

import (
	"context"
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/frame"
)

// publishTimeout bounds one attempt: a consumer waits for it.
const publishTimeout = 2 * time.Second

// Notified implements notifications.Live. While Redis cannot be reached, it notes the number and returns at once; Run
// tells the number when Redis is back, and the receivers take the notifications from the store.
func (c *Channel) Notified(ctx context.Context, n notifications.Notification) {
	if c.inDebt() {
		c.owe(n.UserID, n.Seq)
		return
	}
	err := c.publish(ctx, Message{Player: n.UserID, Seq: n.Seq, Frame: frame.Notification(n)})
	if err == nil {
		return
	}
	c.owe(n.UserID, n.Seq)
	c.log.Warn("live notification not taken by redis, will be told again", "error", err)
}

// Read implements notifications.Live.
func (c *Channel) Read(ctx context.Context, player uuid.UUID, state notifications.ReadState) {
	if err := c.publish(ctx, Message{Player: player, Read: &state}); err != nil {
		c.log.Warn("live read state not taken by redis", "error", err)
	}
}

func (c *Channel) publish(ctx context.Context, m Message) error {
	payload, err := m.encode()
	if err != nil {
		return err
	}
	// What is stored is to be told even if the caller gives up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	return c.redis.Do(ctx, c.redis.B().Publish().Channel(channelOf(m.Player)).Message(payload).Build()).Error()
}

func (c *Channel) inDebt() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.owed) > 0
}

func (c *Channel) owe(player uuid.UUID, seq int64) {
	c.mu.Lock()
	c.owed[player] = max(seq, c.owed[player])
	c.mu.Unlock()
	wake(c.owes)
}

// settle tells what is owed until ctx ends.
func (c *Channel) settle(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.owes:
		}
		for delays := retryDelays(); !c.settleOnce(ctx); {
			if delays.Sleep(ctx) != nil {
				return
			}
		}
	}
}

// settleOnce reports whether nothing is owed any more. It stops at the first refusal.
func (c *Channel) settleOnce(ctx context.Context) bool {
	c.mu.Lock()
	owed := maps.Clone(c.owed)
	c.mu.Unlock()
	for player, seq := range owed {
		if c.publish(ctx, Message{Player: player, Seq: seq}) != nil {
			return false
		}
		c.mu.Lock()
		if c.owed[player] == seq {
			delete(c.owed, player)
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.owed) == 0
}
