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
	// deleteEvery is the number of finished dead letters after which Replay deletes them.
	deleteEvery = 100
	// replayMaxBytes is the maximum size of a batch of a replay before compression. It exceeds every topic's limit, so that the
	// broker and not the client rejects large records. Records are sent one by one, so a batch holds one record.
	replayMaxBytes = 64 << 20
)

// replay is the state of one call of Replay.
type replay struct {
	bus      *Bus
	topic    string
	producer *kgo.Client
	sent     int
	skipped  event.Skips
	// finished is the offset after the last finished dead letter of each partition. It is reset by each deletion.
	finished kadm.Offsets
	count    int
}

// Replay implements event.DeadLetterQueue. It deletes dead letters after it has replayed them, so the start of the dead
// letter topic is the progress. It does not store the progress as offsets of a consumer group, because brokers delete the
// offsets of a group without members (offsets.retention.minutes) earlier than dead letters.
//
// The configured user needs permission to delete records of the dead letter topic. If a broker crashes within a minute after
// a replay, some dead letters may be replayed again.
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
	return r.sent, errors.Join(r.skipped.Err(), err, r.deleteFinished(ctx))
}

// process sends the event of a dead letter back to the topic, or skips it.
func (r *replay) process(ctx context.Context, letter *kgo.Record) error {
	d := parseDeadLetter(letter, r.topic)
	err := d.Invalid
	if err == nil {
		err = r.send(ctx, letter, d)
	}
	switch {
	case err == nil:
		r.sent++
	case errors.Is(err, event.ErrGone), errors.Is(err, event.ErrInvalid):
		r.skipped.Add(d.ReplayError(err))
	case errors.Is(err, kerr.MessageTooLarge):
		// Keep the dead letter for the next replay: append a copy to the partition.
		again := &kgo.Record{Topic: letter.Topic, Key: letter.Key, Value: letter.Value, Headers: letter.Headers}
		if err := r.producer.ProduceSync(ctx, again).FirstErr(); err != nil {
			return fmt.Errorf("kafka: keep a dead letter of %s: %w", r.topic, r.bus.explain(err))
		}
		r.skipped.Add(d.ReplayError(event.ErrTooLarge))
	default:
		return fmt.Errorf("kafka: replay to %s: %w", r.topic, r.bus.explain(err))
	}
	r.finished.AddOffset(letter.Topic, letter.Partition, letter.Offset+1, letter.LeaderEpoch)
	if r.count++; r.count%deleteEvery == 0 {
		return r.deleteFinished(ctx)
	}
	return nil
}

// send sends the event of a dead letter to its topic. Only the group that gave up handles the event. If the dead letter is
// truncated, send reads the event from its position in the topic.
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

// deleteFinished deletes the finished dead letters, even if ctx has ended.
func (r *replay) deleteFinished(ctx context.Context) error {
	finished := r.finished
	r.finished = make(kadm.Offsets)
	deleted, err := r.bus.admin.DeleteRecords(context.WithoutCancel(ctx), finished)
	deleted.Each(func(d kadm.DeleteRecordsResponse) {
		if !errors.Is(d.Err, kerr.OffsetOutOfRange) { // already deleted, by retention or by another replay
			err = errors.Join(err, d.Err)
		}
	})
	if err != nil {
		return fmt.Errorf("kafka: delete replayed dead letters of %s, which the next replay will repeat: %w", r.topic,
			r.bus.explain(err))
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
		kgo.FetchMaxBytes(maxFetchBytes),
		kgo.WithDecompressor(b.newDecompressor(errBatchTooLarge)),
	)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	fetches := client.PollRecords(ctx, 1)
	if err := fetches.Err(); errors.Is(err, errBatchTooLarge) {
		return nil, kerr.MessageTooLarge
	} else if err != nil {
		return nil, err
	}
	records := fetches.Records()
	if len(records) == 0 || records[0].Offset != d.Offset {
		return nil, event.ErrGone
	}
	return records[0], nil
}
