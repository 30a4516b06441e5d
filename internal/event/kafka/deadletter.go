package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/casino-loyalty/loyalty/internal/backoff"
	"github.com/casino-loyalty/loyalty/internal/event"
)

// DeadLetters calls fn for each dead letter of the topic that has not been replayed. The dead letters of one key are in
// order.
func (b *Bus) DeadLetters(ctx context.Context, topic string, fn func(event.DeadLetter) error) error {
	ranges, err := b.deadLetterRanges(ctx, topic)
	if err != nil {
		return err
	}
	return b.scan(ctx, topic, ranges, func(r *kgo.Record) error { return fn(parseDeadLetter(r, topic)) })
}

// Depth returns the number of the topic's dead letters that have not been replayed.
func (b *Bus) Depth(ctx context.Context, topic string) (n int64, err error) {
	ranges, err := b.deadLetterRanges(ctx, topic)
	if err != nil {
		return 0, err
	}
	for _, r := range ranges {
		n += r.end - r.start
	}
	return n, nil
}

// offsetRange is the range of a partition's stored offsets; end is exclusive.
type offsetRange struct{ start, end int64 }

// metadataPolicy is the retry policy for requests that fail until all brokers know a new topic or a new leader.
func metadataPolicy() backoff.Policy {
	return backoff.Policy{Initial: 100 * time.Millisecond, Timeout: 5 * time.Second}
}

// scanTimeout is how long a scan waits for records before it checks whether the records were deleted. Retention and a
// replay by another process delete records.
const scanTimeout = 5 * time.Second

// deadLetterRanges returns the offset range of each partition of the topic's dead letters.
func (b *Bus) deadLetterRanges(ctx context.Context, topic string) (ranges map[int32]offsetRange, err error) {
	dead := event.DeadLetterTopic(topic)
	err = backoff.Retry(ctx, metadataPolicy(), func(ctx context.Context) error {
		ranges, err = b.offsetRanges(ctx, dead)
		if err != nil && !kerr.IsRetriable(err) {
			return backoff.Permanent(err)
		}
		return err
	})
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, fmt.Errorf("kafka: list offsets of %s: %w: %w", dead, event.ErrNoTopic, err)
	}
	if err != nil {
		return nil, fmt.Errorf("kafka: list offsets of %s: %w", dead, err)
	}
	return ranges, nil
}

// offsetRanges returns the offset range of each partition of a topic.
func (b *Bus) offsetRanges(ctx context.Context, topic string) (map[int32]offsetRange, error) {
	starts, err := b.admin.ListStartOffsets(ctx, topic)
	if err = errors.Join(err, starts.Error()); err != nil {
		return nil, b.explain(err)
	}
	ends, err := b.admin.ListEndOffsets(ctx, topic)
	if err = errors.Join(err, ends.Error()); err != nil {
		return nil, b.explain(err)
	}
	ranges := make(map[int32]offsetRange)
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(topic, end.Partition)
		ranges[end.Partition] = offsetRange{start: start.Offset, end: end.Offset}
	})
	return ranges, nil
}

// scan calls fn for each record of the topic's dead letters within the ranges.
func (b *Bus) scan(ctx context.Context, topic string, ranges map[int32]offsetRange, fn func(*kgo.Record) error) error {
	dead := event.DeadLetterTopic(topic)
	offsets := make(map[int32]kgo.Offset)
	for partition, r := range ranges {
		if r.start < r.end {
			offsets[partition] = kgo.NewOffset().At(r.start)
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	memory := b.newDecompressor(errBatchTooLarge)
	client, err := b.newClient(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{dead: offsets}),
		kgo.FetchMaxWait(fetchMaxWait),
		kgo.FetchMaxBytes(maxFetchBytes),
		kgo.WithDecompressor(memory),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(offsets) > 0 {
		pollCtx, cancel := context.WithTimeout(ctx, scanTimeout)
		fetches := client.PollRecords(pollCtx, pollRecords)
		cancel()
		memory.reset()
		if err := fetches.Err(); errors.Is(err, errFetchTooLarge) {
			continue
		} else if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			if err := b.skipDeleted(ctx, dead, ranges, offsets); err != nil {
				return err
			}
		} else if err != nil {
			return fmt.Errorf("kafka: read %s: %w", dead, b.explain(err))
		}
		for it := fetches.RecordIter(); !it.Done(); {
			r := it.Next()
			end := ranges[r.Partition].end
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

// skipDeleted removes from offsets the partitions whose records within the ranges have been deleted.
func (b *Bus) skipDeleted(
	ctx context.Context, dead string, ranges map[int32]offsetRange, offsets map[int32]kgo.Offset,
) error {
	current, err := b.offsetRanges(ctx, dead)
	if err != nil {
		return fmt.Errorf("kafka: list offsets of %s: %w", dead, err)
	}
	for partition := range offsets {
		if current[partition].start >= ranges[partition].end {
			delete(offsets, partition)
		}
	}
	return nil
}
