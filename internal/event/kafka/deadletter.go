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

// DeadLetters calls fn for each dead letter of the topic that was not replayed, in order per key.
func (b *Bus) DeadLetters(ctx context.Context, topic string, fn func(event.DeadLetter) error) error {
	spans, err := b.spans(ctx, topic)
	if err != nil {
		return err
	}
	return b.scan(ctx, topic, spans, func(r *kgo.Record) error { return fn(parseDeadLetter(r)) })
}

// Depth counts the dead letters of the topic that were not replayed yet.
func (b *Bus) Depth(ctx context.Context, topic string) (n int64, err error) {
	spans, err := b.spans(ctx, topic)
	if err != nil {
		return 0, err
	}
	for _, s := range spans {
		n += s.end - s.start
	}
	return n, nil
}

// span is the part of a partition that is there: from start on, before end.
type span struct{ start, end int64 }

// Brokers learn of a new topic, and of a new leader, one after the other. Until all have, some answer that they know
// nothing of it; so they are asked again for a while.
const (
	settleTime  = 5 * time.Second
	settlePause = 100 * time.Millisecond
)

// scanPatience is how long a scan waits for records before it looks whether another's replay, or their age, has dropped
// them.
const scanPatience = 5 * time.Second

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
	spans := make(map[int32]span)
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(dead, end.Partition)
		spans[end.Partition] = span{start: start.Offset, end: end.Offset}
	})
	return spans, nil
}

// scan calls fn for each record of the topic's dead letters within the spans.
func (b *Bus) scan(ctx context.Context, topic string, spans map[int32]span, fn func(*kgo.Record) error) error {
	dead := event.DeadLetterTopic(topic)
	offsets := make(map[int32]kgo.Offset)
	for p, s := range spans {
		if s.start < s.end {
			offsets[p] = kgo.NewOffset().At(s.start)
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
		polling, cancel := context.WithTimeout(ctx, scanPatience)
		fetches := client.PollRecords(polling, pollRecords)
		cancel()
		if err := fetches.Err(); errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			if err := b.forgetDropped(ctx, dead, spans, offsets); err != nil {
				return err
			}
		} else if err != nil {
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

// forgetDropped takes out the partitions whose records within the spans were dropped meanwhile: they will not come.
func (b *Bus) forgetDropped(ctx context.Context, dead string, spans map[int32]span, offsets map[int32]kgo.Offset) error {
	now, err := b.inspect(ctx, dead)
	if err != nil {
		return fmt.Errorf("kafka: inspect %s: %w", dead, err)
	}
	for p := range offsets {
		if now[p].start >= spans[p].end {
			delete(offsets, p)
		}
	}
	return nil
}
