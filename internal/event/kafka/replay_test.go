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

// TestTooLargeToReplay lowers the limit of a topic below the size of a stored record. The record's dead letter must not
// block the replay of others, and is kept until the limit is raised.
func TestTooLargeToReplay(t *testing.T) {
	brokers := startFake(t)
	admin := newAdmin(t, brokers)
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 1, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	large := random(900_000)
	for _, body := range [][]byte{large, []byte("bad"), []byte("good")} {
		if err := send(t.Context(), strings.Join(brokers, ","), "t", nil, body); err != nil {
			t.Fatal(err)
		}
	}
	rec := eventtest.NewRecorder()
	fixed, stop := subscribe(t, bus, rec)
	rec.Wait(t, 1)
	setLimit(t, admin, "t", "100000")
	fixed.Store(true)
	for _, want := range []int{1, 0} {
		n, err := bus.Replay(t.Context(), "t")
		if n != want || !errors.Is(err, event.ErrTooLarge) {
			t.Errorf("Replay = %d, %v; want %d and ErrTooLarge", n, err, want)
		}
		if n, err := bus.Depth(t.Context(), "t"); n != 1 || err != nil {
			t.Errorf("Depth = %d, %v; want 1", n, err)
		}
	}
	setLimit(t, admin, "t", "1100000")
	if n, err := bus.Replay(t.Context(), "t"); n != 1 || err != nil {
		t.Errorf("Replay = %d, %v; want 1", n, err)
	}
	rec.Wait(t, 3)
	if got := rec.Seen()[2].Data; !bytes.Equal(got, large) {
		t.Errorf("%d bytes were replayed, want %d", len(got), len(large))
	}
	stop()
}

// TestDeadLetterTopicWithLowLimit sets the size limit of a dead letter topic below the limit of its topic. Dead letters
// are truncated, whether the data, the headers or the key are too large, and replays restore them.
func TestDeadLetterTopicWithLowLimit(t *testing.T) {
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
	fixed, stop := subscribe(t, bus, rec)
	defer stop()
	rec.Wait(t, 1)
	letters := 0
	err = bus.DeadLetters(t.Context(), "t", func(d event.DeadLetter) error {
		if letters++; !d.Truncated || d.Group != "g" || d.Reason != "poison" {
			t.Errorf("dead letter %d: truncated %t, group %q, reason %q; want true, g, poison", letters, d.Truncated, d.Group, d.Reason)
		}
		return nil
	})
	if letters != 3 || err != nil {
		t.Errorf("%d dead letters, %v, want 3", letters, err)
	}
	fixed.Store(true)
	if n, err := bus.Replay(t.Context(), "t"); n != 3 || err != nil {
		t.Errorf("Replay = %d, %v; want 3", n, err)
	}
	rec.Wait(t, 4)
	if back := rec.Seen()[1:]; !bytes.Equal(back[0].Data, large) || back[1].Key != string(large) {
		t.Errorf("replayed %d bytes of data and %d of key, want %d", len(back[0].Data), len(back[1].Key), len(large))
	}
}

// TestReplayProgressSurvivesDeletedGroups deletes all consumer groups after a replay. The progress of the replay must not
// depend on the offsets of a group, which brokers delete when the group has no members.
func TestReplayProgressSurvivesDeletedGroups(t *testing.T) {
	brokers := startFake(t)
	admin := newAdmin(t, brokers)
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 3, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := send(t.Context(), strings.Join(brokers, ","), "t", nil, []byte("bad")); err != nil {
			t.Fatal(err)
		}
	}
	if err := send(t.Context(), strings.Join(brokers, ","), "t", nil, []byte("good")); err != nil {
		t.Fatal(err)
	}
	rec := eventtest.NewRecorder()
	fixed, stop := subscribe(t, bus, rec)
	rec.Wait(t, 1)
	fixed.Store(true)
	if n, err := bus.Replay(t.Context(), "t"); n != 3 || err != nil {
		t.Fatalf("Replay = %d, %v; want 3", n, err)
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
		t.Errorf("Depth = %d, %v; want 0", n, err)
	}
	if n, err := other.Replay(t.Context(), "t"); n != 0 || err != nil {
		t.Errorf("second Replay = %d, %v; want 0", n, err)
	}
}

// TestDeadLettersDeletedDuringScan deletes dead letters while they are read, as a concurrent replay does. The scan must not
// wait for deleted dead letters.
func TestDeadLettersDeletedDuringScan(t *testing.T) {
	const letters = 12 // a fetch returns only a few dead letters of this size
	brokers := startFake(t)
	addr := strings.Join(brokers, ",")
	bus := newBus(t, kafka.Config{Brokers: brokers})
	if err := bus.EnsureTopics(t.Context(), 1, 1, event.TopicSpec{Name: "t"}); err != nil {
		t.Fatal(err)
	}
	for range letters {
		if err := send(t.Context(), addr, "t", nil, random(500_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := send(t.Context(), addr, "t", nil, []byte("good")); err != nil {
		t.Fatal(err)
	}
	rec := eventtest.NewRecorder()
	_, stop := subscribe(t, bus, rec)
	defer stop()
	rec.Wait(t, 1)

	ctx, cancel := context.WithTimeout(t.Context(), eventtest.Timeout)
	defer cancel()
	read := 0
	err := bus.DeadLetters(ctx, "t", func(event.DeadLetter) error {
		if read++; read == 1 {
			return purge(ctx, addr, "t.dlq")
		}
		return nil
	})
	if err != nil || read == letters {
		t.Errorf("read %d of %d dead letters, %v; want fewer and no error", read, letters, err)
	}
}

// subscribe starts a group whose handler fails for every event except "good" until fixed is set. stop ends the subscription.
func subscribe(t *testing.T, bus event.Bus, rec *eventtest.Recorder) (fixed *atomic.Bool, stop func()) {
	t.Helper()
	fixed = new(atomic.Bool)
	ctx, cancel := context.WithCancel(t.Context())
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
	return fixed, func() {
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

// setLimit sets the topic's record limit in bytes.
func setLimit(t *testing.T, admin *kadm.Client, topic, limit string) {
	t.Helper()
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &limit}}
	if _, err := admin.AlterTopicConfigs(t.Context(), change, topic); err != nil {
		t.Fatal(err)
	}
}

// random returns n incompressible bytes, the same on every call.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}
