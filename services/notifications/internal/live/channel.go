// Package live carries frames over Redis pub/sub to the replicas that hold a player's connections.
//
// Redis may lose messages, mainly when a connection is lost. Therefore the message of a notification contains its sequence
// number. A receiver that finds a gap reads the missing notifications from the store. The receiver is notified of each
// confirmed subscription, because earlier messages may have been missed.
package live

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/logs"
	"github.com/casino-loyalty/loyalty/internal/tracing"
)

// Receiver handles messages. Its methods must not block and must be safe for concurrent use. Receive is called for one
// message at a time.
type Receiver interface {
	// Receive handles a message of a followed player.
	Receive(m Message)
	// Subscribed is called when the subscription to the player's messages is confirmed. Earlier messages may have been missed.
	// It is called again for each new connection to Redis, and after a message that could not be decoded.
	Subscribed(player uuid.UUID)
}

// Channel publishes messages to the players' channels. It subscribes to the channels of the players with connections to this
// replica. All subscriptions use one connection to Redis. The methods are safe for concurrent use.
type Channel struct {
	redis   rueidis.Client
	log     *slog.Logger
	tracer  *tracing.Tracer
	repeats *logs.Repeats // of failures to publish

	mu       sync.Mutex
	followed map[uuid.UUID]struct{}
	changed  map[uuid.UUID]struct{} // players whose subscription must be updated
	pending  map[uuid.UUID]int64    // highest sequence number that could not be published, by player

	wakeSubscriber chan struct{} // signals that changed is not empty
	wakePublisher  chan struct{} // signals that pending is not empty
}

// New returns a channel on a Redis client. The caller closes the client after Run has returned. A nil tracer traces nothing.
func New(client rueidis.Client, log *slog.Logger, tracer *tracing.Tracer) *Channel {
	return &Channel{
		redis: client, log: log, tracer: tracer, repeats: logs.NewRepeats(time.Now),
		followed: map[uuid.UUID]struct{}{}, changed: map[uuid.UUID]struct{}{}, pending: map[uuid.UUID]int64{},
		wakeSubscriber: make(chan struct{}, 1), wakePublisher: make(chan struct{}, 1),
	}
}

// Follow subscribes to the messages of a player. It returns at once. The receiver's Subscribed is called when the
// subscription is confirmed.
func (c *Channel) Follow(player uuid.UUID) {
	c.mu.Lock()
	c.followed[player] = struct{}{}
	c.changed[player] = struct{}{}
	c.mu.Unlock()
	wake(c.wakeSubscriber)
}

// Unfollow unsubscribes from the messages of a player. It returns at once. Messages that are on their way may still be
// received.
func (c *Channel) Unfollow(player uuid.UUID) {
	c.mu.Lock()
	delete(c.followed, player)
	c.changed[player] = struct{}{}
	c.mu.Unlock()
	wake(c.wakeSubscriber)
}

func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// chunkLen is the maximum number of channels in one command.
const chunkLen = 256

func retry() backoff.Policy {
	return backoff.Policy{Initial: 20 * time.Millisecond, Max: time.Second, Jitter: 0.2}
}

// Run receives messages and publishes pending ones until ctx ends; then it returns nil. It reconnects after a lost
// connection. It returns an error if the Redis client is closed.
func (c *Channel) Run(ctx context.Context, r Receiver) error {
	var publisher sync.WaitGroup
	publisher.Go(func() { c.publishPending(ctx) })
	defer publisher.Wait()
	delays := retry().Delays()
	var lost time.Time // when the connection was lost; zero if it was not
	for {
		confirmed, err := c.listen(ctx, r, func() {
			if !lost.IsZero() {
				c.log.Info("the live connection to Redis is restored", "after", time.Since(lost))
				lost = time.Time{}
			}
			c.repeats.Reset()
		})
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, rueidis.ErrClosing) {
			return err
		}
		if confirmed {
			c.log.Warn("lost the live connection to Redis, reconnecting", "error", err)
			lost = time.Now()
			delays.Reset()
		}
		if delays.Sleep(ctx) != nil {
			return nil
		}
	}
}

// listen serves one connection to Redis until the connection is lost. It calls connected when Redis has answered on the
// connection. The result confirmed reports whether Redis has answered.
func (c *Channel) listen(ctx context.Context, r Receiver, connected func()) (confirmed bool, err error) {
	conn, _ := c.redis.Dedicate()
	defer conn.Close()
	lost := conn.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(m rueidis.PubSubMessage) {
			message, ok := decode(m.Channel, m.Message)
			if ok {
				r.Receive(message)
			} else if player, ok := playerOf(m.Channel); ok {
				r.Subscribed(player) // the message may be from another version: treat it as missed
			}
		},
		OnSubscription: func(s rueidis.PubSubSubscription) {
			if player, ok := playerOf(s.Channel); ok && s.Kind == "subscribe" {
				r.Subscribed(player)
			}
		},
	})
	if err := conn.Do(ctx, conn.B().Ping().Build()).Error(); err != nil {
		return false, err
	}
	connected()
	c.changeAll()
	subscribed := map[uuid.UUID]struct{}{}
	for {
		if err := c.updateSubscriptions(ctx, conn, subscribed, r); err != nil {
			return true, err
		}
		select {
		case <-ctx.Done():
			return true, nil
		case err := <-lost:
			return true, err
		case <-c.wakeSubscriber:
		}
	}
}

// changeAll marks all followed players as changed, for a new connection.
func (c *Channel) changeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.changed)
	for player := range c.followed {
		c.changed[player] = struct{}{}
	}
	if len(c.changed) > 0 {
		wake(c.wakeSubscriber)
	}
}

// updateSubscriptions sends the changed subscriptions to Redis. subscribed contains the players that the connection is
// subscribed to; the method updates it.
func (c *Channel) updateSubscriptions(
	ctx context.Context, conn rueidis.DedicatedClient, subscribed map[uuid.UUID]struct{}, r Receiver,
) error {
	var add, remove []string
	var again []uuid.UUID
	c.mu.Lock()
	for player := range c.changed {
		_, want := c.followed[player]
		_, have := subscribed[player]
		switch {
		case want && have: // unfollowed and followed again before the update
			again = append(again, player)
		case want:
			add = append(add, channelOf(player))
			subscribed[player] = struct{}{}
		case have:
			remove = append(remove, channelOf(player))
			delete(subscribed, player)
		}
	}
	clear(c.changed)
	c.mu.Unlock()
	for _, player := range again {
		r.Subscribed(player)
	}
	for chunk := range slices.Chunk(add, chunkLen) {
		if err := conn.Do(ctx, conn.B().Subscribe().Channel(chunk...).Build()).Error(); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(remove, chunkLen) {
		if err := conn.Do(ctx, conn.B().Unsubscribe().Channel(chunk...).Build()).Error(); err != nil {
			return err
		}
	}
	return nil
}
