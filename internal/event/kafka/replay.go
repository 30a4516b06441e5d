package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

const (
	// dropEvery is how many dead letters are replayed before those are dropped.
	dropEvery = 100
	// replayMaxBytes is how large a record may be that a replay sends, before it is compressed: it is for the broker to
	// say what it takes. Records go one by one, so no batch of several grows as large.
	replayMaxBytes = 64 << 20
)

// replay is one call of Replay.
type replay struct {
	bus      *Bus
	topic    string
	producer *kgo.Client
	sent     int
	passed   []error
	// through is how far it came in each partition since the letters before were dropped.
	through kadm.Offsets
	count   int
}

// Replay sends the dead letters of the topic back to it and drops them. What a topic keeps of a consumer group without
// members ends before the dead letters do (offsets.retention.minutes), so the beginning of their topic itself tells what
// was replayed. The user of the brokers must be allowed to delete from the dead letters' topic. A broker that crashes
// within a minute may bring some back.
func (b *Bus) Replay(ctx context.Context, topic string) (n int, err error) {
	spans, err := b.spans(ctx, topic)
	if err != nil {
		return 0, err
	}
	producer, err := b.newClient(kgo.ProducerBatchMaxBytes(replayMaxBytes))
	if err != nil {
		return 0, err
	}
	defer producer.Close()
	r := &replay{bus: b, topic: topic, producer: producer, through: make(kadm.Offsets)}
	err = b.scan(ctx, topic, spans, func(letter *kgo.Record) error { return r.take(ctx, letter) })
	return r.sent, errors.Join(append(r.passed, err, r.drop(ctx))...)
}

// take sends one dead letter, or passes it over.
func (r *replay) take(ctx context.Context, letter *kgo.Record) error {
	d := parseDeadLetter(letter)
	switch err := r.send(ctx, letter, d); {
	case err == nil:
		r.sent++
	case errors.Is(err, event.ErrGone):
		r.passed = append(r.passed, d.Unsent(err))
	case errors.Is(err, kerr.MessageTooLarge):
		// It waits on, behind the others.
		again := &kgo.Record{Topic: letter.Topic, Key: letter.Key, Value: letter.Value, Headers: letter.Headers}
		if err := r.producer.ProduceSync(ctx, again).FirstErr(); err != nil {
			return fmt.Errorf("kafka: keep a dead letter of %s: %w", r.topic, err)
		}
		r.passed = append(r.passed, d.Unsent(event.ErrTooLarge))
	default:
		return fmt.Errorf("kafka: replay to %s: %w", r.topic, err)
	}
	r.through.AddOffset(letter.Topic, letter.Partition, letter.Offset+1, letter.LeaderEpoch)
	if r.count++; r.count%dropEvery == 0 {
		return r.drop(ctx)
	}
	return nil
}

// send sends the event of a dead letter to its topic, for the group that gave it up.
func (r *replay) send(ctx context.Context, letter *kgo.Record, d event.DeadLetter) error {
	source := letter
	if d.Abridged {
		var err error
		if source, err = r.bus.original(ctx, r.topic, d); err != nil {
			return err
		}
	}
	again := travel(source, r.topic)
	identify(again, decode(source).ID)
	if d.Group != "" {
		again.Headers = append(again.Headers, header(event.ReplayGroupHeader, d.Group))
	}
	return r.producer.ProduceSync(ctx, again).FirstErr()
}

// drop drops the dead letters that it is through with, also those before an interruption.
func (r *replay) drop(ctx context.Context) error {
	through := r.through
	r.through = make(kadm.Offsets)
	dropped, err := r.bus.admin.DeleteRecords(context.WithoutCancel(ctx), through)
	dropped.Each(func(d kadm.DeleteRecordsResponse) {
		if !errors.Is(d.Err, kerr.OffsetOutOfRange) { // dropped already, by another's replay or by age
			err = errors.Join(err, d.Err)
		}
	})
	if err != nil {
		return fmt.Errorf("kafka: drop dead letters of %s, which will be replayed again: %w", r.topic, err)
	}
	return nil
}

// original reads the record of an abridged dead letter from its place in the topic.
func (b *Bus) original(ctx context.Context, topic string, d event.DeadLetter) (*kgo.Record, error) {
	spans, err := b.inspect(ctx, topic)
	if err != nil {
		return nil, err
	}
	if s, ok := spans[d.Partition]; !ok || d.Offset < s.start || d.Offset >= s.end {
		return nil, event.ErrGone
	}
	client, err := b.newClient(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {d.Partition: kgo.NewOffset().At(d.Offset)}}),
		kgo.FetchMaxWait(fetchMaxWait),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	fetches := client.PollRecords(ctx, 1)
	if err := fetches.Err(); err != nil {
		return nil, err
	}
	records := fetches.Records()
	if len(records) == 0 || records[0].Offset != d.Offset {
		return nil, event.ErrGone
	}
	return records[0], nil
}
