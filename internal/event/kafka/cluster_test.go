package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/kafkacluster"
	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
)

// TestCluster runs the conformance suite and a failover test against three real brokers.
func TestCluster(t *testing.T) {
	cluster := kafkacluster.Start(t)
	brokers := strings.Join(cluster.Brokers(), ",")
	t.Run("conformance", func(t *testing.T) {
		eventtest.Run(t, eventtest.Driver{
			Addr:        brokers,
			Open:        open,
			Send:        send,
			Oversize:    oversize,
			Purge:       purge,
			Outage:      outage,
			Partitions:  3,
			Replication: 3,
		})
	})
	t.Run("outage log", func(t *testing.T) { testOutageLog(t, cluster, brokers) })
	t.Run("leader killed", func(t *testing.T) { testLeaderKilled(t, cluster, brokers) })
}

// testOutageLog kills the leader of a partition, while a bus publishes and consumes, and restarts it. The log has one line
// about the beginning of the broker's outage and one about its end.
func testOutageLog(t *testing.T, cluster *kafkacluster.Cluster, brokers string) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	var log logstest.Buffer
	bus, err := open(ctx, brokers, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	topic := "outage-" + uuid.NewString()
	if err := bus.EnsureTopics(ctx, 3, 3, event.TopicSpec{Name: topic, Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	subscribed, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		ignore := func(context.Context, event.Event) error { return nil }
		if err := bus.Subscribe(subscribed, event.Subscription{Group: topic, Topic: topic, Handler: ignore}); err != nil {
			t.Error(err)
		}
	})
	publishUntil := func(logged string) {
		for n := 0; log.Count(logged) == 0; n++ {
			e := event.Event{
				ID: strconv.Itoa(n), Source: "/test", Type: "t", Topic: topic, Key: strconv.Itoa(n), Time: time.Now(),
			}
			if bus.Publish(ctx, e) != nil && ctx.Err() != nil {
				t.Fatalf("%q was not logged: %s", logged, log.String())
			}
		}
	}
	leader := cluster.Leader(t, topic, 0)
	cluster.Kill(leader)
	publishUntil("broker unavailable")
	cluster.Restart(t, leader)
	publishUntil("broker available again")
	stop()
	running.Wait()
	for _, msg := range []string{"broker unavailable", "broker available again"} {
		if n := log.Count(msg); n != 1 {
			t.Errorf("%q is logged %d times, want once: %s", msg, n, log.String())
		}
	}
	log.CheckRepeats(t)
}

// testLeaderKilled kills the leader of a partition while events are published, restarts it, and kills the leader of
// another partition. Every acknowledged event must be delivered, in order per key.
func testLeaderKilled(t *testing.T, cluster *kafkacluster.Cluster, brokers string) {
	const keys, perStep = 8, 150
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	topic := "leader-" + uuid.NewString()
	newBus := func() event.Bus {
		bus, err := open(ctx, brokers, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(bus.Close)
		return bus
	}
	bus := newBus()
	if err := bus.EnsureTopics(ctx, 3, 3, event.TopicSpec{Name: topic, Retention: time.Hour}); err != nil {
		t.Fatal(err)
	}
	rec := eventtest.NewRecorder()
	handle := func(ctx context.Context, e event.Event) error {
		defer rec.Enter(e)()
		return rec.Handle(ctx, e)
	}
	var running sync.WaitGroup
	for range 2 {
		member := newBus()
		running.Go(func() {
			if err := member.Subscribe(ctx, event.Subscription{Group: topic, Topic: topic, Handler: handle}); err != nil {
				t.Error(err)
			}
		})
	}

	var acknowledged atomic.Int64
	stop := make(chan struct{})
	running.Go(func() {
		for n := 0; ; n++ {
			batch := make([]event.Event, keys)
			for k := range batch {
				key := fmt.Sprintf("key-%d", k)
				batch[k] = event.Event{
					ID: fmt.Sprintf("%s/%d#", key, n), Source: "/test", Type: "t", Topic: topic, Key: key, Time: time.Now(),
				}
			}
			// Repeat until the batch is acknowledged, as the outbox relay does.
			for bus.Publish(ctx, batch...) != nil {
				if ctx.Err() != nil {
					return
				}
			}
			acknowledged.Add(keys)
			select {
			case <-stop:
				return
			default:
			}
		}
	})

	rec.Wait(t, keys*perStep)
	first := cluster.Leader(t, topic, 0)
	cluster.Kill(first)
	killed := time.Now()
	rec.Wait(t, rec.Distinct()+keys*perStep)
	took := time.Since(killed).Round(time.Millisecond)
	t.Logf("%d events were delivered within %s after the leader was killed", keys*perStep, took)
	cluster.Restart(t, first)
	rec.Wait(t, rec.Distinct()+keys*perStep)
	second := cluster.Leader(t, topic, 1)
	cluster.Kill(second)
	rec.Wait(t, rec.Distinct()+keys*perStep)
	close(stop)
	rec.Wait(t, int(acknowledged.Load()))
	cluster.Restart(t, second)
	rec.Check(t)
	cancel()
	running.Wait()
	t.Logf("%d events acknowledged, %d deliveries", acknowledged.Load(), len(rec.Seen()))
}
