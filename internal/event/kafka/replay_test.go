package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/kafka"
)

// TestTooLargeToReplay lowers the limit of a topic below a record that it holds. Its dead letter stops no other and waits
// on until the limit is raised.
func TestTooLargeToReplay(t *testing.T) {
	brokers := startFake(t)
	admin := newAdmin(t, brokers)
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 1, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	large := random(900_000)
	for _, body := range [][]byte{large, []byte("bad"), []byte("good")} {
		if err := raw(t.Context(), strings.Join(brokers, ","), "t", body); err != nil {
			t.Fatal(err)
		}
	}
	rec := eventtest.NewRecorder()
	mended, stop := subscribe(t, bus, rec)
	rec.Wait(t, 1)
	limit := func(bytes string) {
		t.Helper()
		change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &bytes}}
		if _, err := admin.AlterTopicConfigs(t.Context(), change, "t"); err != nil {
			t.Fatal(err)
		}
	}
	limit("100000")
	mended.Store(true)
	for _, sent := range []int{1, 0} {
		n, err := bus.Replay(t.Context(), "t")
		if n != sent || !errors.Is(err, event.ErrTooLarge) {
			t.Errorf("replayed %d, %v; want %d and an error about the other", n, err, sent)
		}
		if n, err := bus.Depth(t.Context(), "t"); n != 1 || err != nil {
			t.Errorf("%d dead letters wait on, %v, want 1", n, err)
		}
	}
	limit("1100000")
	if n, err := bus.Replay(t.Context(), "t"); n != 1 || err != nil {
		t.Errorf("replayed %d, %v, want 1", n, err)
	}
	rec.Wait(t, 3)
	if got := rec.Seen()[2].Data; !bytes.Equal(got, large) {
		t.Errorf("%d bytes came back of %d", len(got), len(large))
	}
	stop()
}

// TestProgressOfReplays sees that what was replayed is told by the topic of the dead letters alone. What brokers keep for a
// group without members, they drop before the dead letters.
func TestProgressOfReplays(t *testing.T) {
	brokers := startFake(t)
	admin := newAdmin(t, brokers)
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 3, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := raw(t.Context(), strings.Join(brokers, ","), "t", []byte("bad")); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw(t.Context(), strings.Join(brokers, ","), "t", []byte("good")); err != nil {
		t.Fatal(err)
	}
	rec := eventtest.NewRecorder()
	mended, stop := subscribe(t, bus, rec)
	rec.Wait(t, 1)
	mended.Store(true)
	if n, err := bus.Replay(t.Context(), "t"); n != 3 || err != nil {
		t.Fatalf("replayed %d, %v, want 3", n, err)
	}
	rec.Wait(t, 4)
	stop()

	groups, err := admin.ListGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if deleted, err := admin.DeleteGroups(t.Context(), groups.Groups()...); errors.Join(err, deleted.Error()) != nil {
		t.Fatal(err, deleted.Error())
	}
	other := newBus(t, kafka.Config{Brokers: brokers})
	if n, err := other.Depth(t.Context(), "t"); n != 0 || err != nil {
		t.Errorf("%d dead letters await a replay, %v", n, err)
	}
	if n, err := other.Replay(t.Context(), "t"); n != 0 || err != nil {
		t.Errorf("replayed %d again, %v", n, err)
	}
}

// subscribe starts a group that takes nothing but "good" until it is mended. stop ends it.
func subscribe(t *testing.T, bus event.Bus, rec *eventtest.Recorder) (mended *atomic.Bool, stop func()) {
	t.Helper()
	mended = new(atomic.Bool)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- bus.Subscribe(ctx, event.Subscription{Group: "g", Topic: "t", Handler: func(ctx context.Context, e event.Event) error {
			if string(e.Data) != "good" && !mended.Load() {
				return event.Permanentf("poison")
			}
			return rec.Handle(ctx, e)
		}})
	}()
	return mended, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func newAdmin(t *testing.T, brokers []string) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// random returns n bytes that do not compress, the same on every call.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}
