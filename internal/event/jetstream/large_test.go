package jetstream_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
)

// TestTooLargeToReplay publishes two messages that have no room for the headers of a replay: one is almost as large as
// max_payload, and one has almost 64 KiB of headers. They must not block their partition or the replay of other dead
// letters, and they stay dead letters.
func TestTooLargeToReplay(t *testing.T) {
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	bus := newBus(t, jetstream.Config{URL: s.ClientURL()})
	if err := bus.EnsureTopics(t.Context(), 0, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func(data []byte, header nats.Header) {
		t.Helper()
		m := &nats.Msg{Subject: "loyalty.t.v1", Data: data, Header: header}
		if err := conn.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	send(bytes.Repeat([]byte("x"), 1<<20-50), nil)
	send([]byte("bad"), nats.Header{"note": {strings.Repeat("y", 1<<16-25)}})
	send([]byte("bad"), nil)
	send([]byte("good"), nil)

	rec := eventtest.NewRecorder()
	var fixed atomic.Bool
	ctx, cancel := context.WithTimeout(t.Context(), eventtest.Timeout)
	ended := make(chan error, 1)
	go func() {
		handle := func(ctx context.Context, e event.Event) error {
			if string(e.Data) != "good" && !fixed.Load() {
				return event.Permanentf("poison")
			}
			return rec.Handle(ctx, e)
		}
		ended <- bus.Subscribe(ctx, event.Subscription{Group: "g", Topic: "t", Handler: handle})
	}()
	rec.Wait(t, 1)
	if n, err := bus.Depth(ctx, "t"); n != 3 || err != nil {
		t.Errorf("Depth = %d, %v; want 3", n, err)
	}
	fixed.Store(true)
	for _, want := range []int{1, 0} {
		n, err := bus.Replay(ctx, "t")
		if n != want || !errors.Is(err, event.ErrTooLarge) || strings.Count(err.Error(), "larger than the topic accepts") != 2 {
			t.Errorf("Replay = %d, %v; want %d and two errors", n, err, want)
		}
		for depth := int64(0); depth != 2; { // the server counts new messages shortly after it has stored them
			if depth, err = bus.Depth(ctx, "t"); err != nil {
				t.Fatalf("Depth = %d, %v; want 2", depth, err)
			}
		}
	}
	rec.Wait(t, 2)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestDepthOfUnknownTopic(t *testing.T) {
	bus := newBus(t, jetstream.Config{URL: startServer(t, t.TempDir(), server.RANDOM_PORT).ClientURL()})
	_, err := bus.Depth(t.Context(), "never")
	if !errors.Is(err, event.ErrNoTopic) || !strings.Contains(err.Error(), "never") {
		t.Errorf("Depth of an unknown topic returned %v, want ErrNoTopic with the name never", err)
	}
}
