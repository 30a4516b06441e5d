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
	// deleteEvery is the number of dead letters after which the replayed ones are deleted.
	deleteEvery = 100
	// replayMaxBytes is the largest batch of a replay before compression. It exceeds every topic's limit, so that the broker
	// decides which records it accepts. Records are sent one by one, so batches hold one record.
	replayMaxBytes = 64 << 20
)

// replay is the state of one call of Replay.
type replay struct {
	bus      *Bus
	topic    string
	producer *kgo.Client
	sent     int
	skipped  []error
	// finished is the end of the finished dead letters in each partition, since the last deletion.
	finished kadm.Offsets
	count    int
}

// Replay sends the dead letters of the topic back to it and deletes them. The start of the dead letter topic is the
// progress of the replay: brokers delete the offsets of a consumer group without members (offsets.retention.minutes)
// earlier than dead letters. The brokers' user needs permission to delete records of the dead letter topic. After a crash
// of a broker within a minute, some dead letters may be replayed again.
func (b *Bus) Replay(ctx context.Context, topic string) (n int, err error) {
	ranges, err := b.deadLetterRanges(ctx, topic)
	if err != nil {
		return 0, err
	}
	producer, err := b.newClient(kgo.ProducerBatchMaxBytes(replayMaxBytes))
	if err != nil {
		return 0, err
	}
	defer producer.Close()
	r := &replay{bus: b, topic: topic, producer: producer, finished: make(kadm.Offsets)}
	err = b.scan(ctx, topic, ranges, func(letter *kgo.Record) error { return r.process(ctx, letter) })
	return r.sent, errors.Join(append(r.skipped, err, r.deleteFinished(ctx))...)
}

// process sends one dead letter or skips it.
func (r *replay) process(ctx context.Context, letter *kgo.Record) error {
	d := parseDeadLetter(letter)
	switch err := r.send(ctx, letter, d); {
	case err == nil:
		r.sent++
	case errors.Is(err, event.ErrGone):
		r.skipped = append(r.skipped, d.ReplayError(err))
	case errors.Is(err, kerr.MessageTooLarge):
		// A copy at the end of the partition keeps it for the next replay.
		again := &kgo.Record{Topic: letter.Topic, Key: letter.Key, Value: letter.Value, Headers: letter.Headers}
		if err := r.producer.ProduceSync(ctx, again).FirstErr(); err != nil {
			return fmt.Errorf("kafka: keep a dead letter of %s: %w", r.topic, err)
		}
		r.skipped = append(r.skipped, d.ReplayError(event.ErrTooLarge))
	default:
		return fmt.Errorf("kafka: replay to %s: %w", r.topic, err)
	}
	r.finished.AddOffset(letter.Topic, letter.Partition, letter.Offset+1, letter.LeaderEpoch)
	if r.count++; r.count%deleteEvery == 0 {
		return r.deleteFinished(ctx)
	}
	return nil
}

// send sends the event of a dead letter to its topic, for the group that gave it up.
func (r *replay) send(ctx context.Context, letter *kgo.Record, d event.DeadLetter) error {
	source := letter
	if d.Truncated {
		var err error
		if source, err = r.bus.readOriginal(ctx, r.topic, d); err != nil {
			return err
		}
	}
	again := copyTo(source, r.topic)
	e, _ := decode(source)
	ensureID(again, e.ID)
	if d.Group != "" {
		again.Headers = append(again.Headers, header(event.ReplayGroupHeader, d.Group))
	}
	return r.producer.ProduceSync(ctx, again).FirstErr()
}

// deleteFinished deletes the finished dead letters, also after ctx ended.
func (r *replay) deleteFinished(ctx context.Context) error {
	finished := r.finished
	r.finished = make(kadm.Offsets)
	deleted, err := r.bus.admin.DeleteRecords(context.WithoutCancel(ctx), finished)
	deleted.Each(func(d kadm.DeleteRecordsResponse) {
		if !errors.Is(d.Err, kerr.OffsetOutOfRange) { // already deleted by retention or another replay
			err = errors.Join(err, d.Err)
		}
	})
	if err != nil {
		return fmt.Errorf("kafka: delete replayed dead letters of %s, which the next replay will repeat: %w", r.topic, err)
	}
	return nil
}

// readOriginal reads the record of a truncated dead letter from its position in the topic.
func (b *Bus) readOriginal(ctx context.Context, topic string, d event.DeadLetter) (*kgo.Record, error) {
	ranges, err := b.offsetRanges(ctx, topic)
	if err != nil {
		return nil, err
	}
	if r, ok := ranges[d.Partition]; !ok || d.Offset < r.start || d.Offset >= r.end {
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
