package live_test

import (
	"context"
	"io"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/rueidis"

	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
	"github.com/casino-loyalty/loyalty/internal/redis/redistest"
	"github.com/casino-loyalty/loyalty/services/notifications"
	"github.com/casino-loyalty/loyalty/services/notifications/internal/live"
)

// waitTimeout is the maximum time that a test waits for a condition.
const waitTimeout = 20 * time.Second

// recorder is a receiver that sends each input to a channel.
type recorder struct {
	messages   chan live.Message
	subscribed chan uuid.UUID
}

func (r recorder) Receive(m live.Message)      { r.messages <- m }
func (r recorder) Subscribed(player uuid.UUID) { r.subscribed <- player }

// run runs a channel over the client until the test ends.
func run(t *testing.T, client rueidis.Client) (*live.Channel, recorder) {
	t.Helper()
	return runWithLog(t, client, t.Output())
}

func runWithLog(t *testing.T, client rueidis.Client, log io.Writer) (*live.Channel, recorder) {
	t.Helper()
	channel := live.New(client, slog.New(slog.NewTextHandler(log, nil)), nil)
	r := recorder{messages: make(chan live.Message, 10_000), subscribed: make(chan uuid.UUID, 10_000)}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := channel.Run(ctx, r); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return channel, r
}

// take returns the next value of a channel. what names the value in the failure message.
func take[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(waitTimeout):
		t.Fatalf("timeout waiting for %s", what)
		panic("unreachable")
	}
}

func notification(player uuid.UUID, seq int64) notifications.Notification {
	return notifications.Notification{ID: uuid.New(), UserID: player, Seq: seq, Type: "promotion",
		Content: map[string]any{"title": strconv.FormatInt(seq, 10)}}
}

func TestMessagesReachFollowers(t *testing.T) {
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		follower, received := run(t, client)
		publisher, _ := run(t, client)
		player, other := uuid.New(), uuid.New()
		follower.Follow(player)
		if got := take(t, "the subscription", received.subscribed); got != player {
			t.Fatalf("subscribed to %s, want %s", got, player)
		}
		publisher.Notified(t.Context(), notification(other, 1))
		publisher.Notified(t.Context(), notification(player, 7))
		read := notifications.ReadState{IDs: []uuid.UUID{uuid.New()}, Counts: notifications.Counts{Total: 7, Unread: 2}}
		publisher.Read(t.Context(), player, read)
		m := take(t, "the notification", received.messages)
		if m.Player != player || m.Seq != 7 || m.Frame == nil {
			t.Errorf("got %+v, want notification 7 of player %s", m, player)
		}
		if text, err := m.Frame.Text(); err != nil || !strings.Contains(string(text), `"notification"`) {
			t.Errorf("frame %s, %v, want a notification", text, err)
		}
		m = take(t, "the read state", received.messages)
		if m.Player != player || m.Seq != 0 || m.Frame != nil || !reflect.DeepEqual(m.Read, &read) {
			t.Errorf("got %+v, want the read state %+v", m, read)
		}
	})
}

func TestFollowManyPlayers(t *testing.T) {
	const players = 600 // more than two SUBSCRIBE commands can name
	redistest.Each(t, func(t *testing.T, client rueidis.Client) {
		channel, r := run(t, client)
		ids := make([]uuid.UUID, players)
		for i := range ids {
			ids[i] = uuid.New()
			channel.Follow(ids[i])
		}
		seen := map[uuid.UUID]bool{}
		for len(seen) < players {
			seen[take(t, "a subscription", r.subscribed)] = true
		}
		for _, id := range ids[1:] {
			channel.Unfollow(id)
		}
		again := ids[1]
		channel.Follow(again) // the UNSUBSCRIBE may not have been sent yet
		if got := take(t, "the second subscription to the player", r.subscribed); got != again {
			t.Fatalf("subscribed to %s, want %s", got, again)
		}
		// The subscriptions to the first two players remain.
		deadline := time.Now().Add(waitTimeout)
		for n := 0; n != 2; {
			if time.Now().After(deadline) {
				t.Fatalf("timeout: %d channels remain, want 2", n)
			}
			names, err := client.Do(t.Context(), client.B().PubsubChannels().Build()).AsStrSlice()
			if err != nil {
				t.Fatal(err)
			}
			n = len(names)
		}
		channel.Notified(t.Context(), notification(again, 1))
		if m := take(t, "the notification", r.messages); m.Player != again {
			t.Errorf("got %+v, want a notification of player %s", m, again)
		}
	})
}

// The channel reports a malformed message, for example from another release, as a missed message. The receiver then reads
// the store.
func TestMalformedMessages(t *testing.T) {
	client := redistest.Start(t).Open(t)
	channel, r := run(t, client)
	player := uuid.New()
	channel.Follow(player)
	take(t, "the subscription", r.subscribed)
	name := "notifications:" + player.String()
	for _, payload := range []string{
		"", "short", strings.Repeat("\x00", 8), strings.Repeat("\x00", 8) + "{}", strings.Repeat("\xff", 8), strings.Repeat("\xff", 8) + "[]",
		strings.Repeat("\xff", 7) + "\xfe{}",
	} {
		publish := client.B().Publish().Channel(name).Message(payload).Build()
		if err := client.Do(t.Context(), publish).Error(); err != nil {
			t.Fatal(err)
		}
		if got := take(t, "the signal of a missed message", r.subscribed); got != player {
			t.Errorf("a message of %s was missed, want %s", got, player)
		}
	}
	channel.Notified(t.Context(), notification(player, 3))
	if m := take(t, "the notification", r.messages); m.Seq != 3 {
		t.Errorf("got %+v, want notification 3 and no malformed message", m)
	}
}

// TestPublishWhileRedisIsDown checks that calls return at once while Redis is down, and that each failure is logged once.
func TestPublishWhileRedisIsDown(t *testing.T) {
	server := redistest.Start(t)
	client := server.Open(t)
	var log logstest.Buffer
	channel, r := runWithLog(t, client, &log)
	player := uuid.New()
	channel.Follow(player)
	take(t, "the subscription", r.subscribed)
	server.Kill()
	done := make(chan bool)
	go func() {
		for seq := range int64(1000) { // half an hour, if each call waited for the timeout
			channel.Notified(t.Context(), notification(player, seq+1))
		}
		for range 3 {
			channel.Read(t.Context(), player, notifications.ReadState{})
		}
		close(done)
	}()
	take(t, "the publisher", done)
	for _, failure := range []string{"cannot publish a live notification, will retry", "cannot publish a live read state"} {
		if n := log.Count(failure); n != 1 {
			t.Errorf("%q is logged %d times, want once", failure, n)
		}
	}
}
