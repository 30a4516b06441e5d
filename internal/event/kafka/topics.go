package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/casino-loyalty/loyalty/internal/event"
)

// deadLetterMaxBytes is the record limit of dead letter topics. It is larger than topicMaxBytes, so a dead letter fits
// unless its record was stored compressed. It is below the size that brokers read in one request.
const deadLetterMaxBytes = 2 << 20

// topicMaxBytes is the record limit of topics: the megabyte that producers assume by default, and room for the headers that
// a replay adds.
const topicMaxBytes = 1<<20 + 64<<10

// EnsureTopics creates each topic and its dead letter topic unless it exists. With three or more replicas an event is
// acknowledged when all but one have it, so one broker may be unavailable.
func (b *Bus) EnsureTopics(ctx context.Context, partitions, replication int, topics ...event.TopicSpec) error {
	for _, t := range topics {
		config := map[string]*string{
			"min.insync.replicas": format(max(1, replication-1)),
			"max.message.bytes":   format(topicMaxBytes),
		}
		if t.Retention > 0 {
			config["retention.ms"] = format(t.Retention.Milliseconds())
		}
		if err := b.createTopic(ctx, t.Name, partitions, replication, config); err != nil {
			return err
		}
		config["retention.ms"] = format(max(t.Retention, event.DeadLetterRetention).Milliseconds())
		config["max.message.bytes"] = format(deadLetterMaxBytes)
		if err := b.createTopic(ctx, event.DeadLetterTopic(t.Name), partitions, replication, config); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bus) createTopic(ctx context.Context, name string, partitions, replication int, config map[string]*string) error {
	if partitions < 1 || partitions > math.MaxInt32 || replication < 1 || replication > math.MaxInt16 {
		return fmt.Errorf("kafka: topic %s cannot have %d partitions on %d replicas", name, partitions, replication)
	}
	_, err := b.admin.CreateTopic(ctx, int32(partitions), int16(replication), config, name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("kafka: create topic %s: %w", name, err)
	}
	return nil
}

// format returns the text of a topic's setting.
func format[N int | int64](n N) *string {
	s := strconv.FormatInt(int64(n), 10)
	return &s
}
