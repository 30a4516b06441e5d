// Package live carries frames over Redis pub/sub to the replicas that hold a player's connections.
//
// Redis promises nothing about a message: it may be lost, above all with a connection. So a message of a notification
// carries the notification's number, and the receiver, who knows which number comes next, takes from the store what is
// missing. Each confirmed subscription is reported, for what was published before it may have been missed.
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
)

// Receiver takes what arrives. Its methods return at once and are safe for concurrent use; messages come one after the
// other.
type Receiver interface {
	// Receive takes a message of a player that is followed.
	Receive(m Message)
	// Subscribed says that messages of the player arrive from now on, and that some may have been missed. It is called
	// after each connection anew, and after a message that could not be read.
	Subscribed(player uuid.UUID)
}

// Channel publishes to the players' channels and follows those of the players with connections here. It holds one
// connection to Redis for all that it follows. Methods are safe for concurrent use.
type Channel struct {
	redis rueidis.Client
	log   *slog.Logger

	mu       sync.Mutex
	followed map[uuid.UUID]struct{}
	changed  map[uuid.UUID]struct{} // whose following Redis has not been told of
	owed     map[uuid.UUID]int64    // the newest number that Redis did not take

	follows chan struct{} // there is something in changed
	owes    chan struct{} // there is something in owed
}

// New returns a channel over a client of Redis, which the caller closes after Run has ended.
func New(client rueidis.Client, log *slog.Logger) *Channel {
	return &Channel{
		redis: client, log: log,
		followed: map[uuid.UUID]struct{}{}, changed: map[uuid.UUID]struct{}{}, owed: map[uuid.UUID]int64{},
		follows: make(chan struct{}, 1), owes: make(chan struct{}, 1),
	}
}

// Follow asks for the messages of a player, Unfollow no more. They return at once; the receiver's Subscribed tells when
// messages arrive.
func (c *Channel) Follow(player uuid.UUID) {
	c.mu.Lock()
	c.followed[player] = struct{}{}
	c.changed[player] = struct{}{}
	c.mu.Unlock()
	wake(c.follows)
}

// Unfollow is the opposite of Follow. A message that is under way may still arrive.
func (c *Channel) Unfollow(player uuid.UUID) {
	c.mu.Lock()
	delete(c.followed, player)
	c.changed[player] = struct{}{}
	c.mu.Unlock()
	wake(c.follows)
}

func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// retryDelays returns the delays between attempts to reach Redis.
func retryDelays() *backoff.Delays {
	return backoff.Policy{Initial: 20 * time.Millisecond, Max: time.Second, Jitter: 0.2}.Delays()
}

const (
	// chunkLen bounds the players named in one command.
	chunkLen = 256
)

// Run receives, and publishes what Redis did not take at first, until ctx ends. Then it returns nil. A connection
// that is lost is made anew.
func (c *Channel) Run(ctx context.Context, r Receiver) error {
	var settling sync.WaitGroup
	settling.Go(func() { c.settle(ctx) })
	defer settling.Wait()
	for delays := retryDelays(); ; {
		confirmed, err := c.listen(ctx, r)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, rueidis.ErrClosing) {
			return err
		}
		if confirmed {
			c.log.Warn("live channel lost, connecting again", "error", err)
			delays.Reset()
		}
		if delays.Sleep(ctx) != nil {
			return nil
		}
	}
}

// listen holds one connection. It reports whether the connection could be used before it was lost.
func (c *Channel) listen(ctx context.Context, r Receiver) (confirmed bool, err error) {
	conn, _ := c.redis.Dedicate()
	defer conn.Close()
	lost := conn.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(m rueidis.PubSubMessage) {
			message, ok := decode(m.Channel, m.Message)
			if ok {
				r.Receive(message)
			} else if player, ok := playerOf(m.Channel); ok {
				r.Subscribed(player) // of another release: it is as good as missed
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
	c.all()
	subscribed := map[uuid.UUID]struct{}{}
	for {
		if err := c.bring(ctx, conn, subscribed, r); err != nil {
			return true, err
		}
		select {
		case <-ctx.Done():
			return true, nil
		case err := <-lost:
			return true, err
		case <-c.follows:
		}
	}
}

// all makes every player that is followed one that a new connection has to be told of.
func (c *Channel) all() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.changed)
	for player := range c.followed {
		c.changed[player] = struct{}{}
	}
	if len(c.changed) > 0 {
		wake(c.follows)
	}
}

// bring tells Redis what changed. subscribed is what the connection has been told; only its goroutine touches it.
func (c *Channel) bring(
	ctx context.Context, conn rueidis.DedicatedClient, subscribed map[uuid.UUID]struct{}, r Receiver,
) error {
	var add, remove []string
	var again []uuid.UUID
	c.mu.Lock()
	for player := range c.changed {
		_, want := c.followed[player]
		_, have := subscribed[player]
		switch {
		case want && have: // left and came back before Redis was told
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
