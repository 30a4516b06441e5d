package jetstream_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/eventtest"
	"github.com/casino-loyalty/loyalty/internal/event/jetstream"
	"github.com/casino-loyalty/loyalty/internal/logs/logstest"
)

// TestConsumerOfAnotherProgram starts a subscription whose consumer exists with settings that the server does not update. The
// subscription must receive all events: the consumer may have skipped some.
func TestConsumerOfAnotherProgram(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), server.RANDOM_PORT)
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	for name, change := range map[string]func(*natsjs.ConsumerConfig){
		"push": func(c *natsjs.ConsumerConfig) { c.DeliverSubject = "nowhere" },
		"new":  func(c *natsjs.ConsumerConfig) { c.DeliverPolicy = natsjs.DeliverNewPolicy },
		"sequence": func(c *natsjs.ConsumerConfig) {
			c.DeliverPolicy, c.OptStartSeq = natsjs.DeliverByStartSequencePolicy, 9
		},
		"time": func(c *natsjs.ConsumerConfig) {
			c.DeliverPolicy, c.OptStartTime = natsjs.DeliverByStartTimePolicy, &past
		},
		"no-acks": func(c *natsjs.ConsumerConfig) { c.AckPolicy = natsjs.AckNonePolicy },
		"slow":    func(c *natsjs.ConsumerConfig) { c.ReplayPolicy = natsjs.ReplayOriginalPolicy },
		"narrow":  func(c *natsjs.ConsumerConfig) { c.MaxWaiting = 1 },
		"paused":  func(c *natsjs.ConsumerConfig) { c.PauseUntil = &future },
		"memory":  func(c *natsjs.ConsumerConfig) { c.MemoryStorage = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logstest.Buffer
			bus, err := jetstream.New(t.Context(), jetstream.Config{URL: s.ClientURL(), Name: "test"},
				slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(bus.Close)
			ctx, cancel := context.WithTimeout(t.Context(), eventtest.Timeout)
			defer cancel()
			if err := bus.EnsureTopics(ctx, 0, 1, event.TopicSpec{Name: name}); err != nil {
				t.Fatal(err)
			}
			e := event.Event{ID: "1", Source: "/test", Type: "t", Topic: name, Time: time.Now()}
			if err := bus.Publish(ctx, e); err != nil {
				t.Fatal(err)
			}
			replaceConsumers(ctx, t, js, name, change)
			var got []string
			err = bus.Subscribe(ctx, event.Subscription{Group: "g", Topic: name, Handler: func(_ context.Context, e event.Event) error {
				got = append(got, e.ID)
				cancel()
				return nil
			}})
			if err != nil || !slices.Equal(got, []string{e.ID}) {
				t.Errorf("Subscribe returned %v after the events %q, want event %s: %s", err, got, e.ID, log.String())
			}
			if log.Count("replaced a consumer that another program has created") == 0 {
				t.Errorf("the log does not mention the replaced consumer: %s", log.String())
			}
		})
	}
}

// replaceConsumers creates the consumers of group g with other settings.
func replaceConsumers(
	ctx context.Context, t *testing.T, js natsjs.JetStream, topic string, change func(*natsjs.ConsumerConfig),
) {
	t.Helper()
	stream, err := js.Stream(ctx, "loyalty_"+topic+"_v1")
	if err != nil {
		t.Fatal(err)
	}
	for _, subject := range stream.CachedInfo().Config.Subjects {
		config := natsjs.ConsumerConfig{
			Durable: consumerName("g", subject), FilterSubject: subject, AckPolicy: natsjs.AckExplicitPolicy,
		}
		change(&config)
		if config.DeliverSubject == "" {
			_, err = stream.CreateConsumer(ctx, config)
		} else {
			_, err = stream.CreatePushConsumer(ctx, config)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// consumerName returns the name of a group's consumer of a subject.
func consumerName(group, subject string) string {
	return group + "-" + strings.ReplaceAll(subject, ".", "_")
}
