package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// replayGroup is the consumer group whose offsets in a dead letter topic say what has been replayed.
const replayGroup = "loyalty-replay"

// commitEvery is how many dead letters are replayed between two commits.
const commitEvery = 100

// span is the part of a partition between two offsets, of which replayed is the first not replayed yet.
type span struct{ start, replayed, end int64 }

// DeadLetters calls fn for each dead letter of the topic, in order per key.
func (b *Bus) DeadLetters(ctx context.Context, topic string, fn func(event.DeadLetter) error) error {
	spans, err := b.spans(ctx, topic)
	if err != nil {
		return err
	}
	from := make(map[int32]int64)
	for p, s := range spans {
		from[p] = s.start
	}
	return b.scan(ctx, topic, spans, from, func(r *kgo.Record) error {
		d := exhume(r)
		d.Replayed = r.Offset < spans[r.Partition].replayed
		return fn(d)
	})
}

// Replay sends the dead letters of the topic that were not replayed yet back to it, and stores how far it came.
func (b *Bus) Replay(ctx context.Context, topic string) (n int, err error) {
	spans, err := b.spans(ctx, topic)
	if err != nil {
		return 0, err
	}
	from := make(map[int32]int64)
	for p, s := range spans {
		from[p] = s.replayed
	}
	progress := make(kadm.Offsets)
	commit := func() error {
		// Also what was sent before an interruption counts.
		err := b.admin.CommitAllOffsets(context.WithoutCancel(ctx), replayGroup, progress)
		progress = make(kadm.Offsets)
		if err != nil {
			return fmt.Errorf("kafka: store the progress of the replay of %s: %w", topic, err)
		}
		return nil
	}
	err = b.scan(ctx, topic, spans, from, func(r *kgo.Record) error {
		again := travel(r, topic)
		if group := exhume(r).Group; group != "" {
			again.Headers = append(again.Headers, header(event.ReplayGroupHeader, group))
		}
		if err := b.client.ProduceSync(ctx, again).FirstErr(); err != nil {
			return fmt.Errorf("kafka: replay to %s: %w", topic, err)
		}
		n++
		progress.AddOffset(r.Topic, r.Partition, r.Offset+1, r.LeaderEpoch)
		if n%commitEvery == 0 {
			return commit()
		}
		return nil
	})
	if len(progress) > 0 {
		err = errors.Join(err, commit())
	}
	return n, err
}

// Depth counts the dead letters of the topic that were not replayed yet.
func (b *Bus) Depth(ctx context.Context, topic string) (n int64, err error) {
	spans, err := b.spans(ctx, topic)
	if err != nil {
		return 0, err
	}
	for _, s := range spans {
		n += s.end - s.replayed
	}
	return n, nil
}

// Brokers learn of a new topic, and of a new leader, one after the other. Until all have, some answer that they know
// nothing of it; so they are asked again for a while.
const (
	settleTime  = 5 * time.Second
	settlePause = 100 * time.Millisecond
)

// spans returns what lies in each partition of the topic's dead letters.
func (b *Bus) spans(ctx context.Context, topic string) (map[int32]span, error) {
	dead := event.DeadLetterTopic(topic)
	for begun := time.Now(); ; {
		spans, err := b.inspect(ctx, dead)
		switch {
		case err == nil:
			return spans, nil
		case !kerr.IsRetriable(err), time.Since(begun) >= settleTime, !event.Pause(ctx.Done(), settlePause):
			return nil, fmt.Errorf("kafka: inspect %s: %w", dead, err)
		}
	}
}

func (b *Bus) inspect(ctx context.Context, dead string) (map[int32]span, error) {
	starts, err := b.admin.ListStartOffsets(ctx, dead)
	if err = errors.Join(err, starts.Error()); err != nil {
		return nil, err
	}
	ends, err := b.admin.ListEndOffsets(ctx, dead)
	if err = errors.Join(err, ends.Error()); err != nil {
		return nil, err
	}
	committed, err := b.admin.FetchOffsets(ctx, replayGroup)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, err
	}
	spans := make(map[int32]span)
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(dead, end.Partition)
		s := span{start: start.Offset, replayed: start.Offset, end: end.Offset}
		if at, ok := committed.Lookup(dead, end.Partition); ok {
			s.replayed = min(max(at.At, s.start), s.end)
		}
		spans[end.Partition] = s
	})
	return spans, nil
}

// scan calls fn for each record of the topic's dead letters from the offsets on to the ends of the spans.
func (b *Bus) scan(
	ctx context.Context, topic string, spans map[int32]span, from map[int32]int64, fn func(*kgo.Record) error,
) error {
	dead := event.DeadLetterTopic(topic)
	offsets := make(map[int32]kgo.Offset)
	for p, at := range from {
		if at < spans[p].end {
			offsets[p] = kgo.NewOffset().At(at)
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	client, err := b.newClient(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{dead: offsets}),
		kgo.FetchMaxWait(fetchMaxWait),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(offsets) > 0 {
		fetches := client.PollRecords(ctx, pollRecords)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("kafka: read %s: %w", dead, err)
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			end := spans[r.Partition].end
			if r.Offset < end {
				if err := fn(r); err != nil {
					return err
				}
			}
			if r.Offset >= end-1 {
				delete(offsets, r.Partition)
			}
		}
	}
	return nil
}
