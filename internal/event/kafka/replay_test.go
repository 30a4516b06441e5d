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
	setLimit(t, admin, "t", "100000")
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
	setLimit(t, admin, "t", "1100000")
	if n, err := bus.Replay(t.Context(), "t"); n != 1 || err != nil {
		t.Errorf("replayed %d, %v, want 1", n, err)
	}
	rec.Wait(t, 3)
	if got := rec.Seen()[2].Data; !bytes.Equal(got, large) {
		t.Errorf("%d bytes came back of %d", len(got), len(large))
	}
	stop()
}

// TestBrokerRefusesDeadLetters has a topic of dead letters that takes less than the topic does, as one may that somebody
// else made: what does not fit, be it data, headers or key, is left out and found again.
func TestBrokerRefusesDeadLetters(t *testing.T) {
	brokers := startFake(t)
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 1, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	setLimit(t, newAdmin(t, brokers), "t.dlq", "100000")
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	large := random(900_000)
	records := []*kgo.Record{
		{Topic: "t", Value: large},
		{Topic: "t", Key: large, Value: []byte("bad")},
		{Topic: "t", Headers: []kgo.RecordHeader{{Key: "note", Value: large}}, Value: []byte("bad")},
		{Topic: "t", Value: []byte("good")},
	}
	for _, r := range records {
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	rec := eventtest.NewRecorder()
	mended, stop := subscribe(t, bus, rec)
	defer stop()
	rec.Wait(t, 1)
	letters := 0
	err = bus.DeadLetters(t.Context(), "t", func(d event.DeadLetter) error {
		if letters++; !d.Abridged || d.Group != "g" || d.Reason != "poison" {
			t.Errorf("dead letter %d is abridged: %t, of group %q for reason %q", letters, d.Abridged, d.Group, d.Reason)
		}
		return nil
	})
	if letters != 3 || err != nil {
		t.Errorf("%d dead letters, %v, want 3", letters, err)
	}
	mended.Store(true)
	if n, err := bus.Replay(t.Context(), "t"); n != 3 || err != nil {
		t.Errorf("replayed %d, %v, want 3", n, err)
	}
	rec.Wait(t, 4)
	if back := rec.Seen()[1:]; !bytes.Equal(back[0].Data, large) || back[1].Key != string(large) {
		t.Errorf("came back with %d bytes of data and %d of key", len(back[0].Data), len(back[1].Key))
	}
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

// TestDroppedUnderAReader drops the dead letters while they are read, as a replay by somebody else does. Whoever reads does
// not wait for them.
func TestDroppedUnderAReader(t *testing.T) {
	const letters = 12 // of a size of which a fetch brings a few
	brokers := startFake(t)
	addr := strings.Join(brokers, ",")
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 1, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	for range letters {
		if err := raw(t.Context(), addr, "t", random(500_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := raw(t.Context(), addr, "t", []byte("good")); err != nil {
		t.Fatal(err)
	}
	rec := eventtest.NewRecorder()
	_, stop := subscribe(t, bus, rec)
	defer stop()
	rec.Wait(t, 1)

	ctx, cancel := context.WithTimeout(t.Context(), eventtest.Patience)
	defer cancel()
	read := 0
	err := bus.DeadLetters(ctx, "t", func(event.DeadLetter) error {
		if read++; read == 1 {
			return forget(ctx, addr, "t.dlq")
		}
		return nil
	})
	if err != nil || read == letters {
		t.Errorf("read %d of %d, %v", read, letters, err)
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

// setLimit changes how large a record the topic takes, in bytes.
func setLimit(t *testing.T, admin *kadm.Client, topic, limit string) {
	t.Helper()
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &limit}}
	if _, err := admin.AlterTopicConfigs(t.Context(), change, topic); err != nil {
		t.Fatal(err)
	}
}

// random returns n bytes that do not compress, the same on every call.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}
