package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
	"github.com/casino-loyalty/loyalty/internal/event/outbox"
)

const (
	outboxTopic    = "bench" // no service consumes it
	outboxBatch    = 20_000  // events that are committed together
	outboxReplicas = 3
	outboxParts    = 12 // the default of the services
)

// outboxRow measures how fast the relay of the promotions process empties the outbox: it reads the events from PostgreSQL,
// publishes them to Kafka and deletes them. The events are committed before the measured time.
func outboxRow(goal float64) Row {
	return Row{
		Name: "outbox", Metrics: throughput("events/s", goal),
		Limit: "bare franz-go producer, same brokers, topic and records, acks=all",
		Open: func(ctx context.Context, env *Env) (*Pair, error) {
			f, err := env.fleet(ctx, 1)
			if err != nil {
				return nil, err
			}
			if err := f.bus.EnsureTopics(ctx, outboxParts, outboxReplicas, event.TopicSpec{Name: outboxTopic}); err != nil {
				return nil, err
			}
			producer, err := kgo.NewClient(append(f.kafka.Opts(), kgo.RequiredAcks(kgo.AllISRAcks()))...)
			if err != nil {
				return nil, err
			}
			return &Pair{
				Ours:  one(repeated(f.publishByRelay)),
				Limit: one(repeated(func(ctx context.Context) (time.Duration, error) { return publishBare(ctx, producer) })),
				Close: func() error {
					producer.Close()
					return nil
				},
			}, nil
		},
	}
}

// repeated publishes batches until they have taken d, and returns the events per second. publish returns the measured time
// of one batch.
func repeated(publish func(ctx context.Context) (time.Duration, error)) func(context.Context, time.Duration) (float64, error) {
	return func(ctx context.Context, d time.Duration) (float64, error) {
		events, total := 0, time.Duration(0)
		for ; total < d; events += outboxBatch {
			took, err := publish(ctx)
			if err != nil {
				return 0, err
			}
			total += took
		}
		return float64(events) / total.Seconds(), nil
	}
}

// benchEvents returns outboxBatch notification events for the topic of the row, each of another player.
func benchEvents() ([]event.Event, error) {
	events := make([]event.Event, outboxBatch)
	promotion := uuid.NewString()
	for i := range events {
		e, err := assigned(playerID(i).String(), promotion)
		if err != nil {
			return nil, err
		}
		e.Topic = outboxTopic
		events[i] = e
	}
	return events, nil
}

func (f *fleet) publishByRelay(ctx context.Context) (time.Duration, error) {
	events, err := benchEvents()
	if err != nil {
		return 0, err
	}
	pool := f.pools["promotions"]
	if _, err := pool.Exec(ctx, "VACUUM outbox"); err != nil {
		return 0, err
	}
	before, err := f.published(ctx, outboxTopic)
	if err != nil {
		return 0, err
	}
	tx, err := pool.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback(ctx) }() // has no effect after the commit
	if err := outbox.Append(ctx, tx, events...); err != nil {
		return 0, err
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := f.wakeRelay(ctx); err != nil {
		return 0, err
	}
	err = await(ctx, func() error {
		now, err := f.published(ctx, outboxTopic)
		if err == nil && now < before+outboxBatch {
			err = fmt.Errorf("%d of %d events are published", now-before, outboxBatch)
		}
		return err
	})
	return time.Since(start), err
}

// published returns the number of records on a topic.
func (f *fleet) published(ctx context.Context, topic string) (int64, error) {
	offsets, err := kadm.NewClient(f.kafka).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	var sum int64
	offsets.Each(func(o kadm.ListedOffset) {
		err = errors.Join(err, o.Err)
		sum += o.Offset
	})
	return sum, err
}

// publishBare publishes the records of the events with a producer in its default configuration.
func publishBare(ctx context.Context, producer *kgo.Client) (time.Duration, error) {
	events, err := benchEvents()
	if err != nil {
		return 0, err
	}
	records := make([]*kgo.Record, len(events))
	for i, e := range events {
		r := &kgo.Record{Topic: e.Topic, Key: []byte(e.Key), Value: e.Data}
		for name, value := range e.Attributes() {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "ce_" + name, Value: []byte(value)})
		}
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: event.ContentTypeHeader, Value: []byte(e.ContentType)})
		records[i] = r
	}
	start := time.Now()
	err = producer.ProduceSync(ctx, records...).FirstErr()
	return time.Since(start), err
}
